"""preprocessing_fn against a plain Python reference."""

from __future__ import annotations

import random

import numpy as np
import pytest
import tensorflow as tf

from components import features, preprocessing

from .transforming import (
    analyze,
    reference_token_ids,
    reference_vocabulary,
    reference_words,
)

ALPHABET = [*"abcdeéßñ'’-.,!?0٣½² \t\n<>/&", "<br />", "<br>", "ΣΑΣ", "中文", "🎬", "I", "Don't"]


def random_texts(count: int) -> list[str]:
    """Returns texts that mix words, marks-up and several scripts."""
    generator = random.Random(5)
    return ["".join(generator.choices(ALPHABET, k=generator.randrange(60))) for _ in range(count)]


def words(count: int) -> str:
    """Returns a text of that many different words."""
    return " ".join(f"w{index}" for index in range(count))


EDGE_CASES = {
    "empty": "",
    "no word": "... !? --",
    "one word": "Great",
    "500 words": words(500),
    "501 words": words(501),
    "5,000 words": words(5_000),
    "unknown words only": "zzyzx qwrtp",
    "line breaks": "good<br /><br />bad<BR/>ugly<br>end",
    "other tags": "<p>a&amp;b</p>",
    "apostrophes": "It's 'fine', don’t",
    "scripts": "Ελλάδα ÉCOLE Straße 中文 ١٢٣ İstanbul",
    "not letters": "½ x² ™ 3½ ⅷ",
    "control characters": "a\x00b\x1fc\u200bd\u00a0e",
}


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    """Hundreds of texts, edge cases among them."""
    return [*EDGE_CASES.values(), *random_texts(400), *["the film was good"] * 5]


@pytest.fixture(scope="module")
def analyzed(corpus, tmp_path_factory):
    """tf.Transform's output over the corpus."""
    return analyze(corpus, tmp_path_factory.mktemp("corpus"))


def token_ids(analyzed, texts: list[str]) -> np.ndarray:
    """Returns what the transform graph makes of `texts`."""
    layer = analyzed.transform_features_layer()
    return layer({features.TEXT: tf.constant([text.encode() for text in texts])})[
        features.TOKEN_IDS
    ].numpy()


def test_tokens_equal_the_reference_on_hundreds_of_texts(corpus):
    """The graph splits every text into the same words as the reference."""
    tokens = preprocessing.tokenize(tf.constant([text.encode() for text in corpus])).to_list()
    expected = [[word.encode() for word in reference_words(text)] for text in corpus]
    assert tokens == expected


def test_token_ids_equal_the_reference_on_hundreds_of_texts(analyzed, corpus):
    """Ids, cut and padding are the reference's, for every text."""
    vocabulary = reference_vocabulary(corpus)
    expected = np.array([reference_token_ids(text, vocabulary) for text in corpus])
    np.testing.assert_array_equal(token_ids(analyzed, corpus), expected)


@pytest.mark.parametrize(
    ("case", "padding", "first_word"),
    [
        ("empty", 500, None),
        ("no word", 500, None),
        ("one word", 499, "great"),
        ("500 words", 0, "w0"),
        ("501 words", 0, "w1"),
        ("5,000 words", 0, "w4500"),
    ],
)
def test_long_texts_are_cut_in_front_and_short_ones_padded_in_front(
    analyzed, corpus, case, padding, first_word
):
    """The last 500 words are kept; zeros stand before a shorter text."""
    (row,) = token_ids(analyzed, [EDGE_CASES[case]])
    assert np.count_nonzero(row[:padding]) == 0
    assert np.all(row[padding:] > 0)
    if first_word is not None:
        expected = reference_vocabulary(corpus).get(first_word, features.OUT_OF_VOCABULARY_ID)
        assert row[padding] == expected


def test_the_most_frequent_word_has_id_2_and_an_unknown_one_id_1(tmp_path):
    """0 is padding, 1 an unknown word, 2 and on are words by frequency."""
    analyzed = analyze(["b a a", "a b", "c a"], tmp_path)
    assert token_ids(analyzed, ["a b c d"])[0, -5:].tolist() == [0, 2, 3, 4, 1]


def test_the_vocabulary_holds_4998_words(tmp_path):
    """Ids stay below 5,000 however many words there are; ties go in reverse byte order."""
    analyzed = analyze([words(6_000)] + [words(3_000)] * 2, tmp_path)
    assert analyzed.vocabulary_size_by_name(features.VOCABULARY) == 4_998
    # 3,000 words occur thrice; of those that occur once, w5999 to w4002 find room.
    assert token_ids(analyzed, ["w5999 w4002 w4001"])[0, -3:].tolist() == [3_002, 4_999, 1]


def test_bytes_that_are_not_utf8_separate_words():
    """A served model answers any bytes; what is not UTF-8 is no letter."""
    (tokens,) = preprocessing.tokenize(tf.constant([b"good\xff\xfebad caf\xc3\xa9"])).to_list()
    assert tokens == [b"good", b"bad", "café".encode()]
