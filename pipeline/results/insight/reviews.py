"""What near duplicates and label errors read of a review."""

from __future__ import annotations

from typing import NamedTuple


class LabelledText(NamedTuple):
    """A review.

    Attributes:
      review_id: Its name, "train/pos/123_8".
      split: train, eval or test.
      label: The place of its class.
      text: UTF-8.
    """

    review_id: str
    split: str
    label: int
    text: bytes


def cut(text: bytes, most_bytes: int) -> str:
    """Returns a text, or where it is longer, its beginning and an ellipsis."""
    shown = text[:most_bytes].decode("utf-8", "ignore" if len(text) > most_bytes else "replace")
    return f"{shown}…" if len(text) > most_bytes else shown
