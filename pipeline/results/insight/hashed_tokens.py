"""Words or characters of many texts as 64-bit hashes, by NumPy alone, tens of megabytes a second.

For comparing texts with each other. What the model reads is made by Transform's graph, which knows
Unicode's classes and takes several times as long. Here each byte beyond ASCII is of a word.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from components.transform.token_settings import WORDS

# Of a longer text, what stands in front counts.
MOST_BYTES = 4 << 20
# Of texts that are hashed at once, which take some forty times as much memory.
CHUNK_BYTES = 2 << 20
CHUNK_TEXTS = 4_096

_LINE_BREAKS = (b"<br />", b"<br/>", b"<br>")
# Odd, so that it has an inverse modulo 2^64.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)


class HashedTokens(NamedTuple):
    """Tokens of texts, one text behind the other.

    Attributes:
      hashes: <uint64>[tokens], evenly spread.
      row_splits: <int64>[texts + 1]; text i has the tokens from row_splits[i] to row_splits[i + 1].
    """

    hashes: np.ndarray
    row_splits: np.ndarray


class Chunks:
    """Collects texts until there are enough to be hashed at once.

    >>> chunks = Chunks()
    >>> chunks.add(b"a text")
    False
    >>> chunks.take()
    [b'a text']
    """

    def __init__(self) -> None:
        """Begins without any."""
        self._texts: list[bytes] = []
        self._size = 0

    def add(self, text: bytes) -> bool:
        """Adds a text; says whether there are enough."""
        self._texts.append(text[:MOST_BYTES])
        self._size += min(len(text), MOST_BYTES) + 1
        return self._size >= CHUNK_BYTES or len(self._texts) >= CHUNK_TEXTS

    def take(self) -> list[bytes]:
        """Returns the texts that were added, and begins anew."""
        texts, self._texts, self._size = self._texts, [], 0
        return texts


def in_chunks(texts: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yields texts, as many as are hashed at once."""
    chunks = Chunks()
    for text in texts:
        if chunks.add(text):
            yield chunks.take()
    if rest := chunks.take():
        yield rest


def hashed_tokens(texts: Sequence[bytes], tokens: str = WORDS) -> HashedTokens:
    """Hashes the tokens of texts.

    Letters of ASCII are lower-cased; HTML line breaks, and all of ASCII but letters, digits and
    apostrophes, stand between words.

    Args:
      texts: UTF-8; not more than `in_chunks` yields at once.
      tokens: "words"; any other kind gives the characters of words.
    """
    joined = b" ".join(texts)
    for line_break in _LINE_BREAKS:
        joined = joined.replace(line_break, b" " * len(line_break))
    # With a byte in front that is of no word, and one behind.
    characters = np.frombuffer(b" " + joined + b" ", np.uint8)
    is_of_word = _of_word()[characters]
    begins = is_of_word[1:] & ~is_of_word[:-1]
    ends = is_of_word[:-1] & ~is_of_word[1:]
    if tokens != WORDS:
        # A character begins where UTF-8 does not go on.
        begins_character = is_of_word & ((characters & 0xC0) != 0x80)
        begins |= begins_character[1:]
        ends |= is_of_word[:-1] & begins_character[1:]
    starts, stops = np.flatnonzero(begins), np.flatnonzero(ends)
    # Sums of value x base^place, modulo 2^64; a token's is the difference of two.
    powers, inverses = _powers(_BASE, len(characters)), _powers(_INVERSE, len(characters))
    sums = np.cumsum(_values()[characters] * powers[: len(characters)])
    hashes = mixed((sums[stops] - sums[starts]) * inverses[starts])
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    first_bytes = np.concatenate([[0], np.cumsum(lengths + 1)])
    return HashedTokens(hashes, np.searchsorted(starts, first_bytes))


def runs(found: HashedTokens, length: int) -> HashedTokens:
    """Hashes the runs of `length` tokens that follow each other in a text.

    A text of fewer tokens has one run, of all its tokens; one without tokens has none.
    """
    hashes, row_splits = found
    counts = np.diff(row_splits)
    row = np.repeat(np.arange(len(counts)), counts)
    left = row_splits[1:][row] - np.arange(len(hashes))
    combined = hashes
    for offset in range(1, length):
        following = np.zeros_like(hashes)
        following[:-offset] = hashes[offset:]
        combined = mixed(combined) + np.where(left > offset, following, np.uint64(0))
    is_first = left == counts[row]
    kept = (left >= length) | is_first
    sizes = np.bincount(row[kept], minlength=len(counts))
    return HashedTokens(mixed(combined[kept]), np.concatenate([[0], np.cumsum(sizes)]))


def mixed(values: np.ndarray) -> np.ndarray:
    """Spreads <uint64> values evenly, the same one always to the same place.

    The finalizer of SplitMix64 (Steele, Lea & Flood, Fast Splittable Pseudorandom Number
    Generators, 2014).
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@functools.cache
def _of_word() -> np.ndarray:
    """Returns which bytes are of words: <bool>[256]."""
    of_word = np.arange(256) >= 128
    of_word[list(b"'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] = True
    return of_word


@functools.cache
def _values() -> np.ndarray:
    """Returns a number for each byte, the same for both cases of a letter: <uint64>[256]."""
    lower = np.frombuffer(bytes(range(256)).lower(), np.uint8)
    return mixed(lower.astype(np.uint64) + np.uint64(_BASE))


_known_powers: dict[int, np.ndarray] = {}


def _powers(base: int, count: int) -> np.ndarray:
    """Returns base^0 to at least base^(count - 1), modulo 2^64."""
    known = _known_powers.get(base)
    if known is None or len(known) < count:
        factors = np.full(max(count, CHUNK_BYTES + MOST_BYTES), base, np.uint64)
        factors[0] = 1
        known = np.cumprod(factors)
        if count <= 2 * MOST_BYTES:
            _known_powers[base] = known
    return known
