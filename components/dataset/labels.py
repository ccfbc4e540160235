"""How labels are spelt."""

from __future__ import annotations

from components import features
from components.dataset.source import ReviewSource

POSITIVE_SPELLINGS = ("1", "positive", "pos", "true", "yes")
NEGATIVE_SPELLINGS = ("0", "negative", "neg", "false", "no")


def label_of(spelling: str, source: ReviewSource) -> int | None:
    """Returns 1 for a positive label, 0 for a negative one, None for neither and for a blank.

    With a positive label named and no negative one, every other spelling is negative; the data
    gate checks that there is only one other.
    """
    spelling = spelling.strip()
    if not spelling:
        return None
    if source.positive_label or source.negative_label:
        if spelling == source.positive_label:
            return features.POSITIVE
        if spelling == source.negative_label:
            return features.NEGATIVE
        if not source.negative_label:
            return features.NEGATIVE
        return features.POSITIVE if not source.positive_label else None
    if spelling.lower() in POSITIVE_SPELLINGS:
        return features.POSITIVE
    if spelling.lower() in NEGATIVE_SPELLINGS:
        return features.NEGATIVE
    return None


def expected_labels(source: ReviewSource) -> str:
    """Says which spellings are understood."""
    if other_label_is_implied(source):
        return f"'{source.positive_label or source.negative_label}' or one other"
    if source.positive_label:
        return f"'{source.positive_label}' or '{source.negative_label}'"
    return (
        f"one of {', '.join(POSITIVE_SPELLINGS)} or {', '.join(NEGATIVE_SPELLINGS)}; name others "
        "with --positive-label and --negative-label"
    )


def other_label_is_implied(source: ReviewSource) -> bool:
    """Says whether one label is named and the other is whatever else occurs."""
    return bool(source.positive_label) != bool(source.negative_label)
