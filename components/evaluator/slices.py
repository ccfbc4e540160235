"""What slices are called, and those that are computed here; others come with the reviews."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from components import features
from components.dataset.labels import shown_label
from components.transform import preprocessing
from components.transform.token_settings import IMDB_TOKENS, TokenSettings

# A slice as TFMA calls it: features and their values, sorted.
SliceKey: TypeAlias = tuple[tuple[str, str], ...]

LENGTH = "length"
UNKNOWN_WORDS = "unknown_words"
_COLUMN = " (column)"
NO_WORDS, TRUNCATED = "no words", "truncated"
# Lengths up to which a slice goes, and the next begins; the last slice goes up to `max_length`.
LENGTH_BOUNDS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000)
UNKNOWN_SHARE_BOUNDS = (0.05, 0.10, 0.15, 0.20)
UNKNOWN_SHARE_NAMES = ("under 5 %", "5-10 %", "10-15 %", "15-20 %", "20 % or more")


def key_of_column(column: str) -> str:
    """Returns what slices by a column of the user's are called: its name, as it can be shown.

    Where that is what another feature is called, it says that it is the column.

    >>> key_of_column("product"), key_of_column("length")
    ('product', 'length (column)')
    """
    shown = shown_label(column)
    is_taken = shown in (LENGTH, UNKNOWN_WORDS) or shown.endswith(_COLUMN)
    return f"{shown}{_COLUMN}" if is_taken else shown


def feature_of_key(key: str) -> str:
    """Returns the tf.Example's feature that slices of this name are by, if it is a column's."""
    return features.slice_feature(key.removesuffix(_COLUMN))


def keys_of(slice_by: Iterable[Sequence[str]]) -> list[list[str]]:
    """Returns the features of each slice of `ReviewSource.slice_by`."""
    return [[key_of_column(column) for column in columns] for columns in slice_by]


def gated_keys(slice_by: Iterable[Sequence[str]]) -> list[list[str]]:
    """Returns the features of the slices that must reach a least accuracy.

    Those are the user's own; where there are none, those that are computed of every data set.
    """
    return keys_of(slice_by) or [[LENGTH], [UNKNOWN_WORDS]]


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
