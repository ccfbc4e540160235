"""The slices that are computed here, by their names; `rating` comes with the reviews."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from components import features
from components.transform import preprocessing
from components.transform.token_settings import IMDB_TOKENS, TokenSettings

LENGTH = "length"
UNKNOWN_WORDS = "unknown_words"
NO_WORDS, TRUNCATED = "no words", "truncated"
# Lengths up to which a slice goes, and the next begins; the last slice goes up to `max_length`.
LENGTH_BOUNDS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000)
UNKNOWN_SHARE_BOUNDS = (0.05, 0.10, 0.15, 0.20)
UNKNOWN_SHARE_NAMES = ("under 5 %", "5-10 %", "10-15 %", "15-20 %", "20 % or more")


def length_names(
    texts: np.ndarray,
    settings: TokenSettings = IMDB_TOKENS,
    token_ids: np.ndarray | None = None,
) -> list[str]:
    """Names the length of each text in tokens.

    Args:
      texts: <object>[batch] of bytes.
      settings: What a token is, and how many of a text the model reads.
      token_ids: <int64>[batch, max_length] by these settings, if they are at hand: then only texts
        that fill the model's window are tokenized.

    Returns:
      NO_WORDS, first and last length of the slice, e.g. "101-200", or TRUNCATED.
    """
    most = settings.max_length
    lasts = [0, *(bound for bound in LENGTH_BOUNDS if bound < most), most]
    spans = [f"{before + 1}-{last}" for before, last in itertools.pairwise(lasts)]
    names = [NO_WORDS, *spans, TRUNCATED]
    counts = np.full(len(texts), most)
    if token_ids is not None:
        counts = np.count_nonzero(token_ids != features.PAD_ID, axis=1)
    fills = counts == most
    if fills.any():
        counts[fills] = (
            preprocessing.tokenize(tf.constant(texts[fills], tf.string), settings)
            .row_lengths()
            .numpy()
        )
    return [names[rank] for rank in np.digitize(counts, lasts, right=True)]


def lengths_in_order(names: Iterable[str]) -> list[str]:
    """Sorts what `length_names` returns, short before long."""

    def first_length(name: str) -> float:
        first = name.partition("-")[0]
        return float(first) if first.isdecimal() else math.inf if name == TRUNCATED else 0.0

    return sorted(names, key=first_length)


def unknown_share_names(token_ids: np.ndarray) -> list[str]:
    """Names the share of unknown words among the words that the model reads.

    Args:
      token_ids: <int64>[batch, max_length].

    Returns:
      One of UNKNOWN_SHARE_NAMES for each review; a review without words has a share of 0.
    """
    words = np.sum(token_ids != features.PAD_ID, axis=1)
    unknown = np.sum(token_ids == features.OUT_OF_VOCABULARY_ID, axis=1)
    ranks = np.digitize(unknown / np.maximum(words, 1), UNKNOWN_SHARE_BOUNDS)
    return [UNKNOWN_SHARE_NAMES[rank] for rank in ranks]
