"""DataGate: what the step takes, what it writes, and its place in a pipeline."""

from __future__ import annotations

from tfx import types
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.data_gate.executor import (
    ANOMALIES,
    BLESSING,
    MAX_BAD_RECORDS,
    MIN_CLASS_SIZE,
    REPORT,
    Executor,
)
from components.example_gen.reading_report import ReadingReportArtifact
from components.tfx_base.step import Step


class DataBlessing(Artifact):
    """Says by its existence that the data passed the gate; its folder is empty.

    >>> from components import DataBlessing
    >>> DataBlessing.TYPE_NAME
    'components.DataBlessing'
    """

    TYPE_NAME = "components.DataBlessing"


class DataGateSpec(ComponentSpec):
    """Parameters, inputs and outputs of DataGate."""

    PARAMETERS = {
        MAX_BAD_RECORDS: ExecutionParameter(type=float),
        MIN_CLASS_SIZE: ExecutionParameter(type=int),
    }
    INPUTS = {
        REPORT: ChannelParameter(type=ReadingReportArtifact),
        ANOMALIES: ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {BLESSING: ChannelParameter(type=DataBlessing)}


class DataGate(Step, spec=DataGateSpec, executor=Executor):
    """Stops the run when the data is not fit to train on.

    It asks whether too many records could not be read, a split is empty or has too few reviews of a
    class, or ExampleValidator found an anomaly. Steps that must not run
    before it take it as an upstream node: `transform.add_upstream_node(data_gate)`.

    Inputs:
      report: ReadingReportArtifact, of ReviewExampleGen.
      anomalies: ExampleAnomalies, of TFX's ExampleValidator.

    Outputs:
      blessing: DataBlessing. It is there when the data passed.

    >>> from tfx.types import Channel, standard_artifacts
    >>> from components import DataGate, ReadingReportArtifact
    >>> data_gate = DataGate(
    ...     report=Channel(ReadingReportArtifact),
    ...     anomalies=Channel(standard_artifacts.ExampleAnomalies),
    ...     max_bad_records=0.01,
    ... )
    >>> sorted(data_gate.inputs), sorted(data_gate.outputs)
    (['anomalies', 'report'], ['blessing'])
    """

    def __init__(
        self,
        report: types.BaseChannel,
        anomalies: types.BaseChannel,
        max_bad_records: float = 0.0,
        min_class_size: int = 2,
    ):
        """Describes the step.

        Args:
          report: What ReviewExampleGen found.
          anomalies: What ExampleValidator found.
          max_bad_records: Share of the records, 0 to 1, that may be unreadable.
          min_class_size: The least number of reviews of each class in each split.
        """
        super().__init__(
            report=report,
            anomalies=anomalies,
            max_bad_records=float(max_bad_records),
            min_class_size=int(min_class_size),
        )
