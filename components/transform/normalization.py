"""Unicode's Normalization Form C of words, by TensorFlow's core ops alone.

TensorFlow Serving knows no op that normalises, so the tables of Unicode Standard Annex #15 are
constants of the graph. They are those of the Python that built it: `unicodedata.unidata_version`.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# The longest canonical decomposition: so many code points become one.
MOST_PARTS = 4
# No code point; stands behind a decomposition that is shorter.
_NOTHING = -1
_CODE_POINT_BITS = 21

# Hangul syllables are composed by arithmetic: The Unicode Standard, section 3.12.
_SYLLABLE, _LEADING, _VOWEL, _TRAILING = 0xAC00, 0x1100, 0x1161, 0x11A7
_LEADINGS, _VOWELS, _TRAILINGS = 19, 21, 28


class Tables(NamedTuple):
    """What UAX #15 asks of the Unicode Character Database.

    Attributes:
      parts: Full canonical decomposition of each code point that has one; Hangul aside.
      classes: The canonical combining class of each code point in which it is not 0.
      pairs: What two code points are composed to; Hangul aside.
      unstable: Code points that can make a text differ from its Form C.
    """

    parts: Mapping[int, tuple[int, ...]]
    classes: Mapping[int, int]
    pairs: Mapping[tuple[int, int], int]
    unstable: frozenset[int]


@functools.cache
def tables() -> Tables:
    """Reads the tables off Python's `unicodedata`: half a second, once a process."""
    parts, classes, pairs = {}, {}, {}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if combining_class := unicodedata.combining(character):
            classes[code] = combining_class
        mapping = unicodedata.decomposition(character)
        if mapping and not mapping.startswith("<"):
            parts[code] = tuple(map(ord, unicodedata.normalize("NFD", character)))
            if unicodedata.normalize("NFC", character) == character:
                first, second = (int(part, 16) for part in mapping.split())
                pairs[first, second] = code
    unstable = {
        *classes,
        *(code for code in parts if not unicodedata.is_normalized("NFC", chr(code))),
        *(second for _, second in pairs),
        *range(_VOWEL, _VOWEL + _VOWELS),
        *range(_TRAILING + 1, _TRAILING + _TRAILINGS),
    }
    return Tables(parts, classes, pairs, frozenset(unstable))


@functools.cache
def unstable_characters() -> str:
    """Returns RE2's character class, without brackets, of `Tables.unstable`."""
    return character_class(tables().unstable)


def character_class(codes: Iterable[int]) -> str:
    """Returns RE2's character class, without brackets, of these code points."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in ranges)


def holds(text: tf.Tensor, characters: str) -> tf.Tensor:
    r"""Says which texts hold one of the characters: <string>[batch] -> <bool>[batch].

    Args:
      text: Any bytes.
      characters: RE2's character class, without brackets.
    """
    # `.` stops at bytes that are not UTF-8; `\C` is any byte.
    return tf.strings.regex_full_match(text, rf"\C*[{characters}]\C*")


def compose(words: tf.Tensor) -> tf.Tensor:
    """Brings words into Normalization Form C.

    A word that may change is worked on once, however often it stands there. That takes some 200
    bytes of memory for each of its characters.

    Args:
      words: <string>[words], UTF-8. Each begins with a character of combining class 0.

    Returns:
      <string>[words], equal to Python's `unicodedata.normalize("NFC", word)`.
    """
    may_change = holds(words, unstable_characters())

    def compose_some() -> tf.Tensor:
        places = tf.where(may_change)
        distinct, index = tf.unique(tf.gather_nd(words, places))
        composed = tf.gather(_compose(distinct), index)
        return tf.tensor_scatter_nd_update(words, places, composed)

    return tf.cond(tf.reduce_any(may_change), compose_some, lambda: words)


# A function of its own: a graph is made for it once a process, however often one calls `compose`.
@tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
def _compose(words: tf.Tensor) -> tf.Tensor:
    """Decomposes all of <string>[words], orders the marks, and composes."""
    decoded = tf.strings.unicode_decode(words, "UTF-8")
    codes, rows = _decomposed(decoded.values, decoded.value_rowids())
    codes, classes = _ordered(codes, _combining_classes(codes))
    characters = tf.TensorSpec([None], tf.int32)
    codes, _, rows = tf.while_loop(
        lambda *_: True,
        _composed_once,
        (codes, classes, rows),
        shape_invariants=(characters, characters, tf.TensorSpec([None], tf.int64)),
        maximum_iterations=MOST_PARTS - 1,
    )
    composed = tf.RaggedTensor.from_value_rowids(codes, rows, nrows=decoded.nrows(), validate=False)
    return tf.strings.unicode_encode(composed, "UTF-8")


def _decomposed(codes: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Puts each code point's parts in its place: both <int>[characters]."""
    parts = dict(sorted(tables().parts.items()))
    table = np.array([[*each, *[_NOTHING] * (MOST_PARTS - len(each))] for each in parts.values()])
    found, index = _find(codes, np.array([*parts], np.int32))
    whole = tf.pad(codes[:, tf.newaxis], [[0, 0], [0, MOST_PARTS - 1]], constant_values=_NOTHING)
    wide = tf.where(found[:, tf.newaxis], tf.gather(tf.constant(table, tf.int32), index), whole)
    places = tf.where(wide != _NOTHING)
    return tf.gather_nd(wide, places), tf.gather(rows, places[:, 0])


def _combining_classes(codes: tf.Tensor) -> tf.Tensor:
    """Returns the canonical combining classes: <int32>[characters], 0 for a starter."""
    classes = dict(sorted(tables().classes.items()))
    found, index = _find(codes, np.array([*classes], np.int32))
    return tf.where(found, tf.gather(tf.constant([*classes.values()], tf.int32), index), 0)


def _ordered(codes: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Orders the marks behind each starter by class; those of one class keep their order."""
    runs = tf.cumsum(tf.cast(classes == 0, tf.int64))
    keys = runs * 256 + tf.cast(classes, tf.int64)

    def sort() -> tuple[tf.Tensor, tf.Tensor]:
        order = tf.argsort(keys, stable=True)
        return tf.gather(codes, order), tf.gather(classes, order)

    return tf.cond(tf.reduce_any(keys[1:] < keys[:-1]), sort, lambda: (codes, classes))


def _composed_once(
    codes: tf.Tensor, classes: tf.Tensor, rows: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Composes each starter with the first character behind it that it can be composed with.

    Nothing stands in between that would be a starter, or a mark of the same class. All starters
    go at once: no character is both the second of a pair while a starter, and the first of one.
    """
    places = tf.range(tf.size(codes))
    before = tf.maximum(places - 1, 0)
    class_before = tf.gather(classes, before)
    is_starter = classes == 0
    # A starter's partner is the starter right before it.
    starters = tf.where(is_starter)[:, 0]
    ordinal = tf.cumsum(tf.cast(is_starter, tf.int32)) - 1
    partner = tf.gather(starters, tf.maximum(tf.where(is_starter, ordinal - 1, ordinal), 0))
    is_free = tf.where(is_starter, class_before == 0, class_before != classes)
    is_inside = (places > 0) & (tf.gather(rows, before) == rows)
    composite = _composites(tf.gather(codes, partner), codes)
    fits = tf.where(is_free & is_inside & (composite != _NOTHING))
    takers = tf.gather_nd(partner, fits)
    first = tf.where(takers != tf.concat([[-1], takers], 0)[:-1])
    taken, takers = tf.gather_nd(fits, first), tf.gather(takers, first)
    codes = tf.tensor_scatter_nd_update(codes, takers, tf.gather_nd(composite, taken))
    left = tf.where(tf.scatter_nd(taken, tf.ones_like(taken[:, 0]), tf.shape(codes, tf.int64)) == 0)
    return tf.gather_nd(codes, left), tf.gather_nd(classes, left), tf.gather_nd(rows, left)


def _composites(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Returns what pairs of code points are composed to, _NOTHING if nothing: <int32>[pairs]."""
    pairs = dict(sorted(tables().pairs.items()))
    keys = np.array([(one << _CODE_POINT_BITS) + two for one, two in pairs], np.int64)
    wanted = tf.bitwise.left_shift(tf.cast(first, tf.int64), _CODE_POINT_BITS)
    found, index = _find(wanted + tf.cast(second, tf.int64), keys)
    composites = tf.constant([*pairs.values()], tf.int32)
    composite = tf.where(found, tf.gather(composites, index), _NOTHING)

    leading, vowel = first - _LEADING, second - _VOWEL
    is_open = (leading >= 0) & (leading < _LEADINGS) & (vowel >= 0) & (vowel < _VOWELS)
    syllable = _SYLLABLE + (leading * _VOWELS + vowel) * _TRAILINGS
    composite = tf.where(is_open, syllable, composite)

    syllable, trailing = first - _SYLLABLE, second - _TRAILING
    takes_trailing = (syllable >= 0) & (syllable < _LEADINGS * _VOWELS * _TRAILINGS)
    takes_trailing &= syllable % _TRAILINGS == 0
    is_closed = takes_trailing & (trailing > 0) & (trailing < _TRAILINGS)
    return tf.where(is_closed, first + trailing, composite)


def _find(values: tf.Tensor, keys: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Looks <int>[values] up in sorted keys: which are there, and at which index."""
    table = tf.constant(keys)
    index = tf.minimum(tf.searchsorted(table, values), len(keys) - 1)
    return tf.gather(table, index) == values, index
