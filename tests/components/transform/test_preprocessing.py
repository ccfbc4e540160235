"""preprocessing_fn against a plain Python reference."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components import features
from components.dataset.archive import read_archive
from components.dataset.records import Review
from components.transform import preprocessing
from tests.components.transforming import (
    APOSTROPHES,
    INVISIBLE,
    analyze,
    reference_token_ids,
    reference_vocabulary,
    reference_words,
)

# Python, RE2 and ICU follow different versions of Unicode; this one they all know.
OLD = unicodedata.ucd_3_2_0
CHARACTERS = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if OLD.category(character) not in ("Cn", "Cs", "Co")
]
# What decides where a word ends and how it is spelled, more often than chance would have it.
TELLING = [
    *"aAeIiİıßςΣ'<>br/ \n\0",
    *"\u0301\u0323\u0307\u0338\u0345\u093c\u094d\u05bc\u0e48\u3099\u20dd\u1100\u1161\u11a8",
    *"क\u0958가각Åệ≮≯ᾧが❤👍1",
    *APOSTROPHES,
    *sorted(INVISIBLE)[:20],
    "<br/>",
]
# An example costs a graph's run.
CHEAPLY = settings(max_examples=settings.default.max_examples // 4)
TEXTS = st.lists(
    st.lists(st.sampled_from(TELLING) | st.sampled_from(CHARACTERS), max_size=20).map("".join),
    max_size=4,
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
    "marks": "मैं की बात cafe\u0301 ❤\ufe0f 1\u20e3",
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
    """Ids, truncation and padding are the reference's, for every text."""
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


def test_a_text_has_its_words_whatever_stands_beside_it():
    """ASCII and others are worked on apart; a lone byte of Latin-1 has no neighbour in UTF-8."""
    texts = {
        b"It's <BR\t/>plain<br>TEXT": [b"it's", b"plain", b"text"],
        b"caf\xe9 x": [b"caf", b"x"],
        b"": [],
        b"a\x00b <br\x00> #1 *": [b"a", b"b", b"br", b"1"],
        "A\x00É<br/>é\u0301 b#".encode(): [b"a", "é".encode(), "é\u0301".encode(), b"b"],
        b"\xff": [],
        "don’t.\u0301x".encode(): [b"don't", b"x"],
    }
    for beside in ([], [b"plain"], ["‘É’".encode()]):
        rows = _tokenize(tf.constant([*texts, *beside])).to_list()
        assert rows[: len(texts)] == list(texts.values())
    assert [_tokenize(tf.constant([text])).to_list()[0] for text in texts] == [*texts.values()]


def test_reviews_have_the_references_words(sample_texts):
    """Those of the sample and, where the archive is named, real ones; many at once."""
    texts = list(sample_texts)
    if archive := os.environ.get("IMDB_ARCHIVE"):
        found = (one for one in read_archive(archive) if isinstance(one, Review))
        texts += [review.text.decode() for review in itertools.islice(found, 500)]
    assert words_of(texts) == [reference_words(text) for text in texts]


_tokenize = tf.function(
    preprocessing.tokenize, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
)


def words_of(texts: list[str]) -> list[list[str]]:
    """Returns the graph's words of `texts`."""
    rows = _tokenize(tf.constant([text.encode() for text in texts], tf.string)).to_list()
    return [[word.decode() for word in row] for row in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("मैं की बात", ["मैं", "की", "बात"]),
        ("ไม่ดีเลย", ["ไม่ดีเลย"]),
        ("كِتَابٌ جَمِيل", ["كِتَابٌ", "جَمِيل"]),
        ("שָׁלוֹם", [unicodedata.normalize("NFC", "שָׁלוֹם")]),
        ("நல்ல படம்", ["நல்ல", "படம்"]),
        ("Vie\u0323\u0302t Vie\u0302\u0323t Vi\u1ec7t", ["việt"] * 3),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8 한국", ["한국"] * 2),
        ("cafe\u0301 café CAFE\u0301", ["café"] * 3),
        ("क\u093cलम \u0958लम", ["क\u093cलम"] * 2),
        ("İstanbul ısı Straße", ["i\u0307stanbul", "ısı", "straße"]),
        ("don’t don't donʼt don＇t DON’T", ["don't"] * 5),
        ("‘good’ 'good'", ["'good'"] * 2),
        ("می\u200cخواهم میخواهم", ["میخواهم"] * 2),
        ("क्\u200dष क्ष", ["क्ष"] * 2),
        ("won\u00adderful", ["wonderful"]),
        ("❤\ufe0f good\ufe0f a❤\ufe0fb", ["good", "a", "b"]),
        ("1\ufe0f\u20e3 a\u20dd", ["1\u20e3", "a\u20dd"]),
        ("\u0301a .\u0301b", ["a", "b"]),
        ("a≮b a<\u0338b a<br>\u0338b a<br≯b", ["a", "b"] * 4),
    ],
)
def test_a_word_of_any_script_stays_whole(text, expected):
    """Marks belong to the letter before them, and one word has one spelling."""
    assert words_of([text]) == [expected]


def test_typographic_apostrophes_change_nothing():
    """What a word processor makes of ' reads as '."""
    typed = ["I don't like it", "I didn't enjoy it"]
    assert words_of([text.replace("'", "’") for text in typed]) == words_of(typed)
    assert words_of(typed)[0] == ["i", "don't", "like", "it"]


def test_every_character_is_taken_as_the_reference_takes_it():
    """Alone, within and behind a word; no word holds a blank or a line end."""
    texts = [f"{character} a{character}b {character}a" for character in CHARACTERS]
    words = words_of(texts)
    assert words == [reference_words(text) for text in texts]
    assert all(word.split() == [word] for row in words for word in row)


@CHEAPLY
@given(TEXTS)
def test_random_texts_have_the_references_words(texts):
    """Any number of texts of any characters, none and empty ones among them."""
    assert words_of(texts) == [reference_words(text) for text in texts]


@CHEAPLY
@given(TEXTS)
def test_canonically_equivalent_texts_have_the_same_words(texts):
    """Composed, decomposed, or as written."""
    words = words_of(texts)
    for form in ("NFC", "NFD"):
        assert words_of([unicodedata.normalize(form, text) for text in texts]) == words


@CHEAPLY
@given(st.lists(st.binary(max_size=12) | st.sampled_from(TELLING).map(str.encode), max_size=12))
def test_random_bytes_have_the_words_of_what_is_utf8_in_them(parts):
    """The rest separates, and hides no neighbour."""
    text = b"".join(parts)
    (row,) = _tokenize(tf.constant([text])).to_list()
    known = [word for word in map(bytes.decode, row) if all(map(is_old, word))]
    reference = reference_words(text.decode(errors="replace"))
    assert known == [word for word in reference if all(map(is_old, word))]


def is_old(character: str) -> bool:
    """Says whether all versions of Unicode know a character."""
    return OLD.category(character) != "Cn"


LANGUAGES_SCRIPT = """
import json, resource, sys, time
import tensorflow as tf

served = tf.saved_model.load(sys.argv[1]).signatures["trace_text"]
trace = served(text=tf.constant(json.loads(sys.argv[2])))
tokens = [[word.decode() for word in row if word] for row in trace["tokens"].numpy()]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
long = "".join(f"{number}e\u0301\u0323 " for number in range(100_000))
last = served(text=tf.constant([long]))["tokens"].numpy()[0, -1].decode()
megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
print(json.dumps([tokens, len(long.encode()), last, megabytes]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("language", ["tr_TR.UTF-8", "lt_LT.UTF-8"])
def test_an_export_splits_alike_in_a_fresh_process_of_any_language(exported_model, language):
    """Where `I` has another small letter; and a megabyte of marks takes bounded memory."""
    texts = ["İSTANBUL ISI Įj\u0301 ÌÍĨ", "cafe\u0301 don’t मैं", "", "\0", "한국"]
    command = [sys.executable, "-c", LANGUAGES_SCRIPT, str(exported_model), json.dumps(texts)]
    result = subprocess.run(
        command,
        env={**os.environ, "LC_ALL": language},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    tokens, size, last, megabytes = json.loads(result.stdout.splitlines()[-1])
    assert tokens == [reference_words(text) for text in texts]
    assert size > 1_000_000
    assert last == "99999ẹ\u0301"
    assert megabytes < 300
