"""DataGate: stops the run before Transform when the data is not fit to train on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME as ANOMALIES_FILE
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from components import features
from components.dataset.label_objections import objection_to_labels
from components.dataset.records import UNKNOWN_LABEL, objection_to_problems
from components.errors import DataGateError
from components.example_gen.reading_report import OTHER_WORDS, ReadingReport, ReadingReportArtifact

REPORT = "report"
ANOMALIES = "anomalies"
MAX_BAD_RECORDS = "max_bad_records"
POSITIVE_LABEL = "positive_label"
NEGATIVE_LABEL = "negative_label"
BLESSING = "blessing"


class DataBlessing(Artifact):
    """Says by its existence that the data passed the gate; its folder is empty."""

    TYPE_NAME = "ReviewDataBlessing"


class DataGateSpec(ComponentSpec):
    """Parameters, inputs and outputs of DataGate."""

    PARAMETERS = {
        MAX_BAD_RECORDS: ExecutionParameter(type=float),
        POSITIVE_LABEL: ExecutionParameter(type=str),
        NEGATIVE_LABEL: ExecutionParameter(type=str),
    }
    INPUTS = {
        REPORT: ChannelParameter(type=ReadingReportArtifact),
        ANOMALIES: ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {BLESSING: ChannelParameter(type=DataBlessing)}


class Executor(base_executor.BaseExecutor):
    """Collects every objection and raises them together."""

    def Do(  # noqa: N802 -- TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Passes or raises.

        Raises:
          DataGateError: Names feature, split and counts of all that is wrong.
        """
        report = ReadingReport.read(artifact_utils.get_single_uri(input_dict[REPORT]))
        anomalies = artifact_utils.get_single_instance(input_dict[ANOMALIES])
        found = [
            *objections_to_reading(
                report,
                exec_properties[MAX_BAD_RECORDS],
                exec_properties[POSITIVE_LABEL],
                exec_properties[NEGATIVE_LABEL],
            ),
            *objections_to_splits(report),
        ]
        for split in artifact_utils.decode_split_names(anomalies.split_names):
            # An empty split has no features; `objections_to_splits` says that it is empty.
            if report.split_sizes.get(split, 1):
                found += objections_to_anomalies(split, read_anomalies(anomalies, split))
        if found:
            raise DataGateError(f"The data gate stopped the run. {' '.join(found)}")


class DataGate(base_component.BaseComponent):
    """Holds the data to what training needs; see `Executor`."""

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        report: types.BaseChannel,
        anomalies: types.BaseChannel,
        max_bad_records: float,
        positive_label: str,
        negative_label: str,
    ):
        """Describes the step.

        Args:
          report: What ReviewExampleGen found.
          anomalies: What ExampleValidator found.
          max_bad_records: A share, 0 to 1.
          positive_label: The labels that were named, see `labels.labels_named`; "" if none were.
          negative_label: The same for the other side.
        """
        super().__init__(
            spec=DataGateSpec(
                report=report,
                anomalies=anomalies,
                max_bad_records=float(max_bad_records),
                positive_label=positive_label,
                negative_label=negative_label,
                blessing=types.Channel(type=DataBlessing),
            )
        )


def objections_to_reading(
    report: ReadingReport,
    max_bad_records: float,
    positive_label: str = "",
    negative_label: str = "",
) -> Iterator[str]:
    """Yields a sentence when too many records could not be read, and one for odd labels."""
    bad_records = objection_to_problems(
        report.problems, report.problem_examples, report.bad_record_share, max_bad_records
    )
    if bad_records:
        yield bad_records
    labels = objection_to_labels(
        {label: count for label, count in report.labels.items() if label != OTHER_WORDS},
        positive_label,
        negative_label,
        unknown=bool(bad_records) and UNKNOWN_LABEL in report.problems,
        is_whole=OTHER_WORDS not in report.labels,
    )
    if labels:
        yield labels


def objections_to_splits(report: ReadingReport) -> Iterator[str]:
    """Yields a sentence for each split that is empty or has one class only."""
    for split, counts in report.reviews.items():
        if not sum(counts.values()):
            yield f"Split '{split}' is empty: 0 reviews."
        elif 0 in counts.values():
            by_class = ", ".join(
                f"{counts[str(label)]:,} {features.CLASSES[label]}"
                for label in (features.NEGATIVE, features.POSITIVE)
            )
            yield f"Split '{split}' has one class only in feature '{features.LABEL}': {by_class}."


def objections_to_anomalies(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[str]:
    """Yields a sentence for each anomaly that ExampleValidator found in a split."""
    for feature, info in sorted(anomalies.anomaly_info.items()):
        description = info.description or info.short_description
        yield f"Feature '{feature}' in split '{split}': {description}"


def read_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    """Reads what ExampleValidator wrote for a split."""
    path = os.path.join(artifact_utils.get_split_uri([artifact], split), ANOMALIES_FILE)
    return anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(path))
