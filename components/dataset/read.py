"""ReadReviews: every kind of source, as a Beam transform that reads its files in parallel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from components.dataset import sample
from components.dataset.archive import read_archive, read_directory
from components.dataset.records import LabelSpelling, LeftOut, Problem, Review
from components.dataset.source import ReviewSource, SourceKind
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
        """Returns REVIEWS: Review, PROBLEMS: Problem, LABELS and LEFT_OUT: (words, count).

        The words of LABELS are spellings, those of LEFT_OUT the reasons.
        """
        if self._source.kind is SourceKind.SAMPLE:
            parts: list[Any] = list(range(sample.SAMPLE_SIZE))
        else:
            parts = list(self._source.files)
        read = (
            pipeline
            | "Parts" >> beam.Create(parts, reshuffle=len(parts) > 1)
            | "Records" >> beam.FlatMap(_read, self._source)
            | "Sort" >> beam.FlatMap(_tagged).with_outputs(PROBLEMS, LABELS, LEFT_OUT, main=REVIEWS)
        )
        return {
            REVIEWS: read[REVIEWS],
            PROBLEMS: read[PROBLEMS],
            LABELS: read[LABELS] | "CountLabels" >> beam.combiners.Count.PerElement(),
            LEFT_OUT: read[LEFT_OUT] | "CountLeftOut" >> beam.combiners.Count.PerElement(),
        }


def _read(part: Any, source: ReviewSource) -> Iterator[Review | LeftOut | Problem | LabelSpelling]:
    if source.kind is SourceKind.SAMPLE:
        return iter([sample.generate_review(part)])
    if source.kind is SourceKind.IMDB_ARCHIVE:
        return read_archive(part.path)
    if source.kind is SourceKind.IMDB_DIRECTORY:
        return read_directory(part.path)
    return read_table(part, source)


def _tagged(record: Review | LeftOut | Problem | LabelSpelling) -> Iterator[Any]:
    if isinstance(record, Review):
        yield record
    elif isinstance(record, Problem):
        yield TaggedOutput(PROBLEMS, record)
    elif isinstance(record, LeftOut):
        yield TaggedOutput(LEFT_OUT, record.reason)
    else:
        yield TaggedOutput(LABELS, record.spelling)
