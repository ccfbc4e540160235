"""ReviewModelInfraValidator: what the step takes, what it writes, its place in a pipeline."""

from __future__ import annotations

from tfx import types
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.infra_validator.executor import ENGINE, Executor
from components.tfx_base.step import Step
from serving.engines import EMBEDDED


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


class ReviewModelInfraValidator(Step, spec=ReviewModelInfraValidatorSpec, executor=Executor):
    """Blesses what a model server serves as it is, and answers as the model itself does.

    TFX's InfraValidator starts its server in Docker or Kubernetes, and asks whether there is an
    answer; this one starts a server on this machine and compares the answers.

    Inputs:
      model: Model, of the Trainer.
      model_blessing: ModelBlessing, of the Evaluator: a model without it is not tried.
      examples: Examples, of ReviewExampleGen. Texts of `train` are asked about.

    Outputs:
      blessing: InfraBlessing, as TFX's own step gives it.

    >>> from tfx.types import Channel, standard_artifacts
    >>> from components import ReviewModelInfraValidator
    >>> infra_validator = ReviewModelInfraValidator(
    ...     model=Channel(standard_artifacts.Model),
    ...     model_blessing=Channel(standard_artifacts.ModelBlessing),
    ...     examples=Channel(standard_artifacts.Examples),
    ... )
    >>> infra_validator.exec_properties["engine"]
    'embedded'
    """

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        examples: types.BaseChannel,
        engine: str = EMBEDDED,
    ):
        """Describes the step.

        Args:
          model: The candidate.
          model_blessing: Whether the gate let it pass.
          examples: Texts to ask about.
          engine: The server, one of `serving.engines.ENGINES` but auto.
        """
        super().__init__(
            model=model,
            model_blessing=model_blessing,
            examples=examples,
            engine=engine,
        )
