"""What is done before each epoch, and after each step of gradient descent."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras

from components import progress
from components.errors import TrainingError, as_setting
from components.hyperparameters import Hyperparameters
from components.trainer.batches import ReviewBatches


class DrawBatches(keras.callbacks.Callback):
    """Has each epoch draw its batches."""

    def __init__(self, batches: ReviewBatches):
        """Keeps the batches that Keras reads from."""
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Draws, before Keras asks for the first one."""
        self._batches.begin_epoch(epoch)


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
