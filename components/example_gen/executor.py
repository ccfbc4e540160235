"""ReviewExampleGen's executor: reads a ReviewSource in Beam, writes its splits as tf.Examples."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import features
from components.dataset.read import REVIEWS, ReadReviews
from components.dataset.source import ReviewSource
from components.errors import DatasetError
from components.example_gen.examples import assign_split
from components.example_gen.findings import findings
from components.example_gen.largest_values import FindLargestValues, KeepLargestValues
from components.example_gen.leaks import DropLeaks, FindLeaks
from components.example_gen.reading_report import ReadingReport
from components.example_gen.shards import WriteShards
from components.storage import files
from components.tfx_base.tfx_adapter import Inputs, Outputs, Parameters

# Parameters and outputs.
SOURCE, VALIDATION_FRACTION, DROP_LEAKS = "source", "validation_fraction", "drop_leaks"
EXAMPLES, REPORT = "examples", "report"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, splits, counts and writes in one Beam pipeline."""

    def Do(self, input_dict: Inputs, output_dict: Outputs, exec_properties: Parameters) -> None:
        """Writes one folder of gzipped TFRecords a split, and the reading report.

        Raises:
          DatasetError: A file could not be read to its end.
        """
        source = ReviewSource.from_json(exec_properties[SOURCE])
        validation_fraction = exec_properties[VALIDATION_FRACTION]
        columns = source.slice_columns
        splits = split_names(validation_fraction, source.has_eval)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        examples.split_names = artifact_utils.encode_split_names(list(splits))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        temporary = self._get_tmp_dir()
        findings_file = os.path.join(temporary, "findings.json")
        unfinished = os.path.join(temporary, "shards")
        tf.io.gfile.makedirs(unfinished)
        folders = {split: artifact_utils.get_split_uri([examples], split) for split in splits}

        with self._make_beam_pipeline() as pipeline:
            read = pipeline | "Read" >> ReadReviews(source)
            leaks = read[REVIEWS] | "FindLeaks" >> FindLeaks()
            kept, dropped = read[REVIEWS], None
            if exec_properties[DROP_LEAKS] or columns:
                # Leaks and the largest slices are known when all is read. Reviews that waited for
                # them would do so in the memory of Beam's runner; to read them again takes none.
                kept = (pipeline | "ReadAgain" >> ReadReviews(source))[REVIEWS]
            if exec_properties[DROP_LEAKS]:
                kept, dropped = kept | "DropLeaks" >> DropLeaks(leaks)
            if columns:
                largest = read[REVIEWS] | "FindLargestValues" >> FindLargestValues(source.slice_by)
                kept = kept | "KeepLargestValues" >> KeepLargestValues(largest)
            assigned = kept | "AssignSplit" >> beam.Map(assign_split, validation_fraction)
            _ = assigned | "WriteShards" >> WriteShards(folders, unfinished, columns)
            _ = (
                findings(assigned, read, leaks, dropped, columns)
                | "AllFindings" >> beam.combiners.ToList()
                | "WriteFindings" >> beam.Map(_write_findings, findings_file)
            )

        report = ReadingReport.from_findings(
            json.loads(files.read_text(findings_file)),
            splits,
            source.classes,
            source.label_classes,
        )
        if report.fatal:
            raise DatasetError(f"The data could not be read. {' '.join(report.fatal)}")
        report.write(artifact_utils.get_single_uri(output_dict[REPORT]))


def _write_findings(found: Sequence[Any], path: str) -> None:
    # By files, for whose stores Beam may have no file system.
    files.write_text(path, json.dumps(found))


def split_names(validation_fraction: float, has_eval: bool) -> tuple[str, ...]:
    """Returns the splits that are written."""
    if validation_fraction or has_eval:
        return features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT
    return features.TRAIN_SPLIT, features.TEST_SPLIT
