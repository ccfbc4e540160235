"""Tokens of other kinds and sizes than IMDB's, against the plain Python reference."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components import features
from components.errors import ConfigurationError
from components.transform import preprocessing
from components.transform.emoji import PICTOGRAPHS
from components.transform.token_settings import FILE, IMDB_TOKENS, TokenSettings
from tests.components.transforming import (
    analyze,
    reference_token_ids,
    reference_tokens,
    reference_vocabulary,
)

KINDS = {
    "emoji": TokenSettings(emoji=True),
    "characters": TokenSettings(tokens="characters"),
    "characters and emoji": TokenSettings(tokens="characters", emoji=True),
    "pairs": TokenSettings(tokens="character_pairs"),
    "pairs and emoji": TokenSettings(tokens="character_pairs", emoji=True),
}
MIXED = [
    "这部电影很好看。iPhone真棒!",
    "すごく楽しかった! ガンダム カ\u3099ンダム ｶﾞ",
    "ดีมากที่สุด กำลัง น้ำ",
    "한국 영화 \u1112\u1161\u11ab",
    "मैं की क्\u200dष, நல்ல",
    "don't cafe\u0301 a\u0323\u0301b \u0301 x\u20dd",
    "İSTANBUL ΣΑΣ <br />100 ٣",
    "I ❤️ it 👍🏽👍🏽! 👨‍👩‍👧‍👦 ❤️‍🔥a 🇩🇪🇫🇷🇺 1️⃣ #️⃣ *x ★ ℹ b",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🏴\U000e0067 👩\u200d\u200d👩",
    "👍\u200da 🏽 🏽\u200d👍 a🇦b 😀\u0301\u0301c \u200d👍\ufe0f\u200d\ufe0e❤",
    "",
    "... !?",
]
# What decides where a token ends, more often than chance would have it.
TELLING = [
    *"aI'#*1 <>!\0很好すガี้กำक\u094d\u0301\u0323\u3099\u20dd\u1100\u1161",
    *"❤👍🏽🏿👩🔥🇦🇧🏴\U000e0067\U000e007fℹ©★",
    *"\u200d\u200d\u200d\ufe0f\ufe0f\u00ad",
    "<br/>",
]
TEXTS = st.lists(
    st.lists(st.sampled_from(TELLING), max_size=20).map("".join), min_size=1, max_size=4
)


@functools.cache
def tokenizer(kind):
    """Returns a kind's tokenizer as a graph."""
    return tf.function(
        lambda text: preprocessing.tokenize(text, KINDS[kind]),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


def tokens_of(texts, kind):
    """Returns the graph's tokens of `texts`."""
    rows = tokenizer(kind)(tf.constant([text.encode() for text in texts], tf.string)).to_list()
    return [[token.decode() for token in row] for row in rows]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("characters", "很好看。OK", ["很", "好", "看", "o", "k"]),
        ("characters", "น้ำที่ดี", ["น้", "ำ", "ที่", "ดี"]),
        ("characters", "カ\u3099ンダム", ["ガ", "ン", "ダ", "ム"]),
        ("characters", "cafe\u0301 don’t", ["c", "a", "f", "é", *"don't"]),
        ("characters", "good 👍", [*"good"]),
        ("pairs", "很好看, 好", ["很好", "好看", "好"]),
        ("pairs", "ที่ดี มาก", ["ที่ดี", "มา", "าก"]),
        ("emoji", "good👍🏽👍 ❤️!", ["good", "👍🏽", "👍", "❤"]),
        ("emoji", "👨‍👩‍👧 🇩🇪🇫🇷 1️⃣", ["👨\u200d👩\u200d👧", "🇩🇪", "🇫🇷", "1\u20e3"]),
        ("emoji", "क्\u200dष 😀 #x *y", ["क्ष", "😀", "x", "y"]),
        ("characters and emoji", "好👩🏽‍🚀", ["好", "👩🏽\u200d🚀"]),
        ("pairs and emoji", "很好👍👍看", ["很好", "👍", "👍", "看"]),
    ],
)
def test_a_token_is_what_a_reader_would_count(kind, text, expected):
    """A mark stays with its letter, and an emoji is one however many code points it has."""
    assert tokens_of([text], kind) == [expected]
    assert reference_tokens(text, KINDS[kind]) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_equal_the_reference_on_mixed_scripts(kind):
    """By hand and shuffled; no texts have no tokens."""
    generator = random.Random(7)
    shuffled = ["".join(generator.sample(text, len(text))) for text in MIXED * 5]
    for texts in (MIXED, shuffled):
        assert tokens_of(texts, kind) == [reference_tokens(text, KINDS[kind]) for text in texts]
    assert tokens_of([], kind) == []


@settings(max_examples=settings.default.max_examples // 4)
@given(TEXTS, st.sampled_from(sorted(KINDS)))
def test_random_texts_have_the_references_tokens(texts, kind):
    """Of whatever kind."""
    assert tokens_of(texts, kind) == [reference_tokens(text, KINDS[kind]) for text in texts]


def test_bytes_that_are_not_utf8_separate_tokens():
    """A served model answers any bytes."""
    (tokens,) = tokenizer("characters and emoji")(
        tf.constant([b"\xf0\x9f\x91\x8d\xffa\xfe\xf0\x9f\x91"])
    ).to_list()
    assert tokens == ["👍".encode(), b"a"]


def test_the_pictographs_are_unicodes():
    """All emoji that are no part of a longer sequence, and nothing that is no pictograph."""
    regex = pytest.importorskip("regex")
    ours = {chr(code) for first, last in PICTOGRAPHS for code in range(first, last + 1)}
    every = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert ours <= {*regex.findall(r"\p{Extended_Pictographic}", every)}
    parts = {*regex.findall(r"[\p{Emoji_Component}\p{Emoji_Modifier}]", every)}
    assert {*regex.findall(r"\p{Emoji}", every)} - parts <= ours


SMALL = TokenSettings(
    vocabulary_size=9, max_length=7, min_word_count=3, tokens="characters", emoji=True
)


def test_token_ids_have_the_sizes_that_were_asked_for(tmp_path):
    """Vocabulary, length and the least count are the reference's, for every text."""
    texts = [*MIXED, "好好好好 看看看看看 👍👍👍 的的", "a" * 50 + "好"]
    output = analyze(texts, tmp_path, SMALL)
    token_ids = output.transform_features_layer()({features.TEXT: tf.constant(texts)})[
        features.TOKEN_IDS
    ]
    assert token_ids.shape == (len(texts), 7)
    vocabulary = reference_vocabulary(texts, SMALL)
    assert len(vocabulary) == 7
    np.testing.assert_array_equal(
        token_ids, [reference_token_ids(text, vocabulary, SMALL) for text in texts]
    )


def test_a_token_that_is_too_rare_is_unknown(tmp_path):
    """Though there is room for it; where all are, nothing is known."""
    output = analyze(["a a b", "c b"], tmp_path, TokenSettings(max_length=3, min_word_count=2))
    layer = output.transform_features_layer()
    token_ids = layer({features.TEXT: tf.constant(["a b c"])})[features.TOKEN_IDS]
    assert sorted(token_ids[0, :2].numpy()) == [2, 3] and token_ids[0, 2] == 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"vocabulary_size": 2},
            "`vocabulary_size` is 2; expected a whole number from 3 to 1,000,0",
        ),
        ({"max_length": 0}, "`max_length` is 0; expected a whole number from 1 to 20,000."),
        ({"max_length": True}, "`max_length` is True; expected a whole number from 1 to 20,000."),
        ({"min_word_count": "2"}, "`min_word_count` is '2'; expected a whole number"),
        ({"tokens": "letters"}, "`tokens` is 'letters'; expected one of words, characters,"),
        ({"emoji": 1}, "`emoji` is 1; expected true or false."),
        ({"max_lenght": 9}, "`tokens` has 'max_lenght'; choose from: vocabulary_size, max_length,"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(config, message):
    """As a `custom_config` may have it; the message names the setting."""
    with pytest.raises(ConfigurationError) as error:
        TokenSettings.from_config(config)
    assert message in str(error.value)


def test_the_settings_go_where_the_model_goes(tmp_path):
    """A model without them is another trainer's, or of the time before them."""
    assert TokenSettings.of_model(tmp_path) is None
    SMALL.write(str(tmp_path))
    assert (tmp_path / FILE).is_file()
    assert TokenSettings.of_model(str(tmp_path)) == SMALL
    assert TokenSettings.from_config({}) == IMDB_TOKENS
