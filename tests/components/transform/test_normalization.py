"""Form C in the graph against Python's own."""

from __future__ import annotations

import itertools
import sys
import unicodedata

import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.transform import normalization

TABLES = normalization.tables()
MARKS = sorted(map(chr, TABLES.classes))
FIRSTS = sorted({chr(first) for first, _ in TABLES.pairs})
PARTS = (
    st.sampled_from(sorted(map(chr, TABLES.unstable)))
    | st.sampled_from(FIRSTS)
    | st.sampled_from(sorted(map(chr, TABLES.parts)))
    | st.sampled_from([chr(code) for code in range(0x1100, 0x1200)])
    | st.sampled_from([chr(code) for code in range(0xAC00, 0xAC00 + 120)])
    | st.sampled_from("ab\u0300\u0301\u0323\u0327\u0345")
)
# Of a word only the first character has to be a starter.
WORDS = st.builds(str.__add__, st.sampled_from([*"ae", *FIRSTS]), st.text(PARTS, max_size=9))

_compose = tf.function(
    normalization.compose, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
)


def composed(words: list[str]) -> list[str]:
    """Returns what the graph makes of `words`."""
    answers = _compose(tf.constant([word.encode() for word in words], tf.string))
    return [answer.decode() for answer in answers.numpy()]


def normalized(words: list[str]) -> list[str]:
    """Returns what Python makes of `words`."""
    return [unicodedata.normalize("NFC", word) for word in words]


@settings(max_examples=settings.default.max_examples // 3)
@given(st.lists(WORDS, max_size=8))
def test_random_words_come_out_as_python_normalizes_them(words):
    """Letters, marks in any order, jamo, syllables; several words at once, none, the same twice."""
    assert composed(words * 2) == normalized(words * 2)


def test_every_character_comes_out_as_python_normalizes_it():
    """As it is, and taken apart; behind a letter."""
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    apart = [unicodedata.normalize("NFD", character) for character in characters]
    words = [f"a{spelling}" for spelling in (*characters, *set(apart) - set(characters))]
    assert composed(words) == normalized(words)


def test_marks_of_every_class_are_ordered():
    """Any two marks behind a letter, in either order, one of each class with each other."""
    one_of_each = [
        chr(code) for code in {number: code for code, number in TABLES.classes.items()}.values()
    ]
    words = [f"o{''.join(marks)}" for marks in itertools.product(one_of_each, repeat=2)]
    assert composed(words) == normalized(words)


def test_no_character_is_both_a_second_starter_and_a_first():
    """Else starters could not be composed all at once; a new version of Unicode would show here."""
    firsts = {first for first, _ in TABLES.pairs}
    seconds = {second for _, second in TABLES.pairs if second not in TABLES.classes}
    assert seconds and not firsts & seconds


def test_no_letter_has_more_parts_than_a_pass_each():
    """The passes suffice for the longest decomposition, and nothing is truncated."""
    assert max(map(len, TABLES.parts.values())) == normalization.MOST_PARTS
