"""The slices that are computed here, by their names; `rating` comes with the reviews."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components import features
from components.transform import preprocessing

LENGTH = "length"
UNKNOWN_WORDS = "unknown_words"
LENGTH_NAMES = ("no words", "1-100", "101-200", "201-500", "truncated")
UNKNOWN_SHARE_BOUNDS = (0.05, 0.10, 0.15, 0.20)
UNKNOWN_SHARE_NAMES = ("under 5 %", "5-10 %", "10-15 %", "15-20 %", "20 % or more")


def length_names(texts: np.ndarray) -> list[str]:
    """Names the length of each text in words: <object>[batch] of bytes -> LENGTH_NAMES."""
    counts = preprocessing.tokenize(tf.constant(texts, tf.string)).row_lengths().numpy()
    ranks = np.digitize(counts, [1, 101, 201, features.MAX_LENGTH + 1])
    return [LENGTH_NAMES[rank] for rank in ranks]


def unknown_share_names(token_ids: np.ndarray) -> list[str]:
    """Names the share of unknown words among the words that the model reads.

    Args:
      token_ids: <int64>[batch, MAX_LENGTH].

    Returns:
      One of UNKNOWN_SHARE_NAMES for each review; a review without words has a share of 0.
    """
    words = np.sum(token_ids != features.PAD_ID, axis=1)
    unknown = np.sum(token_ids == features.OUT_OF_VOCABULARY_ID, axis=1)
    ranks = np.digitize(unknown / np.maximum(words, 1), UNKNOWN_SHARE_BOUNDS)
    return [UNKNOWN_SHARE_NAMES[rank] for rank in ranks]
