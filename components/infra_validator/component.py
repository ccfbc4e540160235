"""ReviewModelInfraValidator: what the step takes, what it writes, its place in a pipeline."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.infra_validator.executor import ENGINE, Executor


class ReviewModelInfraValidatorSpec(ComponentSpec):
    """Parameters, inputs and outputs of ReviewModelInfraValidator."""

    PARAMETERS = {ENGINE: ExecutionParameter(type=str)}
    INPUTS = {
        standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.ModelBlessing
        ),
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {
        standard_component_specs.BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.InfraBlessing
        )
    }


class ReviewModelInfraValidator(base_component.BaseComponent):
    """Blesses what a model server serves as it is; see `Executor`."""

    SPEC_CLASS = ReviewModelInfraValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        examples: types.BaseChannel,
        engine: str,
    ):
        """Describes the step; `engine` is one of `serving.engines.ENGINES` but auto."""
        super().__init__(
            ReviewModelInfraValidatorSpec(
                model=model,
                model_blessing=model_blessing,
                examples=examples,
                engine=engine,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
