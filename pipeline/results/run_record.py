"""Reads a run back from ML Metadata: which steps ran, and what they produced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from ml_metadata.proto import metadata_store_pb2

from components.infra_validator.outcome import Outcome
from pipeline.metadata.address import MetadataStoreAddress, address_of
from pipeline.results.run_properties import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT
from pipeline.root import open_metadata

Artifact: TypeAlias = metadata_store_pb2.Artifact
Context: TypeAlias = metadata_store_pb2.Context
Event: TypeAlias = metadata_store_pb2.Event
Execution: TypeAlias = metadata_store_pb2.Execution


@dataclass(frozen=True)
class Step:
    """One step of one run.

    Attributes:
      name: The step's id in the pipeline.
      execution_id: Its execution in ML Metadata.
      is_cached: Whether its outputs were taken from an earlier run.
    """

    name: str
    execution_id: int
    is_cached: bool


class RunRecord:
    """A run of a pipeline.

    Attributes:
      run_id: The run's id.
      steps: In the order in which they began.
    """

    def __init__(
        self,
        metadata: MetadataStoreAddress | Path,
        pipeline_name: str,
        run_id: str | None = None,
    ):
        """Opens ML Metadata for reading.

        Args:
          metadata: Its address, or the path of its SQLite file.
          pipeline_name: Of which pipeline.
          run_id: Which run of it; the newest when None.

        Raises:
          LookupError: The pipeline has no run, or none of that id.
        """
        self._address = address_of(metadata)
        self._store = open_metadata(self._address)
        run = self._find(pipeline_name, run_id)
        if run is None:
            no_run = "no run" if run_id is None else f"no run '{run_id}'"
            raise LookupError(f"Pipeline '{pipeline_name}' has {no_run} in {self._address}.")
        self.run_id: str = run.name
        self.steps = tuple(
            Step(
                name=self._node_of(execution).removeprefix(f"{pipeline_name}."),
                execution_id=execution.id,
                is_cached=execution.last_known_state == Execution.CACHED,
            )
            for execution in sorted(
                self._store.get_executions_by_context(run.id), key=lambda e: e.id
            )
        )

    def _find(self, pipeline_name: str, run_id: str | None) -> Context | None:
        """Returns the context of a run."""
        pipeline = self._store.get_context_by_type_and_name(PIPELINE_CONTEXT, pipeline_name)
        children = self._store.get_children_contexts_by_context(pipeline.id) if pipeline else []
        runs = [
            context
            for context in children
            if context.type == RUN_CONTEXT and run_id in (None, context.name)
        ]
        return max(runs, key=lambda context: context.id, default=None)

    def inputs(self, step: str, key: str) -> list[Artifact]:
        """Returns the artifacts that a step was given under `key`."""
        return self._artifacts(step, key, (Event.INPUT, Event.DECLARED_INPUT))

    def outputs(self, step: str, key: str) -> list[Artifact]:
        """Returns the artifacts that a step produced, or took from the cache, under `key`."""
        return self._artifacts(step, key, (Event.OUTPUT, Event.DECLARED_OUTPUT))

    def _artifacts(self, step: str, key: str, event_types: Iterable[int]) -> list[Artifact]:
        execution_ids = [each.execution_id for each in self.steps if each.name == step]
        artifacts = self._store.get_artifacts_by_id(
            [
                event.artifact_id
                for event in self._store.get_events_by_execution_ids(execution_ids)
                if event.type in event_types and event.path.steps[0].key == key
            ]
        )
        for artifact in artifacts:
            artifact.uri = str(self._address.place(artifact.uri))
        return artifacts

    def _node_of(self, execution: Execution) -> str:
        (node,) = (
            context.name
            for context in self._store.get_contexts_by_execution(execution.id)
            if context.type == NODE_CONTEXT
        )
        return node


def why_skipped(record: RunRecord, step: str) -> str:
    """Returns why InfraValidator or Pusher had nothing to do; empty if it had."""
    if step == "InfraValidator":
        blessings = record.outputs(step, "blessing")
        if blessings and Outcome.read(blessings[0]) is None:
            return "the gate refused the model"
    if step == "Pusher":
        pushed = record.outputs(step, "pushed_model")
        if pushed and not pushed[0].custom_properties["pushed"].int_value:
            return "the model is not blessed"
    return ""


def made_at(metadata: MetadataStoreAddress, execution_id: int) -> datetime | None:
    """Returns when the outputs of an execution were made: for a cached one, in an earlier run."""
    store = open_metadata(metadata)
    artifacts = store.get_artifacts_by_id(
        [
            event.artifact_id
            for event in store.get_events_by_execution_ids([execution_id])
            if event.type in (Event.OUTPUT, Event.DECLARED_OUTPUT)
        ]
    )
    if not artifacts:
        return None
    newest = max(artifact.create_time_since_epoch for artifact in artifacts)
    return datetime.fromtimestamp(newest / 1_000).astimezone()
