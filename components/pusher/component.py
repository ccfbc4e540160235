"""ReviewModelPusher: what the step takes, what it writes, and its place in a pipeline."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.cross_validator.artifact import CrossValidationArtifact
from components.example_gen.reading_report import ReadingReportArtifact
from components.pusher.executor import CROSS_VALIDATION, EVALUATION, FACTS, REPORT, Executor
from components.pusher.model_card import NO_FACTS
from components.tfx_base.step import Step


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
        CROSS_VALIDATION: ChannelParameter(type=CrossValidationArtifact, optional=True),
        EVALUATION: ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
        REPORT: ChannelParameter(type=ReadingReportArtifact, optional=True),
    }
    OUTPUTS = {
        standard_component_specs.PUSHED_MODEL_KEY: ChannelParameter(
            type=standard_artifacts.PushedModel
        )
    }


class ReviewModelPusher(Step, spec=ReviewModelPusherSpec, executor=Executor):
    """Pushes a blessed model with its card and its warm-up requests, all or nothing.

    TFX's Pusher copies file by file into the version's folder, and leaves there what it wrote if it
    fails. This one makes a version appear by one rename, after its last byte is on the disk; in an
    object store, which has none, by its `saved_model.pb`, after all else is there. It writes into
    it a card of what is known of it, and the requests that TF-Serving replays on it first.

    Inputs:
      model: Model, of the Trainer.
      model_blessing: ModelBlessing, of the Evaluator.
      infra_blessing: InfraBlessing, optional.
      evaluation: ModelEvaluation, of the Evaluator, optional: measurements for the card.
      report: ReadingReportArtifact, of ReviewExampleGen, optional: counts for the card.
      cross_validation: CrossValidationArtifact, of CrossValidator, optional: figures for the card.

    Outputs:
      pushed_model: PushedModel. Its folder holds `pushed.json`, which names the version's folder.

    >>> from tfx.types import Channel, standard_artifacts
    >>> from components import ReviewModelPusher
    >>> pusher = ReviewModelPusher(
    ...     model=Channel(standard_artifacts.Model),
    ...     model_blessing=Channel(standard_artifacts.ModelBlessing),
    ...     base_directory="serving_model/films",
    ... )
    >>> sorted(pusher.outputs)
    ['pushed_model']
    """

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        base_directory: str | os.PathLike[str],
        facts: Mapping[str, Any] | None = None,
        evaluation: types.BaseChannel | None = None,
        report: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        cross_validation: types.BaseChannel | None = None,
    ):
        """Describes the step.

        Args:
          model: The candidate.
          model_blessing: Whether the gate let it pass.
          base_directory: The folder that a server watches; its children are versions.
          facts: What the card says of data, gate and code, see `model_card.write`.
          evaluation: What the Evaluator measured.
          report: What ReviewExampleGen read.
          infra_blessing: Whether a server served it as it is.
          cross_validation: What CrossValidator found.
        """
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(
                base_directory=os.fspath(base_directory)
            )
        )
        super().__init__(
            model=model,
            model_blessing=model_blessing,
            push_destination=destination,
            facts=json.dumps({**NO_FACTS, **(facts or {})}, sort_keys=True),
            evaluation=evaluation,
            report=report,
            infra_blessing=infra_blessing,
            cross_validation=cross_validation,
        )
