"""`run_fn`: builds the selected variant, fits it to the token ids, exports it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import progress
from components.errors import TrainingError, as_setting
from components.hyperparameters import Hyperparameters
from components.models.registry import Variant, get_variant
from components.trainer import curves, signatures, warm_start
from components.trainer.batches import ReviewBatches, read_examples
from components.trainer.training_record import TrainingRecord
from components.trainer.tuned import tuned_values

# Keys of Trainer's custom_config.
MODEL = "model"
HYPERPARAMETERS = "hyperparameters"
HAS_VALIDATION = "has_validation"
WARM_START = "warm_start"
IS_TUNED = "is_tuned"


def run_fn(fn_args: Any) -> None:
    """Trains and exports; TFX's Trainer calls it.

    Args:
      fn_args: `tfx.v1.components.FnArgs`, with the keys above in `custom_config`.

    Raises:
      TrainingError: The loss stopped being a number.
      ConfigurationError: There is no earlier model for a warm start, or it does not fit.
    """
    config = fn_args.custom_config
    hyperparameters = Hyperparameters.from_config(config[HYPERPARAMETERS])
    if config.get(IS_TUNED):
        hyperparameters = hyperparameters.overridden(**tuned_values(fn_args.hyperparameters))
    variant = get_variant(config[MODEL])
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    set_seeds(hyperparameters)
    model = variant.build(hyperparameters)
    if config.get(WARM_START):
        warm_start.load_weights(
            model, variant.name, hyperparameters, fn_args.base_model, transform_output
        )
    training = read_examples(fn_args.train_files, transform_output)
    validation = None
    if config[HAS_VALIDATION]:
        validation = read_examples(fn_args.eval_files, transform_output)

    started = time.monotonic()
    fit_variant(
        variant, model, training, validation, hyperparameters, log_dir=fn_args.model_run_dir
    )
    seconds = time.monotonic() - started
    signatures.export(
        *served_models(variant, hyperparameters, model),
        transform_output,
        fn_args.serving_model_dir,
    )
    TrainingRecord(variant.name, hyperparameters, seconds, model.count_params()).write(
        fn_args.serving_model_dir
    )


def set_seeds(hyperparameters: Hyperparameters) -> None:
    """Makes what follows depend on the seed, to the bit where `deterministic` asks for it."""
    keras.utils.set_random_seed(hyperparameters.seed)
    if hyperparameters.deterministic:
        tf.config.experimental.enable_op_determinism()


def served_models(
    variant: Variant, hyperparameters: Hyperparameters, model: keras.Model
) -> tuple[keras.Model, keras.Model]:
    """Returns what is exported of a trained model: one without dropout, and its per-token model.

    Layers with dropout keep a seed and random ops in their graph, even where they do nothing.
    """
    without_noise = hyperparameters.without_noise()
    served = variant.build(without_noise)
    served.set_weights(model.get_weights())
    return served, variant.build(without_noise, per_token=True)


def fit_variant(
    variant: Variant,
    model: keras.Model,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None,
    hyperparameters: Hyperparameters,
    log_dir: str,
) -> None:
    """Sets `model`'s weights as the variant wants it: by a solver, by gradient descent, or both."""
    if variant.solve:
        variant.solve(model, training, hyperparameters)
    if variant.uses_gradient_descent:
        fit(model, training, validation, hyperparameters, log_dir, variant.pool_batches)
    else:
        curves.write_final(model, log_dir, training, validation)


def fit(
    model: keras.Model,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None,
    hyperparameters: Hyperparameters,
    log_dir: str,
    pool_batches: int = 1,
) -> None:
    """Fits `model` by binary cross-entropy with Adam, a new order of the reviews each epoch."""
    batching = hyperparameters.batch_size, hyperparameters.seed, pool_batches
    batches = ReviewBatches(*training, *batching)
    model.compile(
        optimizer=optimizer(hyperparameters, steps=len(batches) * hyperparameters.epochs),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=hyperparameters.label_smoothing),
        metrics=["accuracy"],
        # XLA makes an LSTM of 500 steps slower on a CPU.
        jit_compile=False,
    )
    model.fit(
        batches,
        validation_data=validation and ReviewBatches(*validation, *batching),
        epochs=hyperparameters.epochs,
        verbose=0,
        callbacks=[
            *choosing_weights(hyperparameters),
            ReportProgress(hyperparameters.epochs, len(batches)),
            StopWhenNotFinite(hyperparameters),
            curves.WriteCurves(
                log_dir,
                hyperparameters.epochs,
                hyperparameters.batch_size,
                training,
                validation,
            ),
        ],
    )


def optimizer(hyperparameters: Hyperparameters, steps: int) -> keras.optimizers.Optimizer:
    """Returns Adam (Kingma & Ba, 2015), with the hyperparameters' additions.

    Weight decay is decoupled from the gradient (Loshchilov & Hutter, 2019); the learning rate
    of the cosine schedule ends at 0 after `steps`.
    """
    rate = hyperparameters.learning_rate
    if hyperparameters.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps)
    return keras.optimizers.Adam(
        rate,
        weight_decay=hyperparameters.weight_decay or None,
        global_clipnorm=hyperparameters.clip_norm or None,
        use_ema=hyperparameters.weight_averaging > 0,
        ema_momentum=hyperparameters.weight_averaging,
    )


def choosing_weights(hyperparameters: Hyperparameters) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that decide which weights are kept: averaged ones, and of which epoch.

    The order matters: the loss on eval, and the best epoch's weights, are those of the averages.
    """
    callbacks: list[keras.callbacks.Callback] = []
    averages = hyperparameters.weight_averaging > 0
    if averages:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if hyperparameters.needs_validation:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="val_loss",
                patience=hyperparameters.early_stopping or hyperparameters.epochs,
                # Keras leaves the last step's weights, not the averages, when it stops early.
                restore_best_weights=hyperparameters.restore_best or averages,
            )
        )
    return callbacks


class ReportProgress(keras.callbacks.Callback):
    """Reports each step to `components.progress`."""

    def __init__(self, epochs: int, steps_per_epoch: int):
        """Counts `epochs` times `steps_per_epoch` steps in all."""
        super().__init__()
        self._epochs = epochs
        self._steps_per_epoch = steps_per_epoch
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Remembers which epoch the steps belong to."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Reports one more step."""
        progress.report(
            progress.Progress(
                done=self._epoch * self._steps_per_epoch + batch + 1,
                total=self._epochs * self._steps_per_epoch,
                unit="steps",
                stage=f"epoch {self._epoch + 1}/{self._epochs}",
                metrics=dict(logs or {}),
            )
        )


class StopWhenNotFinite(keras.callbacks.Callback):
    """Stops training with a TrainingError as soon as the loss is NaN or infinite."""

    def __init__(self, hyperparameters: Hyperparameters):
        """Keeps the hyperparameters, to name the likely cause."""
        super().__init__()
        self._hyperparameters = hyperparameters
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Remembers which epoch the steps belong to."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Checks the loss of the epoch so far: it stays NaN once a step's was."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            slower = float(f"{self._hyperparameters.learning_rate / 10:g}")
            raise TrainingError(
                f"Training diverged: the loss became {loss} at step {batch + 1} of epoch "
                f"{self._epoch + 1}. The likely cause is a learning rate of "
                f"{self._hyperparameters.learning_rate:g} with batches of "
                f"{self._hyperparameters.batch_size}: try {as_setting('learning_rate', slower)}."
            )
