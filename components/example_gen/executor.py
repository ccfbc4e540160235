"""ReviewExampleGen's executor: reads a ReviewSource in Beam, writes its splits as tf.Examples."""

from __future__ import annotations

import json
import os

import apache_beam as beam
import tensorflow as tf
from apache_beam.pvalue import AsDict
from tfx.components.example_gen.write_split import WriteSplit
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import features
from components.dataset.read import REVIEWS, ReadReviews
from components.dataset.records import Review
from components.dataset.source import ReviewSource
from components.dataset.splits import bucket
from components.errors import DatasetError
from components.example_gen.findings import FindLeaks, findings, text_digest
from components.example_gen.reading_report import ReadingReport
from components.tfx_adapter import ArtifactsByKey, Parameters

SOURCE = "source"
VALIDATION_FRACTION = "validation_fraction"
DROP_LEAKS = "drop_leaks"
EXAMPLES = "examples"
REPORT = "report"

_VALIDATION_SALT = "validation"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, splits, counts and writes in one Beam pipeline."""

    def Do(  # noqa: N802 -- TFX's name
        self, input_dict: ArtifactsByKey, output_dict: ArtifactsByKey, exec_properties: Parameters
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
            report = ReadingReport.from_findings(
                map(json.loads, lines), splits, source.classes, source.label_classes
            )
        if report.fatal:
            raise DatasetError(f"The data could not be read. {' '.join(report.fatal)}")
        report.write(artifact_utils.get_single_uri(output_dict[REPORT]))


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


def _is_dropped(review: Review, _: int, drop: bool, leaks: dict[bytes, None]) -> int:
    return int(drop and review.split == features.TRAIN_SPLIT and text_digest(review) in leaks)


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64_feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
