"""Which labels occur, and how often: of the first records, or of all of them, read in one pass."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from typing import Any

from components import features, progress
from components.dataset.labels import key_of, spelling_in, spelling_of
from components.dataset.layout_labels import has_layout, spellings_in
from components.dataset.records import MalformedRecord
from components.dataset.source import ReviewSource, SourceFile, TableFormat
from components.dataset.splits import UNLABELLED, split_spelt
from components.dataset.tables import UNREADABLE, read_records
from components.storage.place import place_of

# Bounds of a look at the first records, over all files.
RECORDS = 10_000
SECONDS = 1.0
# With more different labels than these, they are no classes; one may be spelt in several ways.
MOST_LABELS = 1_000
MOST_SPELLINGS = 10_000

_REPORTED_EVERY = 0.25
_AT_A_TIME = 1_000
# Where labels are sorted, there are hardly more changes than labels.
_CHANGES_OF_A_LABEL = 10
# A wrong column may hold whole texts.
_LONGEST_REMEMBERED = 200


@dataclass
class LabelCounts:
    """How often each label occurs.

    Attributes:
      by_split: Each label as it is spelt, and its count, by "train", "eval", "test", or "" where a
        hash of the text decides on the split.
      records: How many records were read.
      is_whole: Whether all records were.
      is_broken: Whether a file breaks off, or is not what it was taken for.
      changes: How often a record had another label than the one before.
      too_many: Whether there are more than `MOST_LABELS` labels to train on; then reading stopped.
    """

    by_split: dict[str, Counter[str]] = field(default_factory=dict)
    records: int = 0
    is_whole: bool = True
    is_broken: bool = False
    too_many: bool = False
    changes: int = 0
    _keys: set[str] = field(default_factory=set, repr=False)
    _spellings: int = field(default=0, repr=False)

    @property
    def all(self) -> Counter[str]:
        """Returns the counts over all splits."""
        return _sum(self.by_split.values())

    @property
    def to_train_on(self) -> Counter[str]:
        """Returns the counts of what may be trained on: all but what was drawn for eval or test."""
        return _sum(counts for split, counts in self.by_split.items() if _may_train(split))

    @property
    def is_mixed(self) -> bool:
        """Whether the labels are in no order, so that the first ones are like all others."""
        return self.changes >= _CHANGES_OF_A_LABEL * len(self.all)

    def add(self, spelling: str, split: str, count: int = 1) -> None:
        """Counts a label; of the splits that are not trained on, no more than the bound."""
        counts = self.by_split.setdefault(split, Counter())
        if spelling not in counts:
            if self._spellings >= MOST_SPELLINGS or (
                not _may_train(split) and len(counts) > MOST_LABELS
            ):
                self.too_many = self.too_many or _may_train(split)
                return
            self._spellings += 1
            if _may_train(split):
                self._keys.add(key_of(spelling))
                self.too_many = len(self._keys) > MOST_LABELS
        counts[spelling] += count


def _may_train(split: str) -> bool:
    return split in ("", features.TRAIN_SPLIT)


def _sum(counters: Any) -> Counter[str]:
    return reduce(lambda total, counts: total + counts, counters, Counter())


def first_labels(source: ReviewSource) -> LabelCounts:
    """Counts the labels of the first records of each file, within a second or so."""
    if has_layout(source):
        # Folders are read one after the other: the first reviews are all of one label.
        return all_labels(source)
    counts, started, last_label = LabelCounts(), time.monotonic(), ""
    for number, file in enumerate(source.files):
        # What earlier files left of their share is for later ones.
        last = counts.records + max(1, (RECORDS - counts.records) // (len(source.files) - number))
        for label, split in _labels_of_file(file, source, counts):
            is_late = counts.records % 100 == 0 and time.monotonic() - started > SECONDS
            if counts.records >= last or is_late:
                counts.is_whole = False
                break
            counts.records += 1
            if label:
                counts.changes += label != last_label
                last_label = label
                counts.add(label, split)
        if counts.too_many:
            counts.is_whole = False
            break
    return counts


def all_labels(source: ReviewSource) -> LabelCounts:
    """Counts the labels of all records, one pass over the label's column; tells its progress.

    Stops at the first label beyond `MOST_LABELS` in what may be trained on.
    """
    counts, reported = LabelCounts(), time.monotonic()
    stage = f"Reading the labels in '{source.label_column}'"
    labels = _labels_in(source, counts)
    while some := Counter(islice(labels, _AT_A_TIME)):
        counts.records += some.total()
        for (label, split), count in some.items():
            if label:
                counts.add(label, split, count)
        if counts.too_many:
            counts.is_whole = False
            break
        now = time.monotonic()
        if now - reported > _REPORTED_EVERY:
            reported = now
            progress.report(progress.Progress(counts.records, None, "records", stage))
    return counts


def _labels_in(source: ReviewSource, counts: LabelCounts) -> Iterator[tuple[str, str]]:
    """Yields label and split of each review, or of each record of a table."""
    if has_layout(source):
        yield from spellings_in(source)
        return
    for file in source.files:
        yield from _labels_of_file(file, source, counts)


def _labels_of_file(
    file: SourceFile, source: ReviewSource, counts: LabelCounts
) -> Iterator[tuple[str, str]]:
    """Yields label and split of each record that can be read; a blank label is ""."""
    label_column, split_column = source.label_column, source.split_column
    form = file.format or TableFormat.usual(source.kind)
    label_in = _remembered(lambda value: spelling_in(value, source.class_names))
    split_in = _remembered(lambda value: split_spelt(spelling_of(value)))
    split = file.split
    try:
        columns = [label_column, *filter(None, [split_column])]
        for record in read_records(place_of(file.path), form, columns):
            if isinstance(record, MalformedRecord):
                continue
            if split_column:
                split = split_in(record.get(split_column))
                if not split or split in UNLABELLED:
                    continue
            yield label_in(record.get(label_column)), split
    except UNREADABLE:
        # Whoever reads the records tells of it.
        counts.is_broken = True


def _remembered(function: Callable[[Any], str]) -> Callable[[Any], str]:
    """Returns the function with a memory of short texts."""
    known: dict[str | bytes, str] = {}

    def call(value: Any) -> str:
        if not isinstance(value, str | bytes) or len(value) > _LONGEST_REMEMBERED:
            return function(value)
        found = known.get(value)
        if found is None:
            found = function(value)
            if len(known) < MOST_SPELLINGS:
                known[value] = found
        return found

    return call
