"""Splits by a hash of the text: the same text always falls on the same side."""

from __future__ import annotations

import hashlib

from components import features

TEST_SHARE = 0.2
_SPLIT_SALT = "split"


def bucket(text: bytes, salt: str) -> float:
    """Returns a number from 0 up to 1, evenly spread over texts, independent between salts."""
    digest = hashlib.sha256(salt.encode() + b"\0" + text).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(text: bytes) -> str:
    """Returns "train" for 80 % of all texts, and "test" for the others."""
    return features.TEST_SPLIT if bucket(text, _SPLIT_SALT) < TEST_SHARE else features.TRAIN_SPLIT
