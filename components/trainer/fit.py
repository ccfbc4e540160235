"""Fits a model: by a solver, by gradient descent, or by one after the other."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.hyperparameters import Hyperparameters
from components.models.class_weights import class_weights
from components.models.registry import Variant
from components.models.training_record import CurvePoint
from components.trainer import curves
from components.trainer.batches import ReviewBatches
from components.trainer.callbacks import DrawBatches, ReportProgress, StopWhenNotFinite
from components.trainer.disk_tokens import Reviews
from components.trainer.loss import cross_entropy


def set_seeds(hyperparameters: Hyperparameters) -> None:
    """Makes what follows depend on the seed, to the bit where `deterministic` asks for it."""
    keras.utils.set_random_seed(hyperparameters.seed)
    if hyperparameters.deterministic:
        tf.config.experimental.enable_op_determinism()


def fit_variant(
    variant: Variant,
    model: keras.Model,
    training: Reviews,
    validation: Reviews | None,
    hyperparameters: Hyperparameters,
    log_dir: str,
) -> tuple[CurvePoint, ...]:
    """Sets `model`'s weights as the variant wants it: by a solver, by gradient descent, or both.

    Returns:
      The curve, see `TrainingRecord`.
    """
    if variant.solve:
        variant.solve(model, training, hyperparameters)
    if variant.uses_gradient_descent:
        return fit(model, training, validation, hyperparameters, log_dir)
    return (curves.write_final(model, log_dir, training, validation),)


def fit(
    model: keras.Model,
    training: Reviews,
    validation: Reviews | None,
    hyperparameters: Hyperparameters,
    log_dir: str,
) -> tuple[CurvePoint, ...]:
    """Fits `model` by cross-entropy with Adam, a new order of the reviews each epoch.

    Returns:
      The curve, see `TrainingRecord`.
    """
    answers = model.output_shape[-1]
    weights = class_weights(training[1], max(answers, 2), hyperparameters.class_weights)

    size, seed = hyperparameters.batch_size, hyperparameters.seed
    batches = ReviewBatches(*training, size, seed, weights)
    model.compile(
        optimizer=optimizer(hyperparameters, steps=len(batches) * hyperparameters.epochs),
        loss=cross_entropy(answers, hyperparameters.label_smoothing),
        metrics=["accuracy"],
        # XLA makes an LSTM of 500 steps slower on a CPU.
        jit_compile=False,
    )
    writes_curves = curves.WriteCurves(
        log_dir, hyperparameters.epochs, hyperparameters.batch_size, training, validation, weights
    )
    model.fit(
        batches,
        validation_data=validation and ReviewBatches(*validation, size, None, weights),
        epochs=hyperparameters.epochs,
        verbose=0,
        callbacks=[
            DrawBatches(batches),
            *choosing_weights(hyperparameters),
            ReportProgress(hyperparameters.epochs, len(batches)),
            StopWhenNotFinite(hyperparameters),
            writes_curves,
        ],
    )
    return tuple(writes_curves.points)


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
