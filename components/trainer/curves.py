"""Loss and accuracy over the steps of a training, for its record and for TensorBoard.

A step is a batch of training reviews, in both runs. A point of `train` is the mean over the steps
since the point before. `validation` is measured on the eval split: on a fixed part of it a few
times an epoch where train is large enough to pay for it, and on all of it after each epoch, as
`epoch_loss` and `epoch_accuracy`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.models.training_record import CurvePoint
from components.trainer.disk_tokens import Reviews
from components.trainer.loss import cross_entropy, predict, predicted_labels
from components.trainer.position import BEGIN, Position

# Points of a run: this many, or up to twice as many; fewer if it has fewer steps. The end of an
# epoch is one more where there are so few epochs.
POINTS, MOST_EPOCH_ENDS = 100, 20
VALIDATIONS_PER_EPOCH = 4
# Reviews of one partial validation, as a share of train. A forward pass costs a third of a training
# step, so the partial validations of an epoch take some 1.3 % of its time.
SHARE_PER_VALIDATION = 1 / 100
# Reviews of a partial validation: fewer measure too little, more are not needed.
LEAST_PART, GREATEST_PART = 100, 500

TRAIN, VALIDATION = "train", "validation"
NAMES = ("loss", "accuracy")


class WriteCurves(keras.callbacks.Callback):
    """Keeps the points while a model trains, and writes them.

    Attributes:
      points: What `TrainingRecord.curve` is to be.
    """

    def __init__(
        self,
        log_dir: str,
        epochs: int,
        batch_size: int,
        training: Reviews,
        validation: Reviews | None,
        weights: np.ndarray | None = None,
        start: Position = BEGIN,
    ):
        """Takes the folder of the logs, how long training is, and what it reads.

        Args:
          log_dir: Gets a folder `train`, and `validation` if there is an eval split.
          epochs: Passes over the training reviews.
          batch_size: Reviews a step; an epoch's last step may have fewer.
          training: `token_ids` <uint>[reviews, max_length] and `label` <int64>[reviews].
          validation: The same of the eval split.
          weights: What a review of each class counts in the loss, <float32>[classes].
          start: Where training begins; `restore` brings back what was before.
        """
        super().__init__()
        self._start = start
        self.points: list[CurvePoint] = []
        self._log_dir = log_dir
        self._reviews = len(training[1])
        self._batch_size = batch_size
        self._weights = weights
        self._steps_per_epoch = -(-self._reviews // batch_size)
        self._steps = epochs * self._steps_per_epoch
        self._every = max(self._steps // POINTS, 1)
        self._ends_epochs = epochs <= MOST_EPOCH_ENDS
        self._part = validation and validation_part(validation, self._reviews)
        self._validation_steps = {
            self._steps_per_epoch * number // VALIDATIONS_PER_EPOCH
            for number in range(1, VALIDATIONS_PER_EPOCH + 1)
        }
        self._step = self._epoch = 0
        self._window = dict.fromkeys(NAMES, 0.0)
        self._window_reviews = 0
        self._measured: dict[str, float] = {}
        self._totals = self._totals_before = dict.fromkeys(NAMES, 0.0)
        self._written: list[tuple[str, int, dict[str, float]]] = []
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def state(self) -> dict[str, Any]:
        """Returns what `restore` takes, as JSON has it."""
        return {
            "step": self._step,
            "points": [asdict(point) for point in self.points],
            "window": self._window,
            "window_reviews": self._window_reviews,
            "measured": self._measured,
            "totals": self._totals,
            "written": self._written,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state, and writes the points before it once more: to the new folder."""
        self.points = [CurvePoint(**point) for point in state["points"]]
        self._window, self._window_reviews = state["window"], state["window_reviews"]
        self._measured, self._totals_before = state["measured"], state["totals"]
        for run, self._step, values in state["written"]:
            self._write(run, values)
        self._step = state["step"]

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Opens the files; `validation`'s with its first point."""
        self._writers = {TRAIN: _writer(self._log_dir, TRAIN)}

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Starts from zero, as Keras' means do in each epoch."""
        self._epoch = epoch
        if self._start.steps_done_in(epoch) == 0:
            self._totals_before = dict.fromkeys(NAMES, 0.0)
        self._totals = dict(self._totals_before)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Adds a step to the point that is due, and writes it when it is."""
        self._step += 1
        skipped = self._start.steps_done_in(self._epoch)
        batch += skipped
        before = batch * self._batch_size
        reviews = min(before + self._batch_size, self._reviews)
        seen = reviews - skipped * self._batch_size
        for name, total in self._totals.items():
            # Keras tells the mean over what it has seen of the epoch.
            self._totals[name] = self._totals_before[name] + (logs or {})[name] * seen
            self._window[name] += self._totals[name] - total
        self._window_reviews += reviews - before
        is_epoch_end = batch + 1 == self._steps_per_epoch
        if (
            self._step % self._every == 0
            or self._step == self._steps
            or (is_epoch_end and self._ends_epochs)
        ):
            self._end_window()
        if self._part and batch + 1 in self._validation_steps:
            values = evaluate(self.model, self._part, self._batch_size, self._weights)
            self._write(VALIDATION, values)
            self._add_measured(values)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Writes what Keras measured on all of eval, and the mean of the epoch beside it."""
        logs = logs or {}
        self._write(
            TRAIN, {f"epoch_{name}": total / self._reviews for name, total in self._totals.items()}
        )
        if "val_loss" in logs:
            values = {name: logs[f"val_{name}"] for name in NAMES}
            self._write(VALIDATION, {f"epoch_{name}": value for name, value in values.items()})
            if not self._part:
                self._write(VALIDATION, values)
            self._add_measured(values)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Writes what a training that stopped early has left, and closes the files."""
        if self._window_reviews:
            self._end_window()
        for writer in self._writers.values():
            writer.close()

    def _end_window(self) -> None:
        """Makes a point of the steps since the last one."""
        values = {name: total / self._window_reviews for name, total in self._window.items()}
        self._write(TRAIN, values)
        self.points.append(_point(self._step, self._epoch + 1, values, self._measured))
        self._window = dict.fromkeys(NAMES, 0.0)
        self._window_reviews = 0
        self._measured = {}

    def _add_measured(self, values: Mapping[str, float]) -> None:
        """Adds values of eval to the point of this step, or to the next one there is."""
        if self.points and self.points[-1].step == self._step:
            last = self.points[-1]
            train = {name: getattr(last, name) for name in NAMES}
            self.points[-1] = _point(last.step, last.epoch, train, values)
        else:
            self._measured = dict(values)

    def _write(self, run: str, values: Mapping[str, float]) -> None:
        if run not in self._writers:
            self._writers[run] = _writer(self._log_dir, run)
        _write(self._writers[run], values, self._step)
        self._written.append((run, self._step, dict(values)))


def write_final(
    model: keras.Model, log_dir: str, training: Reviews, validation: Reviews | None, step: int = 0
) -> CurvePoint:
    """Writes one point of a model that was fitted by a solver, from GREATEST_PART reviews each."""
    found: dict[str, dict[str, float]] = {TRAIN: {}, VALIDATION: {}}
    for run, reviews in ((TRAIN, training), (VALIDATION, validation)):
        if reviews:
            writer = _writer(log_dir, run)
            some = _spread(reviews, GREATEST_PART)
            found[run] = evaluate(model, some, batch_size=len(some[1]))
            _write(writer, found[run], step)
            writer.close()
    return _point(step, 0, found[TRAIN], found[VALIDATION])


def validation_part(validation: Reviews, training_reviews: int) -> Reviews | None:
    """Returns the reviews of a partial validation, always the same; None if they are too few."""
    count = min(int(training_reviews * SHARE_PER_VALIDATION), GREATEST_PART, len(validation[1]))
    return _spread(validation, count) if count >= LEAST_PART else None


def evaluate(
    model: keras.Model, reviews: Reviews, batch_size: int, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Returns loss and accuracy of a model on reviews; does not change Keras' running means.

    Args:
      model: From <int32>[batch, max_length].
      reviews: Token ids and labels.
      batch_size: Reviews that it is given at once.
      weights: What a review of each class counts in the loss, <float32>[classes].
    """
    token_ids, labels = reviews
    parts: Sequence[np.ndarray] = [
        predict(model, token_ids[start : start + batch_size])
        for start in range(0, len(labels), batch_size)
    ]
    answers = np.concatenate(parts)
    loss = cross_entropy(answers.shape[1])(
        labels.astype(np.float32)[:, np.newaxis],
        answers,
        sample_weight=None if weights is None else weights[labels],
    )
    return {"loss": float(loss), "accuracy": float(np.mean(predicted_labels(answers) == labels))}


def _point(
    step: int, epoch: int, train: Mapping[str, float], measured: Mapping[str, float]
) -> CurvePoint:
    values = {**train, **{f"eval_{name}": value for name, value in measured.items()}}
    # As many digits as mean something: a record of a thousand points stays small.
    return CurvePoint(step, epoch, **{name: round(value, 6) for name, value in values.items()})


def _spread(reviews: Reviews, count: int) -> Reviews:
    """Returns at most `count` reviews, evenly spaced."""
    token_ids, labels = reviews
    chosen = np.linspace(0, len(labels) - 1, min(count, len(labels))).astype(int)
    return token_ids[chosen], labels[chosen]


def _writer(log_dir: str, run: str) -> tf.summary.SummaryWriter:
    return tf.summary.create_file_writer(os.path.join(log_dir, run))


def _write(writer: tf.summary.SummaryWriter, values: Mapping[str, float], step: int) -> None:
    with writer.as_default(step):
        for name, value in values.items():
            tf.summary.scalar(name, value)
