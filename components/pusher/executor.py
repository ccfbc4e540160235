"""ReviewModelPusher's executor: publishes a blessed model with its card and warm-up requests."""

from __future__ import annotations

import json
from pathlib import Path

from tfx.components.pusher import executor as tfx_pusher
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.infra_validator import warmup
from components.infra_validator.outcome import Outcome
from components.pusher import model_card, pushed_version
from components.pusher.publish import publish
from components.storage import files
from components.tfx_base import tfx_adapter
from components.tfx_base.tfx_adapter import Inputs, Outputs, Parameters

EVALUATION = "evaluation"
CROSS_VALIDATION = "cross_validation"
REPORT = "report"
FACTS = "facts"


class Executor(tfx_pusher.Executor):
    """Pushes to a folder, on a disk or in a store.

    TFX's own executor copies file by file into the version's folder: a server may load half of
    it, and a full disk leaves it there for good.
    """

    def Do(self, input_dict: Inputs, output_dict: Outputs, exec_properties: Parameters) -> None:
        """Publishes the model when every given blessing says so.

        The pushed_model artifact's folder tells where the version is, see `pushed_version`.
        """
        pushed_model = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            tfx_adapter.mark_not_pushed(self, pushed_model)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        base_directory = destination.filesystem.base_directory
        name = files.name_of(base_directory)

        def complete(incoming: Path) -> None:
            warmup.write(incoming, name)
            model_card.write(
                incoming,
                name,
                json.loads(exec_properties[FACTS]),
                _uri(input_dict, REPORT),
                _uri(input_dict, EVALUATION),
                _infra_validation(input_dict),
                _uri(input_dict, CROSS_VALIDATION),
            )

        version = files.name_of(publish(self.GetModelPath(input_dict), base_directory, complete))
        pushed_to = files.join(base_directory, version)
        pushed_version.write(pushed_model.uri, pushed_to)
        tfx_adapter.mark_pushed(self, pushed_model, pushed_to, version)


def _uri(input_dict: Inputs, key: str) -> str | None:
    artifacts = input_dict.get(key)
    return artifact_utils.get_single_uri(artifacts) if artifacts else None


def _infra_validation(input_dict: Inputs) -> Outcome | None:
    blessings = input_dict.get(standard_component_specs.INFRA_BLESSING_KEY)
    if not blessings:
        return None
    return Outcome.of(artifact_utils.get_single_instance(blessings))
