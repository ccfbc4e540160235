"""Pusher's executor: a blessed model becomes a version that TF-Serving loads, all or nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.pusher import executor as tfx_pusher
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import proto_utils

from components.errors import PushError
from components.example_gen.reading_report import ReadingReportArtifact
from components.infra_validator import warmup
from components.infra_validator.outcome import Outcome
from components.pusher import model_card
from components.pusher.durability import flush_to_disk
from serving.versions import LARGEST, number_of

# TF-Serving only looks at folders whose names are numbers.
INCOMING_PREFIX = ".incoming-"

EVALUATION = "evaluation"
REPORT = "report"
FACTS = "facts"


class Executor(tfx_pusher.Executor):
    """Pushes to a local folder.

    TFX's own executor copies file by file into the version's folder: a server may load half of
    it, and a full disk leaves it there for good.
    """

    def Do(  # noqa: N802 -- TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Publishes the model when every given blessing says so.

        The pushed_model artifact is a link to the published version: once somebody deletes the
        version, the artifact is gone as well, and the next run pushes again instead of taking
        the push from the cache.
        """
        pushed_model = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        base_directory = Path(destination.filesystem.base_directory)

        def complete(incoming: Path) -> None:
            warmup.write(incoming, base_directory.name)
            model_card.write(
                incoming,
                base_directory.name,
                json.loads(exec_properties[FACTS]),
                _uri(input_dict, REPORT),
                _uri(input_dict, EVALUATION),
                _infra_validation(input_dict),
            )

        version = publish(Path(self.GetModelPath(input_dict)), base_directory, complete)
        link = Path(pushed_model.uri)
        link.rmdir()
        link.symlink_to(os.path.relpath(version, link.parent), target_is_directory=True)
        self._MarkPushed(
            pushed_model,
            pushed_destination=str(base_directory / version.name),
            pushed_version=version.name,
        )


def _uri(input_dict: dict[str, list[types.Artifact]], key: str) -> str | None:
    artifacts = input_dict.get(key)
    return artifact_utils.get_single_uri(artifacts) if artifacts else None


def _infra_validation(input_dict: dict[str, list[types.Artifact]]) -> Outcome | None:
    blessings = input_dict.get(standard_component_specs.INFRA_BLESSING_KEY)
    if not blessings:
        return None
    return Outcome.read(artifact_utils.get_single_instance(blessings).mlmd_artifact)


class PusherSpec(ComponentSpec):
    """Parameters, inputs and outputs of Pusher."""

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


class Pusher(base_component.BaseComponent):
    """Pushes a blessed model with its card and its warm-up requests; see `Executor`."""

    SPEC_CLASS = PusherSpec
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
            PusherSpec(
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


def publish(
    model: Path, base_directory: Path, complete: Callable[[Path], None] = lambda incoming: None
) -> Path:
    """Copies a SavedModel to a new version under `base_directory`.

    The version appears by one rename, after every byte is on the disk. Its number is the time
    in seconds, and always larger than those of the versions that are there: servers serve the
    largest.

    Args:
      model: The SavedModel's folder.
      base_directory: What TF-Serving watches.
      complete: Adds files to the copy before it appears.

    Returns:
      The version's folder.

    Raises:
      PushError: It could not be written whole; nothing of it is left.
    """
    base_directory = base_directory.absolute()
    incoming = base_directory / f"{INCOMING_PREFIX}{os.getpid()}"
    try:
        base_directory.mkdir(parents=True, exist_ok=True)
        for left_over in base_directory.glob(f"{INCOMING_PREFIX}*"):
            shutil.rmtree(left_over)
        version = base_directory / str(_next_version(base_directory))
        _copy(model, incoming)
        complete(incoming)
        for path in (incoming, *incoming.rglob("*")):
            flush_to_disk(path)
        incoming.rename(version)
        flush_to_disk(base_directory)
    except (OSError, tf.errors.OpError) as error:
        raise PushError(_explain(error, model, base_directory)) from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return version


def _next_version(base_directory: Path) -> int:
    numbers = [number_of(path.name) for path in base_directory.iterdir()]
    latest = max((number for number in numbers if number is not None), default=0)
    if latest == LARGEST:
        raise PushError(
            f"The model could not be pushed: {base_directory / str(latest)} has the largest number "
            "that a server reads, and a new version needs a larger one. Rename or remove that "
            "folder and run again: every step before the push is taken from the cache."
        )
    return max(int(time.time()), latest + 1)


def _copy(source: Path, destination: Path) -> None:
    """Copies a folder.

    Not shutil.copytree: it goes on after an error, and of the error of a full disk it keeps the
    text alone.
    """
    destination.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            _copy(path, destination / path.name)
        else:
            shutil.copyfile(path, destination / path.name)


def _explain(error: OSError | tf.errors.OpError, model: Path, base_directory: Path) -> str:
    if not isinstance(error, OSError):
        reason = str(error.message)
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
        return (
            f"The disk is full: the model needs {size / 1e6:.1f} MB in {base_directory}. Free "
            "some space and run again: every step before the push is taken from the cache."
        )
    else:
        where = f" ({error.filename})" if error.filename else ""
        reason = f"{error.strerror or error}{where}"
    return (
        f"The model could not be pushed to {base_directory}: {reason}. Mend that and run again: "
        "every step before the push is taken from the cache."
    )
