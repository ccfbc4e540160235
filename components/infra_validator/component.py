"""InfraValidator: refuses a model that a model server cannot serve as it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.infra_validator import executor as tfx_infra_validator
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from components import features
from components.infra_validator import answers
from components.infra_validator.trial import try_candidate

ENGINE = "engine"


class Executor(base_executor.BaseExecutor):
    """Tries the candidate in a model server on this machine.

    TFX's executor asks Docker or Kubernetes, over gRPC, whether there is an answer, not which,
    and keeps the reason of a refusal to its log. Its blessing is what this one gives as well.
    """

    def Do(  # noqa: N802 -- TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Blesses the model or not. A model that the gate refused is not tried.

        Raises:
          InfraValidationError: There was no server to try it in.
        """
        blessing = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.BLESSING_KEY]
        )
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        if not model_utils.is_model_blessed(
            artifact_utils.get_single_instance(
                input_dict[standard_component_specs.MODEL_BLESSING_KEY]
            )
        ):
            tfx_infra_validator._mark_not_blessed(blessing)
            return
        folder = Path(self._get_tmp_dir())
        try:
            outcome = try_candidate(
                path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)),
                answers.read_examples(
                    artifact_utils.get_split_uri(
                        input_dict[standard_component_specs.EXAMPLES_KEY], features.TRAIN_SPLIT
                    )
                ),
                exec_properties[ENGINE],
                folder,
            )
        finally:
            shutil.rmtree(folder)
        outcome.write(blessing)
        if not outcome.refusal:
            tfx_infra_validator._mark_blessed(blessing)
            return
        tfx_infra_validator._mark_not_blessed(blessing)
        # The machine may have been at fault: without its folder, a refusal is never a cache hit,
        # and the next run tries again.
        shutil.rmtree(blessing.uri)


class InfraValidatorSpec(ComponentSpec):
    """Parameters, inputs and outputs of InfraValidator."""

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


class InfraValidator(base_component.BaseComponent):
    """Blesses what a model server serves as it is; see `Executor`."""

    SPEC_CLASS = InfraValidatorSpec
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
            InfraValidatorSpec(
                model=model,
                model_blessing=model_blessing,
                examples=examples,
                engine=engine,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
