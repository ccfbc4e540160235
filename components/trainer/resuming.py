"""Saves a training's state in checkpoints, and restores it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from components import notices
from components.trainer.checkpoints import Checkpoint, Checkpoints
from components.trainer.curves import WriteCurves
from components.trainer.position import BEGIN, Position

# What the arrays of a checkpoint are of.
_MODEL, _OPTIMIZER, _BEST = "model", "optimizer", "best_weights"
# What the state of a checkpoint is of, and the attributes of Keras' EarlyStopping in it.
_CURVES, _STOPPING = "curves", "early_stopping"
_EARLY_STOPPING = ("wait", "best", "best_epoch")


class KeepCheckpoints(keras.callbacks.Callback):
    """Writes a checkpoint every few minutes, between two steps; begins with one if there is one.

    It comes last of all callbacks: their state is of before or after a step in all of them. After
    the last step of an epoch, eval is measured and weights are chosen; none is written before the
    next epoch has begun.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        begun: Checkpoint | None,
        steps_per_epoch: int,
        writes_curves: WriteCurves,
        weight_callbacks: Sequence[keras.callbacks.Callback],
    ):
        """Takes where to write to, and whose state besides the model's.

        Args:
          checkpoints: Of this training.
          begun: Where it begins.
          steps_per_epoch: Batches of an epoch.
          writes_curves: Keeps the points so far.
          weight_callbacks: Of them, Keras' EarlyStopping keeps the best epoch's weights.
        """
        super().__init__()
        self._checkpoints = checkpoints
        self._begun = begun
        self._steps_per_epoch = steps_per_epoch
        self._writes_curves = writes_curves
        stopping = keras.callbacks.EarlyStopping
        self._early_stopping = next(
            (callback for callback in weight_callbacks if isinstance(callback, stopping)), None
        )
        self._start = begun.position if begun else BEGIN
        self._epoch = 0
        self._first_second = self._last_second = time.monotonic()

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Restores the state; this callback is the last, so no other one resets it afterwards."""
        self._first_second = self._last_second = time.monotonic()
        if self._begun is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        for part, variables in self._variables().items():
            for variable, value in zip(variables, self._begun.arrays[part], strict=True):
                variable.assign(value)
        state = self._begun.state
        self._writes_curves.restore(state[_CURVES])
        if self._early_stopping and state[_STOPPING] is not None:
            for name, value in state[_STOPPING].items():
                setattr(self._early_stopping, name, value)
            self._early_stopping.best_weights = [*self._begun.arrays[_BEST]] or None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Writes what was due at the end of the epoch before."""
        self._epoch = epoch
        self._write_if_due(self._start.steps_done_in(epoch))

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Writes what is due, but not at the end of the epoch."""
        done = self._start.steps_done_in(self._epoch) + batch + 1
        if done < self._steps_per_epoch:
            self._write_if_due(done)

    def _write_if_due(self, step: int) -> None:
        now = time.monotonic()
        if now - self._last_second < 60 * self._checkpoints.minutes:
            return
        before = self._begun.seconds if self._begun else 0.0
        arrays = {
            part: [keras.ops.convert_to_numpy(variable) for variable in variables]
            for part, variables in self._variables().items()
        }
        stopping = self._early_stopping
        self._checkpoints.write(
            Checkpoint(
                Position(self._epoch, step),
                before + now - self._first_second,
                {
                    _CURVES: self._writes_curves.state(),
                    _STOPPING: stopping
                    and {name: getattr(stopping, name) for name in _EARLY_STOPPING},
                },
                {**arrays, _BEST: (stopping and stopping.best_weights) or []},
            )
        )
        # What writing takes is no part of the minutes: a slow disk does not stop training.
        self._last_second = time.monotonic()

    def _variables(self) -> dict[str, list[Any]]:
        """Returns those of layers, with the states of random numbers, and of the optimizer."""
        return {_MODEL: self.model.variables, _OPTIMIZER: self.model.optimizer.variables}


def tell_of_resuming(begun: Checkpoint, epochs: int, steps_per_epoch: int) -> None:
    """Says from where training goes on."""
    position = begun.position
    notices.notify(
        f"Training goes on from a checkpoint of a run that was stopped: epoch {position.epoch + 1} "
        f"of {epochs}, after step {position.step:,} of {steps_per_epoch:,}; "
        f"{begun.seconds:,.0f} s of training are not repeated."
    )
