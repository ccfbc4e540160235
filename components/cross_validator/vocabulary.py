"""Token ids by a vocabulary that is learned on some of the texts, without Beam.

Transform learns one on all of train. A model of a fold must not know words of the reviews that it
is judged on, so each has a vocabulary of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components import features
from components.transform.preprocessing import tokenize
from components.transform.token_settings import IMDB_TOKENS, TokenSettings

# Texts that are split at once.
_BATCH = 1_024


class SplitTexts:
    """Texts as tokens, each different token stored once."""

    def __init__(self, texts: Sequence[bytes], settings: TokenSettings = IMDB_TOKENS):
        """Splits the texts as Transform does; keeps 4 bytes a token."""
        self._settings = settings
        codes: dict[bytes, int] = {}
        parts: list[np.ndarray] = []
        sizes: list[np.ndarray] = []
        for start in range(0, len(texts), _BATCH):
            tokens = tokenize(tf.constant(list(texts[start : start + _BATCH])), settings)
            flat = tokens.flat_values.numpy().tolist()
            coded = [codes.setdefault(token, len(codes)) for token in flat]
            parts.append(np.array(coded, np.int32))
            sizes.append(tokens.row_lengths().numpy())
        self._codes = np.concatenate(parts)
        self._ends = np.cumsum(np.concatenate(sizes))
        self._starts = self._ends - np.concatenate(sizes)
        # The place of each token in the order of its bytes.
        self._rank = np.empty(len(codes), np.int64)
        self._rank[[codes[token] for token in sorted(codes)]] = np.arange(len(codes))

    def token_ids(self, learned_on: np.ndarray) -> np.ndarray:
        """Returns the token ids of all texts, as Transform writes them.

        Args:
          learned_on: Which texts the vocabulary is learned on, <bool>[texts].

        Returns:
          <uint8, uint16 or uint32>[texts, max_length], padded in front.
        """
        settings = self._settings
        id_of = self._ids(np.repeat(learned_on, self._ends - self._starts))
        found = np.full(
            (len(self._ends), settings.max_length),
            features.PAD_ID,
            np.min_scalar_type(settings.vocabulary_size - 1),
        )
        for row, start, end in zip(found, self._starts, self._ends, strict=True):
            kept = self._codes[max(start, end - settings.max_length) : end]
            if len(kept):
                row[-len(kept) :] = id_of[kept]
        return found

    def _ids(self, is_counted: np.ndarray) -> np.ndarray:
        """Returns the id of each different token: the more frequent, the smaller.

        Of equally frequent ones, tf.Transform puts the last by its bytes first.
        """
        counts = np.bincount(self._codes[is_counted], minlength=len(self._rank))
        order = np.lexsort((-self._rank, -counts))
        enough = counts[order] >= max(self._settings.min_word_count, 1)
        known = order[enough][: self._settings.vocabulary_size - features.FIRST_WORD_ID]
        ids = np.full(len(self._rank), features.OUT_OF_VOCABULARY_ID)
        ids[known] = features.FIRST_WORD_ID + np.arange(len(known))
        return ids
