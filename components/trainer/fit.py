"""Fits a model: by a solver, by gradient descent, or by one after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass

import keras
import tensorflow as tf

from components.hyperparameters import Hyperparameters
from components.models.class_weights import class_weights
from components.models.registry import Variant
from components.models.training_record import CurvePoint
from components.trainer import curves
from components.trainer.batches import ReviewBatches
from components.trainer.callbacks import DrawBatches, ReportProgress, StopWhenNotFinite
from components.trainer.checkpoints import Checkpoint, Checkpoints
from components.trainer.disk_tokens import Reviews
from components.trainer.loss import cross_entropy
from components.trainer.position import BEGIN
from components.trainer.resuming import KeepCheckpoints, tell_of_resuming


def set_seeds(hyperparameters: Hyperparameters) -> None:
    """Makes what follows depend on the seed, to the bit where `deterministic` asks for it."""
    keras.utils.set_random_seed(hyperparameters.seed)
    if hyperparameters.deterministic:
        tf.config.experimental.enable_op_determinism()


@dataclass(frozen=True)
class Fitted:
    """What came of a training, beside the weights.

    Attributes:
      curve: See `TrainingRecord`.
      seconds: Wall time, with that of the runs whose checkpoint it went on from.
    """

    curve: tuple[CurvePoint, ...]
    seconds: float


def fit_variant(
    variant: Variant,
    model: keras.Model,
    training: Reviews,
    validation: Reviews | None,
    hyperparameters: Hyperparameters,
    log_dir: str,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Sets `model`'s weights as the variant wants it: by a solver, by gradient descent, or both.

    Args:
      variant: What is trained.
      model: Of the variant.
      training: What it is fitted to.
      validation: What decides which epoch's weights are kept, where something does.
      hyperparameters: Of the variant.
      log_dir: Gets TensorBoard's files.
      checkpoints: Where gradient descent begins if there is one, and leaves others.
    """
    started = time.monotonic()
    begun = checkpoints.latest() if checkpoints and variant.uses_gradient_descent else None
    # A checkpoint has the solved weights as well.
    if variant.solve and begun is None:
        variant.solve(model, training, hyperparameters)
    if variant.uses_gradient_descent:
        curve = fit(model, training, validation, hyperparameters, log_dir, checkpoints, begun)
    else:
        curve = (curves.write_final(model, log_dir, training, validation),)
    before = begun.seconds if begun else 0.0
    return Fitted(curve, before + time.monotonic() - started)


def fit(
    model: keras.Model,
    training: Reviews,
    validation: Reviews | None,
    hyperparameters: Hyperparameters,
    log_dir: str,
    checkpoints: Checkpoints | None = None,
    begun: Checkpoint | None = None,
) -> tuple[CurvePoint, ...]:
    """Fits `model` by cross-entropy with Adam, a new order of the reviews each epoch.

    Returns:
      The curve, see `TrainingRecord`.
    """
    answers, epochs = model.output_shape[-1], hyperparameters.epochs
    weights = class_weights(training[1], max(answers, 2), hyperparameters.class_weights)
    size, seed = hyperparameters.batch_size, hyperparameters.seed
    batches = ReviewBatches(*training, size, seed, weights)
    steps, start = len(batches), begun.position if begun else BEGIN
    model.compile(
        optimizer=optimizer(hyperparameters, steps * epochs),
        loss=cross_entropy(answers, hyperparameters.label_smoothing),
        metrics=["accuracy"],
        # XLA makes an LSTM of 500 steps slower on a CPU.
        jit_compile=False,
    )
    writes_curves = curves.WriteCurves(log_dir, epochs, size, training, validation, weights, start)
    choosing = weight_callbacks(hyperparameters)
    callbacks = [
        DrawBatches(batches, start),
        *choosing,
        ReportProgress(epochs, steps, start),
        StopWhenNotFinite(hyperparameters, start),
        writes_curves,
    ]
    if checkpoints:
        callbacks.append(KeepCheckpoints(checkpoints, begun, steps, writes_curves, choosing))
    if begun:
        tell_of_resuming(begun, epochs, steps)
    held_out = validation and ReviewBatches(*validation, size, None, weights)
    model.fit(
        batches.as_dataset(),
        validation_data=held_out and held_out.as_dataset(),
        epochs=epochs,
        initial_epoch=start.epoch,
        shuffle=False,  # `ReviewBatches` draws the order
        verbose=0,
        callbacks=callbacks,
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


def weight_callbacks(hyperparameters: Hyperparameters) -> list[keras.callbacks.Callback]:
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
