"""ReviewExampleGen: reads a ReviewSource in Beam and writes its splits as tf.Examples."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import tensorflow as tf
from apache_beam.pvalue import AsDict, AsSingleton, PCollection
from tfx import types
from tfx.components.example_gen.write_split import WriteSplit
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import features
from components.dataset.read import LABELS, LEFT_OUT, PROBLEMS, REVIEWS, ReadReviews
from components.dataset.records import Problem, Review, by_place, printable
from components.dataset.source import ReviewSource
from components.dataset.splits import bucket
from components.errors import DatasetError
from components.example_gen.reading_report import OTHER_WORDS, ReadingReport, ReadingReportArtifact

SOURCE = "source"
VALIDATION_FRACTION = "validation_fraction"
DROP_LEAKS = "drop_leaks"
EXAMPLES = "examples"
REPORT = "report"

DESCRIBED_PROBLEMS = 5
COUNTED_WORDS = 1_000
_VALIDATION_SALT = "validation"


class ReviewExampleGenSpec(ComponentSpec):
    """Parameters and outputs of ReviewExampleGen."""

    PARAMETERS = {
        SOURCE: ExecutionParameter(type=str),
        VALIDATION_FRACTION: ExecutionParameter(type=float),
        DROP_LEAKS: ExecutionParameter(type=int),
    }
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {
        EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
        REPORT: ChannelParameter(type=ReadingReportArtifact),
    }


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, splits, counts and writes in one Beam pipeline."""

    def Do(  # noqa: N802 -- TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes one folder of gzipped TFRecords a split, and the reading report.

        Raises:
          DatasetError: A file could not be read to its end.
        """
        source = ReviewSource.from_json(exec_properties[SOURCE])
        validation_fraction = exec_properties[VALIDATION_FRACTION]
        splits = split_names(validation_fraction, source.has_eval)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        examples.split_names = artifact_utils.encode_split_names(list(splits))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        findings_file = os.path.join(self._get_tmp_dir(), "findings.jsonl")

        with self._make_beam_pipeline() as pipeline:
            read = pipeline | "Read" >> ReadReviews(source)
            leaks = read[REVIEWS] | "FindLeaks" >> FindLeaks()
            kept, dropped = read[REVIEWS] | "DropLeaks" >> beam.Partition(
                _is_dropped, 2, bool(exec_properties[DROP_LEAKS]), AsDict(leaks)
            )
            assigned = kept | "AssignSplit" >> beam.Map(assign_split, validation_fraction)
            by_split = assigned | "BySplit" >> beam.Partition(
                lambda review, _: splits.index(review.split), len(splits)
            )
            for split, reviews in zip(splits, by_split, strict=True):
                uri = artifact_utils.get_split_uri([examples], split)
                _ = (
                    reviews
                    | f"ToExample[{split}]" >> beam.Map(to_example)
                    | f"Write[{split}]" >> WriteSplit(uri, example_gen_pb2.FORMAT_TFRECORDS_GZIP)
                )
            _ = (
                findings(assigned, read, leaks, dropped)
                | "ToJson" >> beam.Map(json.dumps)
                | "WriteFindings" >> beam.io.WriteToText(findings_file, shard_name_template="")
            )

        with tf.io.gfile.GFile(findings_file) as lines:
            report = ReadingReport.from_findings(map(json.loads, lines), splits)
        if report.fatal:
            raise DatasetError(f"The data could not be read. {' '.join(report.fatal)}")
        report.write(artifact_utils.get_single_uri(output_dict[REPORT]))


class ReviewExampleGen(base_beam_component.BaseBeamComponent):
    """Ingests reviews; the data set's own train and test splits are kept.

    Where the authors drew no eval split, it is carved out of train by a hash of the text, so that
    equal texts stay together.
    """

    SPEC_CLASS = ReviewExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, source: ReviewSource, validation_fraction: float, drop_leaks: bool):
        """Describes the step.

        Args:
          source: What to read.
          validation_fraction: Share of train, 0 to 0.5, that becomes `eval`; with 0 there is
            no such split unless the source has one.
          drop_leaks: Whether texts that occur in test as well are taken out of train.
        """
        super().__init__(
            spec=ReviewExampleGenSpec(
                source=source.to_json(),
                validation_fraction=float(validation_fraction),
                drop_leaks=int(drop_leaks),
                examples=types.Channel(type=standard_artifacts.Examples),
                report=types.Channel(type=ReadingReportArtifact),
            )
        )


def split_names(validation_fraction: float, has_eval: bool) -> tuple[str, ...]:
    """Returns the splits that are written."""
    if validation_fraction or has_eval:
        return features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT
    return features.TRAIN_SPLIT, features.TEST_SPLIT


def assign_split(review: Review, validation_fraction: float) -> Review:
    """Moves `validation_fraction` of the training reviews to the eval split."""
    if (
        review.split == features.TRAIN_SPLIT
        and bucket(review.text, _VALIDATION_SALT) < validation_fraction
    ):
        return review._replace(split=features.EVAL_SPLIT)
    return review


def to_example(review: Review) -> bytes:
    """Serializes a review as a tf.Example; a review without stars has no `rating`."""
    feature = {
        features.TEXT: _bytes_feature(review.text),
        features.LABEL: _int64_feature(review.label),
        features.REVIEW_ID: _bytes_feature(review.review_id),
    }
    if review.rating is not None:
        feature[features.RATING] = _int64_feature(review.rating)
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


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


def _is_dropped(review: Review, _: int, drop: bool, leaks: dict[bytes, None]) -> int:
    return int(drop and review.split == features.TRAIN_SPLIT and text_digest(review) in leaks)


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64_feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
