"""Keeps the slices of a column few: its largest values stay, all others become one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection

from components import features
from components.dataset.records import Review
from components.dataset.slice_values import MOST_VALUES, OTHER

# Different values of a column that are counted exactly; of more, the largest still are found.
COUNTED_VALUES = 10_000
# Of two columns that slices are by together: what each slice costs is some 15 metrics.
MOST_PAIRS = 1_000

# By column: values in the test split, and in all others.
_Counts: TypeAlias = "list[tuple[Counter[str], Counter[str]]]"


class FindLargestValues(beam.PTransform):
    """Reviews -> by column, the set of values that stay: one element.

    Those are the MOST_VALUES most frequent in test, where slices are measured; if test has fewer,
    those of other splits fill up. Of two columns that slices are by together, the one with more
    values keeps fewer, until there are at most MOST_PAIRS pairs.
    """

    def __init__(self, slice_by: Sequence[Sequence[str]]):
        """Takes `ReviewSource.slice_by`."""
        super().__init__()
        self._slice_by = tuple(map(tuple, slice_by))

    def expand(self, reviews: PCollection) -> PCollection:
        """Counts in bounded memory."""
        return reviews | "CountValues" >> beam.CombineGlobally(_CountValues(self._slice_by))


class KeepLargestValues(beam.PTransform):
    """Reviews -> the same, with OTHER in the place of values that do not stay."""

    def __init__(self, largest: PCollection):
        """Takes what FindLargestValues returns."""
        super().__init__()
        self._largest = largest

    def expand(self, reviews: PCollection) -> PCollection:
        """Looks each value up."""
        return reviews | "NameOthers" >> beam.Map(_with_largest, AsSingleton(self._largest))


def columns_of_others(review: Review, columns: Sequence[str]) -> Iterator[str]:
    """Yields the columns in which a review of test has OTHER."""
    if review.split == features.TEST_SPLIT:
        for column, value in zip(columns, review.slices, strict=True):
            if value == OTHER:
                yield column


def _with_largest(review: Review, largest: Sequence[frozenset[str]]) -> Review:
    slices = (
        value if value in kept else OTHER
        for value, kept in zip(review.slices, largest, strict=True)
    )
    return review._replace(slices=tuple(slices))


class _CountValues(beam.CombineFn):
    """Counts values exactly up to COUNTED_VALUES different ones a column, and else by a sketch.

    Whatever value more than one in COUNTED_VALUES reviews has is among those that are kept (Misra
    and Gries, Finding Repeated Elements, 1982; merged as in Agarwal et al., Mergeable Summaries,
    2012).
    """

    def __init__(self, slice_by: Sequence[Sequence[str]]):
        columns = list(dict.fromkeys(column for each in slice_by for column in each))
        self._columns = len(columns)
        self._pairs = [tuple(map(columns.index, each)) for each in slice_by if len(each) > 1]

    def create_accumulator(self) -> _Counts:
        return [(Counter(), Counter()) for _ in range(self._columns)]

    def add_input(self, counts: _Counts, review: Review) -> _Counts:
        side = int(review.split != features.TEST_SPLIT)
        for value, sides in zip(review.slices, counts, strict=True):
            sides[side][value] += 1
            if len(sides[side]) > 2 * COUNTED_VALUES:
                _prune(sides[side])
        return counts

    def merge_accumulators(self, accumulators: Iterable[_Counts]) -> _Counts:
        merged = self.create_accumulator()
        for counts in accumulators:
            for sides, others in zip(merged, counts, strict=True):
                for side, other in zip(sides, others, strict=True):
                    side.update(other)
                    if len(side) > 2 * COUNTED_VALUES:
                        _prune(side)
        return merged

    def extract_output(self, counts: _Counts) -> list[frozenset[str]]:
        largest = [_largest(*sides) for sides in counts]
        for places in self._pairs:
            pair = [largest[place] for place in places]
            while math.prod(map(len, pair)) > MOST_PAIRS:
                max(pair, key=len).pop()
        return list(map(frozenset, largest))


def _prune(counts: Counter[str]) -> None:
    """Takes the count of the first value that is too many away from all."""
    ordered = sorted(counts.values(), reverse=True)
    excess = ordered[COUNTED_VALUES]
    kept = {value: count - excess for value, count in counts.items() if count > excess}
    counts.clear()
    counts.update(kept)


def _largest(in_test: Counter[str], elsewhere: Counter[str]) -> list[str]:
    """Returns the values that stay: the more frequent first, of equals the first by its letters."""
    values = (
        value
        for counts in (in_test, elsewhere)
        for value, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    return list(dict.fromkeys(values))[:MOST_VALUES]
