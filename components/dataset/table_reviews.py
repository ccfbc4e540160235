"""From one record of a table to the review that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components import features
from components.dataset.labels import LabelLookup, expected_labels, spelling_in, spelling_of
from components.dataset.records import (
    UNKNOWN_LABEL,
    UNKNOWN_SPLIT,
    LabelSpelling,
    LeftOut,
    Problem,
    Review,
    encoded,
    review_or_problem,
)
from components.dataset.slice_values import values_in
from components.dataset.source import ReviewSource, SourceFile
from components.dataset.splits import EXPECTED, UNLABELLED, split_of, split_spelt


def reviews_in(
    record: Mapping[str, Any],
    file: SourceFile,
    source: ReviewSource,
    labels: LabelLookup,
    where: str,
    review_id: str,
) -> Iterator[Review | LeftOut | Problem | LabelSpelling]:
    """Yields what one record holds: its label's spelling if it has one, and one thing more.

    Args:
      record: Values by column; strings as str or as UTF-8 bytes.
      file: Where it is from.
      source: The columns' names.
      labels: What labels mean.
      where: File and place, for people.
      review_id: Unique within the source.
    """
    split_value = spelling_of(record.get(source.split_column)) if source.split_column else ""
    split = split_spelt(split_value) if source.split_column else file.split
    if split in UNLABELLED:
        yield LeftOut(f"in split '{split_value}'")
        return
    spelling = spelling_in(record.get(source.label_column), source.class_names)
    if spelling:
        yield LabelSpelling(spelling)
    text = record.get(source.text_column)
    if not isinstance(text, str | bytes | None):
        detail = f"the text is of type {type(text).__name__}, expected a string"
        yield Problem("malformed_row", where, detail, fatal=False)
        return
    label = labels.label_of(spelling)
    if label is None and labels.is_left_out(spelling):
        yield LeftOut(f"labelled '{spelling}'")
        return
    if label is None:
        detail = f"label '{spelling}', expected {expected_labels(source)}"
        yield Problem(UNKNOWN_LABEL, where, detail, fatal=False)
        return
    if source.split_column and not split:
        detail = f"split '{split_value}', expected {EXPECTED}"
        yield Problem(UNKNOWN_SPLIT, where, detail, fatal=False)
        return
    content = text if isinstance(text, bytes) else encoded(text or "")
    if not split or (source.carves_test and split == features.TRAIN_SPLIT):
        split = split_of(content)
    yield review_or_problem(
        text=content,
        label=label,
        review_id=review_id,
        split=split,
        rating=None,
        where=where,
        slices=values_in(record, source.slice_columns),
    )
