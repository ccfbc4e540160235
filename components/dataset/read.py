"""ReadReviews: every kind of source, as a Beam transform that reads its files in parallel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from components.dataset.layout_labels import has_layout, parts_of, read_part
from components.dataset.records import LabelSpelling, LeftOut, Problem, Review
from components.dataset.source import ReviewSource
from components.dataset.tables import read_table

REVIEWS = "reviews"
PROBLEMS = "problems"
LABELS = "labels"
LEFT_OUT = "left_out"


class ReadReviews(beam.PTransform):
    """Reads a source.

    The content of files raises no exception: it would lose its type on the way from a worker. What
    cannot be read is a Problem.
    """

    def __init__(self, source: ReviewSource):
        """Reads `source` as it was resolved."""
        super().__init__()
        self._source = source

    def expand(self, pipeline: beam.Pipeline) -> dict[str, PCollection]:
        """Returns REVIEWS: Review, PROBLEMS: Problem, LABELS and LEFT_OUT: str.

        LABELS has the spelling of each label, LEFT_OUT the reason of each review left out.
        """
        parts = parts_of(self._source)
        read = (
            pipeline
            | "Parts" >> beam.Create(parts, reshuffle=len(parts) > 1)
            | "Records" >> beam.FlatMap(_read, self._source)
            | "Sort" >> beam.FlatMap(_tagged).with_outputs(PROBLEMS, LABELS, LEFT_OUT, main=REVIEWS)
        )
        return {topic: read[topic] for topic in (REVIEWS, PROBLEMS, LABELS, LEFT_OUT)}


def _read(part: Any, source: ReviewSource) -> Iterator[Review | LeftOut | Problem | LabelSpelling]:
    return read_part(part, source) if has_layout(source) else read_table(part, source)


def _tagged(record: Review | LeftOut | Problem | LabelSpelling) -> Iterator[Any]:
    if isinstance(record, Review):
        yield record
    elif isinstance(record, Problem):
        yield TaggedOutput(PROBLEMS, record)
    elif isinstance(record, LeftOut):
        yield TaggedOutput(LEFT_OUT, record.reason)
    else:
        yield TaggedOutput(LABELS, record.spelling)
