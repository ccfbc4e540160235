"""ReviewModelPusher: what the step takes, what it writes, and its place in a pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.example_gen.reading_report import ReadingReportArtifact
from components.pusher.executor import EVALUATION, FACTS, REPORT, Executor


class ReviewModelPusherSpec(ComponentSpec):
    """Parameters, inputs and outputs of ReviewModelPusher."""

    PARAMETERS = {
        standard_component_specs.PUSH_DESTINATION_KEY: ExecutionParameter(
            type=pusher_pb2.PushDestination
        ),
        FACTS: ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.ModelBlessing
        ),
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.InfraBlessing, optional=True
        ),
        EVALUATION: ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
        REPORT: ChannelParameter(type=ReadingReportArtifact, optional=True),
    }
    OUTPUTS = {
        standard_component_specs.PUSHED_MODEL_KEY: ChannelParameter(
            type=standard_artifacts.PushedModel
        )
    }


class ReviewModelPusher(base_component.BaseComponent):
    """Pushes a blessed model with its card and its warm-up requests; see `Executor`."""

    SPEC_CLASS = ReviewModelPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        base_directory: Path,
        facts: dict[str, Any],
        evaluation: types.BaseChannel | None = None,
        report: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
    ):
        """Pushes below `base_directory`; `facts` go into the card, see `model_card.write`."""
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(base_directory))
        )
        super().__init__(
            ReviewModelPusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                evaluation=evaluation,
                report=report,
                push_destination=destination,
                facts=json.dumps(facts, sort_keys=True),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
