"""Runs `preprocessing_fn` over texts, as Transform does, and its plain Python reference."""

from __future__ import annotations

import collections
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

WORD_CATEGORIES = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
MARK_CATEGORIES = ("Mn", "Mc", "Me")
APOSTROPHES = "'\u2018\u2019\u201b\u02bc\uff07"
# Soft hyphen, grapheme joiner, zero-width non-joiner and joiner, word joiner; variation selectors.
INVISIBLE = {
    *"\u00ad\u034f\u200c\u200d\u2060",
    *map(chr, (0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
}

RAW_METADATA = dataset_metadata.DatasetMetadata(
    schema_utils.schema_from_feature_spec(
        {
            features.TEXT: tf.io.FixedLenFeature([], tf.string),
            features.LABEL: tf.io.FixedLenFeature([], tf.int64),
        }
    )
)


def analyze(texts: Sequence[str], directory: Path) -> tft.TFTransformOutput:
    """Learns the vocabulary of `texts`; labels play no part in it."""
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
        ) | tft_beam.AnalyzeDataset(preprocessing.preprocessing_fn)
        _ = transform_fn | tft_beam.WriteTransformFn(str(directory / "transform"))
    return tft.TFTransformOutput(str(directory / "transform"))


def reference_words(text: str) -> list[str]:
    """Splits a text as the contract says, one character at a time."""
    text = unicodedata.normalize("NFC", text).lower()
    text = "".join(character for character in text if character not in INVISIBLE)
    text = unicodedata.normalize("NFC", text)
    words, word = [], ""
    # A line break's end may carry a mark: `>` with U+0338 is U+226F.
    for character in re.sub("<br[ \t\n\f\r]*/?[>\u226f]", "\n", text):
        category = unicodedata.category(character)
        if character in APOSTROPHES:
            word += "'"
        elif category in WORD_CATEGORIES or (word and category in MARK_CATEGORIES):
            word += character
        else:
            words.append(word)
            word = ""
    return [word for word in (*words, word) if word]


def reference_vocabulary(texts: Sequence[str]) -> dict[str, int]:
    """Returns the id of each known word: frequent words first, ties in reverse byte order."""
    counts = collections.Counter(word for text in texts for word in reference_words(text))
    ranked = sorted(counts, key=lambda word: (counts[word], word.encode()), reverse=True)
    known = ranked[: features.VOCABULARY_SIZE - features.FIRST_WORD_ID]
    return {word: features.FIRST_WORD_ID + rank for rank, word in enumerate(known)}


def reference_token_ids(text: str, vocabulary: dict[str, int]) -> list[int]:
    """Returns the MAX_LENGTH ids of a text, padded in front."""
    ids = [
        vocabulary.get(word, features.OUT_OF_VOCABULARY_ID)
        for word in reference_words(text)[-features.MAX_LENGTH :]
    ]
    return [features.PAD_ID] * (features.MAX_LENGTH - len(ids)) + ids
