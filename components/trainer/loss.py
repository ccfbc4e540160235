"""The loss that training lowers: cross-entropy, of one probability or of one for each class."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components import features
from components.trainer.disk_tokens import TokenIds

# What a probability counts as at least: log(0) is no number.
LEAST_PROBABILITY = 1e-7


def cross_entropy(answers: int, label_smoothing: float = 0.0) -> keras.losses.Loss:
    """Returns Keras' loss of labels <float32>[batch, 1] and answers <float32>[batch, answers].

    Args:
      answers: 1: the probability of the second of two classes; more: that of each class.
      label_smoothing: Share of a label that is spread evenly over all classes, 0 to below 1.
    """
    if answers == 1:
        return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)
    return SparseCrossentropy(answers, label_smoothing)


class SparseCrossentropy(keras.losses.Loss):
    """keras.losses.SparseCategoricalCrossentropy, which knows no label smoothing."""

    def __init__(self, answers: int, label_smoothing: float = 0.0):
        """See `cross_entropy`."""
        super().__init__(name="sparse_crossentropy")
        self._answers = answers
        self._label_smoothing = label_smoothing

    def call(self, labels: tf.Tensor, probability: tf.Tensor) -> tf.Tensor:
        """<float32>[batch, 1], <float32>[batch, answers] -> <float32>[batch]."""
        labels = tf.reshape(labels, [-1])
        if not self._label_smoothing:
            return keras.losses.sparse_categorical_crossentropy(labels, probability)
        return keras.losses.categorical_crossentropy(
            tf.one_hot(tf.cast(labels, tf.int32), self._answers),
            probability,
            label_smoothing=self._label_smoothing,
        )


def predict(model: keras.Model, token_ids: np.ndarray) -> np.ndarray:
    """Returns what a model answers to <uint>[reviews, max_length], all at once.

    A model on several devices divides them, which Keras' `predict_on_batch` does not.
    """
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return model.predict(token_ids.astype(np.int32), len(token_ids), verbose=0)
    return model.predict_on_batch(token_ids.astype(np.int32))


def log_loss(
    model: keras.Model,
    token_ids: TokenIds,
    labels: np.ndarray,
    weights: np.ndarray | None = None,
) -> float:
    """Returns a model's mean negative log likelihood of <int64>[reviews] labels.

    Args:
      model: From <int32>[batch, max_length].
      token_ids: <uint>[reviews, max_length].
      labels: <int64>[reviews].
      weights: What a review of each class counts, <float32>[classes]; None for all alike.
    """
    total = 0.0
    for start in range(0, len(labels), 256):
        part = slice(start, start + 256)
        answers = model.predict_on_batch(token_ids[part].astype(np.int32))
        right = np.clip(probability_of_right_class(answers, labels[part]), LEAST_PROBABILITY, None)
        logs = np.log(right.astype(np.float64))
        total -= float((logs if weights is None else logs * weights[labels[part]]).sum())
    return total / len(labels)


def probability_of_right_class(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the probability that a model gives the right class.

    Args:
      answers: <float32>[reviews, 1] of the second of two classes, or of each class.
      labels: <int64>[reviews].
    """
    if answers.shape[1] == 1:
        return np.where(labels == features.POSITIVE, answers[:, 0], 1.0 - answers[:, 0])
    return np.take_along_axis(answers, labels[:, np.newaxis].astype(np.int64), axis=1)[:, 0]


def predicted_labels(answers: np.ndarray) -> np.ndarray:
    """Returns the labels that a model decides on, of equals the first: <int64>[reviews]."""
    if answers.shape[1] == 1:
        return (answers[:, 0] >= features.DECISION_THRESHOLD).astype(np.int64)
    return answers.argmax(axis=1)
