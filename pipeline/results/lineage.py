"""What ML Metadata holds of one run: its executions, and the artifacts between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ml_metadata.proto import metadata_store_pb2

from pipeline.metadata.address import MetadataStoreAddress
from pipeline.root import open_metadata

if TYPE_CHECKING:
    import ml_metadata as mlmd

_INPUT = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
_OUTPUT = (
    metadata_store_pb2.Event.OUTPUT,
    metadata_store_pb2.Event.DECLARED_OUTPUT,
    metadata_store_pb2.Event.INTERNAL_OUTPUT,
)
_STATES = {
    metadata_store_pb2.Execution.COMPLETE: "done",
    metadata_store_pb2.Execution.CACHED: "cached",
    metadata_store_pb2.Execution.FAILED: "failed",
    metadata_store_pb2.Execution.CANCELED: "interrupted",
    metadata_store_pb2.Execution.RUNNING: "running",
    metadata_store_pb2.Execution.NEW: "running",
}
Event: TypeAlias = metadata_store_pb2.Event


@dataclass(frozen=True)
class ExecutionNode:
    """An execution of a step.

    Attributes:
      id: In ML Metadata.
      step: The step's id in the pipeline.
      state: done, cached, failed, interrupted or running.
      started: When it was registered.
      seconds: Until its last change.
      properties: What it was given, as text.
    """

    id: int
    step: str
    state: str
    started: datetime
    seconds: float
    properties: Mapping[str, str]


@dataclass(frozen=True)
class ArtifactNode:
    """An artifact that the run made, or read.

    Attributes:
      id: In ML Metadata.
      key: What the step that made it calls it, e.g. "examples".
      type: Its type, e.g. "Examples".
      uri: Its folder, relative to the root.
      made_by: The execution of this run that gave it; None for one of an earlier run.
      read_by: Executions of this run that read it.
    """

    id: int
    key: str
    type: str
    uri: str
    made_by: int | None
    read_by: tuple[int, ...]


@dataclass(frozen=True)
class Lineage:
    """One run.

    Attributes:
      run_id: The run's.
      executions: In the order in which they began.
      artifacts: In the order in which they were first met.
    """

    run_id: str
    executions: tuple[ExecutionNode, ...]
    artifacts: tuple[ArtifactNode, ...]


def read_lineage(metadata: MetadataStoreAddress | Path, pipeline_name: str, run_id: str) -> Lineage:
    """Reads a run.

    Raises:
      LookupError: There is no such run, or it has no execution.
    """
    store = open_metadata(metadata)
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    executions = store.get_executions_by_context(context.id) if context else []
    if not executions:
        raise LookupError(f"Run '{run_id}' of '{pipeline_name}' has no step in {metadata}.")
    executions.sort(key=lambda each: each.id)
    nodes = {
        each.id: context.name.removeprefix(f"{pipeline_name}.")
        for each in executions
        for context in store.get_contexts_by_execution(each.id)
        if context.type == "node"
    }
    return Lineage(
        run_id,
        tuple(_execution(each, nodes.get(each.id, each.type)) for each in executions),
        _artifacts(store, [each.id for each in executions]),
    )


def _execution(execution: metadata_store_pb2.Execution, step: str) -> ExecutionNode:
    began, changed = execution.create_time_since_epoch, execution.last_update_time_since_epoch
    return ExecutionNode(
        id=execution.id,
        step=step,
        state=_STATES.get(execution.last_known_state, "running"),
        started=datetime.fromtimestamp(began / 1_000).astimezone(),
        seconds=max(0, changed - began) / 1_000,
        properties={
            name: value.string_value or str(getattr(value, value.WhichOneof("value") or "", ""))
            for name, value in execution.custom_properties.items()
        },
    )


def _artifacts(store: mlmd.MetadataStore, execution_ids: list[int]) -> tuple[ArtifactNode, ...]:
    events = store.get_events_by_execution_ids(execution_ids)
    met = dict.fromkeys(event.artifact_id for event in events)
    by_id = {each.id: each for each in store.get_artifacts_by_id(list(met))}
    nodes = []
    for artifact_id in met:
        of_it = [event for event in events if event.artifact_id == artifact_id]
        makers = [event for event in of_it if event.type in _OUTPUT]
        readers = dict.fromkeys(e.execution_id for e in of_it if e.type in _INPUT)
        artifact = by_id[artifact_id]
        named = makers or of_it
        nodes.append(
            ArtifactNode(
                id=artifact_id,
                key=named[0].path.steps[0].key if named[0].path.steps else artifact.type,
                type=artifact.type,
                uri=artifact.uri,
                made_by=makers[0].execution_id if makers else None,
                read_by=tuple(readers),
            )
        )
    return tuple(nodes)
