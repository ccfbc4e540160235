"""ReviewModelInfraValidator's executor: keeps back a model that no server serves as it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components import features
from components.infra_validator import answers
from components.infra_validator.trial import try_candidate
from components.storage import files
from components.tfx_base import tfx_adapter
from components.tfx_base.tfx_adapter import Inputs, Outputs, Parameters

ENGINE = "engine"


class Executor(base_executor.BaseExecutor):
    """Tries the candidate in a model server on this machine.

    TFX's executor asks Docker or Kubernetes, over gRPC, whether there is an answer, not which,
    and keeps the reason of a refusal to its log. Its blessing is what this one gives as well.
    """

    def Do(self, input_dict: Inputs, output_dict: Outputs, exec_properties: Parameters) -> None:
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
            tfx_adapter.mark_infra_blessing(blessing, is_blessed=False)
            return
        # The server reads and writes local files, also where the root is in a store.
        with tempfile.TemporaryDirectory(prefix="infra-validation-") as folder:
            outcome = try_candidate(
                path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)),
                answers.read_examples(
                    artifact_utils.get_split_uri(
                        input_dict[standard_component_specs.EXAMPLES_KEY], features.TRAIN_SPLIT
                    )
                ),
                exec_properties[ENGINE],
                Path(folder),
            )
        outcome.write(blessing)
        if not outcome.refusal:
            tfx_adapter.mark_infra_blessing(blessing, is_blessed=True)
            return
        tfx_adapter.mark_infra_blessing(blessing, is_blessed=False)
        # The machine may have been at fault: without its folder, a refusal is never a cache hit,
        # and the next run tries again.
        files.remove_folder(blessing.uri)
