"""ReviewExampleGen: what the step takes, what it writes, and its place in a pipeline."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.dataset.source import ReviewSource
from components.example_gen.executor import (
    DROP_LEAKS,
    EXAMPLES,
    REPORT,
    SOURCE,
    VALIDATION_FRACTION,
    Executor,
)
from components.example_gen.reading_report import ReadingReportArtifact


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


class ReviewExampleGen(base_beam_component.BaseBeamComponent):
    """Ingests reviews; the data set's own train and test splits are kept.

    Where the data has no eval split of its own, `validation_fraction` takes one out of train by a
    hash of the text, so that equal texts stay together.

    Outputs:
      examples: Examples. Splits `train`, `test` and, if there is one, `eval`; gzipped TFRecords of
        tf.Examples with `text` <bytes>, `label` <int64> (the place in `source.classes`),
        `review_id` <bytes>, where the data has stars, `rating` <int64>, and a feature <bytes> for
        each of `source.slice_columns`, see `slice_values.feature_of`: the review's value there, one
        of at most 100, MISSING or OTHER.
      report: ReadingReportArtifact. What was read and what was left out; DataGate takes it.

    >>> from components import ReviewExampleGen, resolve_source
    >>> example_gen = ReviewExampleGen(resolve_source("sample"), validation_fraction=0.1)
    >>> sorted(example_gen.outputs)
    ['examples', 'report']
    """

    SPEC_CLASS = ReviewExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self, source: ReviewSource, validation_fraction: float = 0.0, drop_leaks: bool = False
    ):
        """Describes the step.

        Args:
          source: What to read; `resolve_source` finds it.
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
