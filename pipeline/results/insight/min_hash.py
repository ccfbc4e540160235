"""MinHash: short signatures by which similar texts are found among many, and sketches to compare.

The similarity of two texts is Jaccard's: of all runs of tokens, "shingles", that either has, the
share that both have (Broder, On the Resemblance and Containment of Documents, 1997). Signatures are
made with one hash function (Li, Owen & Zhang, One Permutation Hashing, 2012); a bin that no shingle
falls into takes over the next one's (Shrivastava & Li, Densifying One Permutation Hashing via
Rotation for Fast Near Neighbor Search, 2014).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.transform.token_settings import WORDS
from pipeline.results.insight.hashed_tokens import HashedTokens, hashed_tokens, runs

# Tokens of a shingle.
WORDS_EACH, CHARACTERS_EACH = 3, 5
BINS = 128
_BIN_BITS = BINS.bit_length() - 1
# Texts that share all of a band's bins are compared: of those with a similarity of 0.7, 99.98 %
# share a band, of those with 0.3, 23 %, and of those with 0.1, 0.3 %.
BAND_BINS = 4
BANDS = BINS // BAND_BINS
# The least shingles by hash that a text's sketch has, 4 bytes each. Up to so many in both texts
# together, the similarity is exact; of more, it is off by 0.8 points (one standard deviation).
SKETCH = 4_096

# A shingle's place among those of the texts of a chunk: 12 bits for the text, 52 of the hash.
_HASH_BITS = 52
_MOST_TEXTS = 1 << 12
_EMPTY = np.uint64(1 << 63)


def shingles(texts: Sequence[bytes], tokens: str = WORDS) -> HashedTokens:
    """Hashes runs of three words, or of five characters: as `hashed_tokens` takes texts."""
    return runs(hashed_tokens(texts, tokens), WORDS_EACH if tokens == WORDS else CHARACTERS_EACH)


def signatures_and_sketches(found: HashedTokens) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns what texts are compared by.

    Args:
      found: Shingles of at most 4,096 texts.

    Returns:
      Signatures <uint32>[texts, BINS], of no meaning where a text has no shingles, and sketches: of
      each text, <uint32>[at most SKETCH] ascending.
    """
    texts = len(found.row_splits) - 1
    assert texts <= _MOST_TEXTS
    row = np.repeat(np.arange(texts, dtype=np.uint64), np.diff(found.row_splits))
    places = np.sort((row << np.uint64(_HASH_BITS)) | (found.hashes >> np.uint64(64 - _HASH_BITS)))
    places = places[_begins(places)]
    least = places[_begins(places >> np.uint64(_HASH_BITS - _BIN_BITS))]
    bins = np.full(texts * BINS, _EMPTY)
    value_bits = np.uint64(_HASH_BITS - _BIN_BITS)
    bins[(least >> value_bits).astype(np.int64)] = (least >> (value_bits - np.uint64(32))) & (
        np.uint64(0xFFFFFFFF)
    )
    edges = np.searchsorted(places >> np.uint64(_HASH_BITS), np.arange(texts + 1, dtype=np.uint64))
    upper = ((places >> np.uint64(_HASH_BITS - 32)) & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    # Copies: a view would keep what is left out.
    sketches = [
        upper[start : min(stop, start + SKETCH)].copy()
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    return _densified(bins.reshape(texts, BINS)), sketches


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Returns Jaccard's similarity, 0 to 1, of the texts of two sketches; 0 of empty ones."""
    merged = np.concatenate([first, second])
    merged.sort()
    is_twice = merged[1:] == merged[:-1]
    if max(len(first), len(second)) == SKETCH:
        # Only of the least ones of the union is it known whether the other text has them as well.
        ends = np.flatnonzero(np.append(~is_twice, True))
        if len(ends) > SKETCH:
            is_twice = is_twice[: ends[SKETCH - 1]]
            return float(is_twice.sum()) / SKETCH
    both = int(is_twice.sum())
    either = len(merged) - both
    return both / either if either else 0.0


def _begins(ascending: np.ndarray) -> np.ndarray:
    """Returns where a value differs from the one before."""
    return np.concatenate([np.ones(min(len(ascending), 1), bool), ascending[1:] != ascending[:-1]])


def _densified(bins: np.ndarray) -> np.ndarray:
    """Fills empty bins: <uint64>[texts, BINS] to <uint32>[texts, BINS]."""
    is_empty = np.concatenate([bins, bins], axis=1) == _EMPTY
    place = np.where(is_empty, 2 * BINS, np.arange(2 * BINS))
    following = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1][:, :BINS]
    distance = following - np.arange(BINS)
    values = np.take_along_axis(bins, following % BINS, axis=1)
    # So that a bin of its own, and one that was taken over from further away, are not the same.
    return (values + distance.astype(np.uint64) * np.uint64(0x9E3779B1)).astype(np.uint32)
