"""What is done before each epoch, and after each step of gradient descent."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras

from components import progress
from components.errors import TrainingError, as_setting
from components.hyperparameters import Hyperparameters
from components.trainer.batches import ReviewBatches
from components.trainer.position import BEGIN, Position


class DrawBatches(keras.callbacks.Callback):
    """Draws the batches of each epoch, and ends a shortened one; it is the first of all callbacks.

    Keras takes all epochs to be of one length. An epoch that training resumes in the middle is
    shorter: unless it is ended, Keras counts one more step, without a batch.
    """

    def __init__(self, batches: ReviewBatches, start: Position = BEGIN):
        """Keeps the batches that Keras reads from, and where it begins."""
        super().__init__()
        self._batches = batches
        self._start = start
        self._is_shorter = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Draws the batches before Keras asks for the first one."""
        done = self._start.steps_done_in(epoch)
        self._batches.begin_epoch(epoch, done)
        self._is_shorter = done > 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ends a shorter epoch after its last batch, by `stop_training`."""
        if self._is_shorter and batch + 1 == len(self._batches):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Resets `stop_training`; callbacks behind this one, such as EarlyStopping, may set it."""
        if self._is_shorter:
            self.model.stop_training = False


class ReportProgress(keras.callbacks.Callback):
    """Reports each step to `components.progress`."""

    def __init__(self, epochs: int, steps_per_epoch: int, start: Position = BEGIN):
        """Counts `epochs` times `steps_per_epoch` steps in all; those before `start` are done."""
        super().__init__()
        self._start = start
        self._epochs = epochs
        self._steps_per_epoch = steps_per_epoch
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Remembers which epoch the steps belong to."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Reports one more step."""
        step = self._start.steps_done_in(self._epoch) + batch + 1
        progress.report(
            progress.Progress(
                done=self._epoch * self._steps_per_epoch + step,
                total=self._epochs * self._steps_per_epoch,
                unit="steps",
                stage=f"epoch {self._epoch + 1}/{self._epochs}",
                metrics=dict(logs or {}),
            )
        )


class StopWhenNotFinite(keras.callbacks.Callback):
    """Stops training with a TrainingError as soon as the loss is NaN or infinite."""

    def __init__(self, hyperparameters: Hyperparameters, start: Position = BEGIN):
        """Keeps the hyperparameters, to name the likely cause, and where training begins."""
        super().__init__()
        self._start = start
        self._hyperparameters = hyperparameters
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Remembers which epoch the steps belong to."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Checks the loss of the epoch so far: it stays NaN once a step's was."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            step = self._start.steps_done_in(self._epoch) + batch + 1
            slower = float(f"{self._hyperparameters.learning_rate / 10:g}")
            raise TrainingError(
                f"Training diverged: the loss became {loss} at step {step} of epoch "
                f"{self._epoch + 1}. The likely cause is a learning rate of "
                f"{self._hyperparameters.learning_rate:g} with batches of "
                f"{self._hyperparameters.batch_size}: try {as_setting('learning_rate', slower)}."
            )
