"""What ReviewExampleGen notices while it reads: counts, problems, labels, and leaks.

No import of TFX: a worker that counts would take 250 MB more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection

from components.dataset.read import LABELS, LEFT_OUT, PROBLEMS
from components.dataset.records import OTHER_WORDS, Problem, by_place, printable
from components.example_gen.largest_values import columns_of_others
from components.example_gen.leaks import count_of

DESCRIBED_PROBLEMS = 5
COUNTED_WORDS = 1_000


def findings(
    reviews: PCollection,
    read: dict[str, PCollection],
    leaks: PCollection,
    dropped: PCollection | None,
    slice_columns: Sequence[str] = (),
) -> PCollection:
    """Counts what was read, in the form that ReadingReport takes.

    Args:
      reviews: Review, as split.
      read: What ReadReviews returns.
      leaks: What FindLeaks returns.
      dropped: Review; None if none is dropped.
      slice_columns: The columns of `Review.slices`.

    Returns:
      ((topic, *keys), value) pairs; all keys are strings.
    """
    problems = read[PROBLEMS]
    ones = {
        "Reviews": reviews
        | "CountReviews" >> beam.Map(lambda r: (("reviews", r.split, str(r.label)), 1)),
        "Problems": problems
        | "CountProblems" >> beam.Map(lambda problem: (("problems", problem.kind), 1)),
        "Leaks": leaks | "CountLeaks" >> beam.Map(lambda found: (("leaks",), count_of(found))),
    }
    if dropped is not None:
        ones["Dropped"] = dropped | "CountDropped" >> beam.Map(lambda _: (("dropped_leaks",), 1))
    if slice_columns:
        ones["Others"] = (
            reviews
            | "OthersOfReview" >> beam.FlatMap(columns_of_others, slice_columns)
            | "CountOthers" >> beam.Map(lambda column: (("other_slices", column), 1))
        )
    # Each by itself: what is flattened before it is summed is held, one by one, in the memory of
    # Beam's runner.
    counts = [each | f"Sum{name}" >> beam.CombinePerKey(sum) for name, each in ones.items()]
    descriptions = (
        problems
        | "Describe" >> beam.Map(_describe)
        | "FirstFew" >> beam.combiners.Top.SmallestPerKey(DESCRIBED_PROBLEMS, key=by_place)
    )
    words = [
        read[topic] | f"MostFrequent[{topic}]" >> _MostFrequent(topic)
        for topic in (LABELS, LEFT_OUT)
    ]
    return (*counts, descriptions, *words) | "FlattenFindings" >> beam.Flatten()


class _MostFrequent(beam.PTransform):
    """Words -> ((topic, words), count) of the most frequent, and one for all others.

    A wrong column may hold as many labels as there are records.
    """

    def __init__(self, topic: str):
        super().__init__()
        self._topic = topic

    def expand(self, words: PCollection) -> PCollection:
        counted = words | "Count" >> beam.combiners.Count.PerElement()
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
