"""DataGate's executor: stops the run before Transform when the data is not fit to train on."""

from __future__ import annotations

import os

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME as ANOMALIES_FILE
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.data_gate.objections import (
    objections_to_anomalies,
    objections_to_reading,
    objections_to_splits,
)
from components.errors import DataGateError
from components.example_gen.reading_report import ReadingReport
from components.tfx_base.tfx_adapter import Inputs, Outputs, Parameters

# Inputs, parameters and the output.
REPORT, ANOMALIES = "report", "anomalies"
MAX_BAD_RECORDS, MIN_CLASS_SIZE = "max_bad_records", "min_class_size"
BLESSING = "blessing"


class Executor(base_executor.BaseExecutor):
    """Collects every objection and raises them together."""

    def Do(self, input_dict: Inputs, output_dict: Outputs, exec_properties: Parameters) -> None:
        """Passes or raises.

        Raises:
          DataGateError: Names feature, split and counts of all that is wrong.
        """
        report = ReadingReport.read(artifact_utils.get_single_uri(input_dict[REPORT]))
        anomalies = artifact_utils.get_single_instance(input_dict[ANOMALIES])
        found = [
            *objections_to_reading(report, exec_properties[MAX_BAD_RECORDS]),
            *objections_to_splits(report, exec_properties[MIN_CLASS_SIZE]),
        ]
        for split in artifact_utils.decode_split_names(anomalies.split_names):
            # An empty split has no features; `objections_to_splits` says that it is empty.
            if report.split_sizes.get(split, 1):
                found += objections_to_anomalies(split, read_anomalies(anomalies, split))
        if found:
            raise DataGateError(f"The data gate stopped the run. {' '.join(found)}")


def read_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    """Reads what ExampleValidator wrote for a split."""
    path = os.path.join(artifact_utils.get_split_uri([artifact], split), ANOMALIES_FILE)
    return anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(path))
