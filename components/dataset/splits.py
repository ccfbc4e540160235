"""Splits: by the names that people give them, and by a hash of the text.

A hash puts the same text always on the same side.
"""

from __future__ import annotations

import hashlib
import re

from components import features

# Usual names of the splits, in lower case.
SPELLINGS = {
    features.TRAIN_SPLIT: ("train", "training"),
    features.EVAL_SPLIT: ("validation", "valid", "val", "eval", "evaluation", "dev", "development"),
    features.TEST_SPLIT: ("test", "testing", "holdout"),
}
# Reviews that nobody labelled, as in IMDB's own split of that name.
UNLABELLED = ("unsupervised", "unsup", "unlabelled", "unlabeled")

EXPECTED = "train, validation or test"
SPLIT_COLUMN = "split"
TEST_SHARE = 0.2

_SPLIT_SALT = "split"
_BY_SPELLING = {spelling: split for split, spellings in SPELLINGS.items() for spelling in spellings}
_BY_SPELLING |= dict.fromkeys(UNLABELLED, UNLABELLED[0])
_LONGEST_FIRST = "|".join(sorted(_BY_SPELLING, key=len, reverse=True))
_SHARD = r"([^a-z]*\d+([^a-z]+of[^a-z]+\d+)?)?"
_AT_BEGINNING = re.compile(rf"({_LONGEST_FIRST})(set)?(?![a-z])")
_AT_END = re.compile(rf"(?<![a-z])({_LONGEST_FIRST})(set)?{_SHARD}$")


def split_spelt(value: str) -> str:
    """Returns the split that a value of a column means: train, eval, test, or unsupervised.

    Case and surrounding blanks make no difference; "" is none of them.
    """
    return _BY_SPELLING.get(value.strip().lower(), "")


def is_split_column(name: str) -> bool:
    """Says whether a column tells splits, whatever the case of its name."""
    return name.strip().lower() == SPLIT_COLUMN


def split_in_name(stem: str) -> str:
    """Returns the split that a file or folder is named for, or "".

    Args:
      stem: The name without its suffixes: "train-00000-of-00001", "reviews_test".
    """
    match = _AT_BEGINNING.match(stem.lower()) or _AT_END.search(stem.lower())
    return _BY_SPELLING[match[1]] if match else ""


def bucket(text: bytes, salt: str) -> float:
    """Returns a number from 0 up to 1, evenly spread over texts, independent between salts."""
    digest = hashlib.sha256(salt.encode() + b"\0" + text).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(text: bytes) -> str:
    """Returns "train" for 80 % of all texts, and "test" for the others."""
    return features.TEST_SPLIT if bucket(text, _SPLIT_SALT) < TEST_SHARE else features.TRAIN_SPLIT
