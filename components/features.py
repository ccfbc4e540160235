"""Names, ids and sizes of the features, and their schema: the leaf that every component shares."""

from __future__ import annotations

import re

TEXT = "text"
LABEL = "label"
RATING = "rating"
REVIEW_ID = "review_id"

TRAIN_SPLIT = "train"
EVAL_SPLIT = "eval"
TEST_SPLIT = "test"

TOKEN_IDS = "token_ids"

VOCABULARY = "words"
VOCABULARY_SIZE = 5_000
MAX_LENGTH = 500

PAD_ID = 0
OUT_OF_VOCABULARY_ID = 1
FIRST_WORD_ID = 2

NEGATIVE, POSITIVE = 0, 1
CLASSES = ("negative", "positive")
DECISION_THRESHOLD = 0.5

SCHEMA_NAME = "schema.pbtxt"

_SLICE_PREFIX = "slice_by_"
# What TensorFlow, Arrow and protocol buffers all take in a name.
_NOT_PLAIN = re.compile("[^A-Za-z0-9_]")
_LIKE_A_MARK = re.compile("_[0-9a-f]{8}$")
_LONGEST_PLAIN = 60


def slice_feature(column: str) -> str:
    """Returns the name of the feature that holds a column of the user's, for slices by it.

    `dataset.slice_values.feature_of` takes any column.

    No other feature's name begins like it, and no two columns have the same one.

    >>> slice_feature("language"), slice_feature("länge/cm")
    ('slice_by_language', 'slice_by_l_nge_cm_1ea0658c')
    """
    plain = _NOT_PLAIN.sub("_", column)
    if plain == column and len(column) <= _LONGEST_PLAIN and not _LIKE_A_MARK.search(column):
        return f"{_SLICE_PREFIX}{column}"
    from hashlib import sha256

    mark = sha256(column.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_SLICE_PREFIX}{plain[:_LONGEST_PLAIN]}_{mark}"


def schema_file() -> str:
    """Returns the path of the curated schema of what ReviewExampleGen writes.

    >>> from pathlib import Path
    >>> Path(schema_file()).name
    'schema.pbtxt'
    """
    from importlib.resources import files  # takes a tenth of what the command line's help may

    return str(files(__package__) / SCHEMA_NAME)
