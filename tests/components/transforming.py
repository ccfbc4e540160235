"""Runs `preprocessing_fn` over texts, as Transform does, and its plain Python reference."""

from __future__ import annotations

import collections
import functools
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from components import features
from components.transform import preprocessing
from components.transform.emoji import PICTOGRAPHS
from components.transform.token_settings import IMDB_TOKENS, TOKENS, TokenSettings

WORD_CATEGORIES = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
MARK_CATEGORIES = ("Mn", "Mc", "Me")
APOSTROPHES = "'\u2018\u2019\u201b\u02bc\uff07"
# Soft hyphen, grapheme joiner, zero-width non-joiner and joiner, word joiner; variation selectors.
INVISIBLE = {
    *"\u00ad\u034f\u200c\u200d\u2060",
    *map(chr, (0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
}

PICTOGRAPH = {chr(code) for first, last in PICTOGRAPHS for code in range(first, last + 1)}
SKIN_TONE = set(map(chr, range(0x1F3FB, 0x1F400)))
REGIONAL = set(map(chr, range(0x1F1E6, 0x1F200)))
TAG, LAST_TAG = set(map(chr, range(0xE0020, 0xE007F))), "\U000e007f"
JOINER = "\u200d"
# A joiner behind one of these may join emoji.
JOINED = PICTOGRAPH | SKIN_TONE | {LAST_TAG}
KEYS, KEY_CAP = {*"0123456789#*"}, "\u20e3"

RAW_METADATA = dataset_metadata.DatasetMetadata(
    schema_utils.schema_from_feature_spec(
        {
            features.TEXT: tf.io.FixedLenFeature([], tf.string),
            features.LABEL: tf.io.FixedLenFeature([], tf.int64),
        }
    )
)


def analyze(
    texts: Sequence[str], directory: Path, settings: TokenSettings | None = None
) -> tft.TFTransformOutput:
    """Learns the vocabulary of `texts`; labels play no part in it."""
    preprocessing_fn = preprocessing.preprocessing_fn
    if settings:
        preprocessing_fn = functools.partial(
            preprocessing_fn, custom_config={TOKENS: settings.to_config()}
        )
    records: list[dict[str, Any]] = [
        {features.TEXT: text.encode(), features.LABEL: index % 2}
        for index, text in enumerate(texts)
    ]
    with (
        beam.Pipeline(runner="FnApiRunner") as pipeline,
        tft_beam.Context(temp_dir=str(directory / "temp")),
    ):
        transform_fn = (
            pipeline | beam.Create(records),
            RAW_METADATA,
        ) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = transform_fn | tft_beam.WriteTransformFn(str(directory / "transform"))
    return tft.TFTransformOutput(str(directory / "transform"))


def reference_tokens(text: str, settings: TokenSettings = IMDB_TOKENS) -> list[str]:
    """Returns the tokens of a text: words, characters of words, or pairs of these."""
    words = reference_words(text, settings.emoji)
    if settings.tokens == "words":
        return words
    tokens = []
    for word in words:
        characters = [word] if settings.emoji and emoji_end(word, 0) else []
        for character in "" if characters else word:
            if unicodedata.category(character) in MARK_CATEGORIES:
                characters[-1] += character
            else:
                characters.append(character)
        if settings.tokens == "characters" or len(characters) == 1:
            tokens += characters
        else:
            tokens += ["".join(characters[place : place + 2]) for place in range(len(characters))]
            tokens.pop()
    return tokens


def visible(text: str, with_joiners: bool) -> str:
    """Leaves out INVISIBLE characters, but one joiner behind a pictograph where asked for."""
    kept, may_join = [], False
    for character in text:
        if character not in INVISIBLE:
            kept.append(character)
            may_join = character in JOINED
        elif character == JOINER and with_joiners and may_join:
            kept.append(JOINER)
            may_join = False
    return "".join(kept)


def emoji_end(text: str, start: int) -> int | None:
    """Returns where the emoji ends that begins at `start`; None if there is none."""
    if end := pictograph_end(text, start):
        while text[end : end + 1] == JOINER and (next_end := pictograph_end(text, end + 1)):
            end = next_end
        return end
    first, second = text[start : start + 1], text[start + 1 : start + 2]
    is_flag = first in REGIONAL and second in REGIONAL
    return start + 2 if is_flag or (first in KEYS and second == KEY_CAP) else None


def pictograph_end(text: str, start: int) -> int | None:
    """Returns where a pictograph with its skin tone and its tags ends; None if there is none."""
    if text[start : start + 1] not in PICTOGRAPH:
        return None
    end = start + 1
    if text[end : end + 1] in SKIN_TONE:
        end += 1
    last = end
    while text[last : last + 1] in TAG:
        last += 1
    return last + 1 if last > end and text[last : last + 1] == LAST_TAG else end


def reference_words(text: str, with_emoji: bool = False) -> list[str]:
    """Splits a text as the contract says, one character at a time."""
    text = unicodedata.normalize("NFC", text).lower()
    text = unicodedata.normalize("NFC", visible(text, with_emoji))
    words, word, end = [], "", 0
    # A line break's end may carry a mark: `>` with U+0338 is U+226F.
    text = re.sub("<br[ \t\n\f\r]*/?[>\u226f]", "\n", text)
    for place, character in enumerate(text):
        if place < end:
            continue
        if with_emoji and (emoji := emoji_end(text, place)):
            words += [word, text[place:emoji]]
            word, end = "", emoji
            continue
        category = unicodedata.category(character)
        if character in APOSTROPHES:
            word += "'"
        elif category in WORD_CATEGORIES or (word and category in MARK_CATEGORIES):
            word += character
        else:
            words.append(word)
            word = ""
    return [word for word in (*words, word) if word]


def reference_vocabulary(
    texts: Sequence[str], settings: TokenSettings = IMDB_TOKENS
) -> dict[str, int]:
    """Returns the id of each known token: frequent ones first, ties in reverse byte order."""
    counts = collections.Counter(
        token for text in texts for token in reference_tokens(text, settings)
    )
    ranked = sorted(counts, key=lambda token: (counts[token], token.encode()), reverse=True)
    known = ranked[: settings.vocabulary_size - features.FIRST_WORD_ID]
    return {
        token: features.FIRST_WORD_ID + rank
        for rank, token in enumerate(known)
        if counts[token] >= settings.min_word_count
    }


def reference_token_ids(
    text: str, vocabulary: dict[str, int], settings: TokenSettings = IMDB_TOKENS
) -> list[int]:
    """Returns the `max_length` ids of a text, padded in front."""
    ids = [
        vocabulary.get(token, features.OUT_OF_VOCABULARY_ID)
        for token in reference_tokens(text, settings)[-settings.max_length :]
    ]
    return [features.PAD_ID] * (settings.max_length - len(ids)) + ids
