"""LastPushedModel: what the step takes, what it writes, and its place in a pipeline."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from tfx import types
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.evaluator.baseline import CANDIDATE, MODEL
from components.last_pushed.executor import CLASSES, SERVING_DIRECTORY, VARIANT, Executor
from components.tfx_base.step import Step


class LastPushedModelSpec(ComponentSpec):
    """Parameters, inputs and outputs of LastPushedModel."""

    PARAMETERS = {
        SERVING_DIRECTORY: ExecutionParameter(type=str),
        CLASSES: ExecutionParameter(type=str),
        VARIANT: ExecutionParameter(type=str),
    }
    INPUTS = {CANDIDATE: ChannelParameter(type=standard_artifacts.Model, optional=True)}
    OUTPUTS = {MODEL: ChannelParameter(type=standard_artifacts.Model)}


class LastPushedModel(Step, spec=LastPushedModelSpec, executor=Executor):
    """Finds the model pushed last by looking at the versions, not at ML Metadata.

    It stands in for the resolvers of `evaluator.baseline` and `trainer.warm_start` on an engine
    whose steps see no metadata: what was blessed last is what was pushed last. It must run anew
    each time: no input of it says that a version was pushed.

    Inputs:
      candidate: Model, optional: a version with its graph and weights does not count.

    Outputs:
      model: Model. A copy of the version; an artifact without a model when there is none, which
        ReviewEvaluator and `warm_start` take for no model.

    >>> from components.last_pushed.component import LastPushedModel
    >>> baseline = LastPushedModel("gs://films/serving_model/films").with_id("LatestBlessedModel")
    >>> sorted(baseline.outputs)
    ['model']
    """

    def __init__(
        self,
        serving_directory: str | os.PathLike[str],
        classes: Sequence[str] = (),
        variant: str = "",
        candidate: types.BaseChannel | None = None,
    ):
        """Describes the step.

        Args:
          serving_directory: What the Pusher pushes to; its children are versions.
          classes: Names of the model's classes, by label; without names all models count.
          variant: The model's variant; "" for any.
          candidate: The model that is to be compared.
        """
        super().__init__(
            serving_directory=os.fspath(serving_directory),
            classes=json.dumps(list(classes)),
            variant=variant,
            candidate=candidate,
        )
