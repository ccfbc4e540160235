"""What ReviewExampleGen notices while it reads: counts, problems, labels, and leaks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection

from components import features
from components.dataset.read import LABELS, LEFT_OUT, PROBLEMS
from components.dataset.records import Problem, Review, by_place, printable
from components.example_gen.reading_report import OTHER_WORDS

DESCRIBED_PROBLEMS = 5
COUNTED_WORDS = 1_000


class FindLeaks(beam.PTransform):
    """Reviews -> (digest of the text, None) for each text that is in both train and test."""

    def expand(self, reviews: PCollection) -> PCollection:
        """Groups splits by the digest of the text, so that no text is sent over the network."""
        return (
            reviews
            | "NotEval" >> beam.Filter(lambda review: review.split != features.EVAL_SPLIT)
            | "SplitByText" >> beam.Map(lambda review: (text_digest(review), review.split))
            | "Distinct" >> beam.Distinct()
            | "SplitsOfText" >> beam.combiners.Count.PerKey()
            | "InBoth" >> beam.Filter(lambda text_and_splits: text_and_splits[1] > 1)
            | "Digest" >> beam.Map(lambda text_and_splits: (text_and_splits[0], None))
        )


def text_digest(review: Review) -> bytes:
    """Returns the SHA-256 digest of the review's text, 32 bytes."""
    return hashlib.sha256(review.text).digest()


def findings(
    reviews: PCollection,
    read: dict[str, PCollection],
    leaks: PCollection,
    dropped: PCollection,
) -> PCollection:
    """Counts what was read, in the form that ReadingReport takes.

    Args:
      reviews: Review, as split.
      read: What ReadReviews returns.
      leaks: (digest of the text, None).
      dropped: Review.

    Returns:
      ((topic, *keys), value) pairs; all keys are strings.
    """
    problems = read[PROBLEMS]
    counts = (
        (
            reviews | "CountReviews" >> beam.Map(lambda r: (("reviews", r.split, str(r.label)), 1)),
            problems | "CountProblems" >> beam.Map(lambda problem: (("problems", problem.kind), 1)),
            leaks | "CountLeaks" >> beam.Map(lambda _: (("leaks",), 1)),
            dropped | "CountDropped" >> beam.Map(lambda _: (("dropped_leaks",), 1)),
        )
        | "FlattenCounts" >> beam.Flatten()
        | "Sum" >> beam.CombinePerKey(sum)
    )
    descriptions = (
        problems
        | "Describe" >> beam.Map(_describe)
        | "FirstFew" >> beam.combiners.Top.SmallestPerKey(DESCRIBED_PROBLEMS, key=by_place)
    )
    words = [
        read[topic] | f"MostFrequent[{topic}]" >> _MostFrequent(topic)
        for topic in (LABELS, LEFT_OUT)
    ]
    return (counts, descriptions, *words) | "FlattenFindings" >> beam.Flatten()


class _MostFrequent(beam.PTransform):
    """(words, count) -> ((topic, words), count) of the most frequent, and one for all others.

    A wrong column may hold as many labels as there are records.
    """

    def __init__(self, topic: str):
        super().__init__()
        self._topic = topic

    def expand(self, counted: PCollection) -> PCollection:
        by_count = beam.combiners.Top.Of(COUNTED_WORDS, key=lambda pair: (pair[1], pair[0]))
        total = counted | "Counts" >> beam.Values() | "Total" >> beam.CombineGlobally(sum)
        return (
            counted | "Most" >> by_count | "Name" >> beam.FlatMap(self._named, AsSingleton(total))
        )

    def _named(self, most: list[tuple[str, int]], total: int) -> Iterator[tuple[Any, int]]:
        for words, count in most:
            yield (self._topic, words), count
        rest = total - sum(count for _, count in most)
        if rest:
            yield (self._topic, OTHER_WORDS), rest


def _describe(problem: Problem) -> tuple[tuple[str, ...], str]:
    topic = ("fatal",) if problem.fatal else ("problem_examples", problem.kind)
    return topic, printable(f"{problem.where}: {problem.detail}")
