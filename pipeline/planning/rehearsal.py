"""Rehearses a run: which steps TFX would take from its cache, and what it would give to the others.

TFX decides step by step: the key of its cache holds a step's parameters, its executor and the
artifacts that it is given, by their ids and paths. What a step writes has a new id, so that all
steps that take it are executed too, whatever is in it. The rehearsal asks the same functions of TFX
the same questions, in a copy of ML Metadata, and pretends that executed steps wrote something.
Those functions are beyond TFX's public names; `tests/pipeline/planning/test_plan.py` holds the
rehearsal to what TFX's runner then does.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, TypedDict

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import data_types_utils, metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import (
    cache_utils,
    execution_publish_utils,
    inputs_utils,
    outputs_utils,
    resolver_node_handler,
    runtime_parameter_utils,
)
from tfx.orchestration.portable.mlmd import context_lib, execution_lib
from tfx.proto.orchestration import pipeline_pb2

from components import notices
from components.errors import ConfigurationError, RootBusyError
from components.pusher.pushed_version import cached_while_there
from pipeline.graph import create_pipeline
from pipeline.metadata.address import SqliteFile
from pipeline.metadata.snapshot import copy_pipeline
from pipeline.relative_metadata import make_relative
from pipeline.resolution import ResolvedRun
from pipeline.results.metadata_file import check
from pipeline.results.shared_roots import check_roots
from pipeline.root import METADATA_FILE, working_in

Execution: TypeAlias = metadata_store_pb2.Execution
Event: TypeAlias = metadata_store_pb2.Event

_RESOLVER = "tfx.dsl.components.common.resolver.Resolver"


@dataclass(frozen=True)
class Attempt:
    """One execution of a step, as ML Metadata has it.

    Attributes:
      parameters: What the step was told, by name; as text what is no number.
      inputs: Ids of the artifacts that it was given, by the input's name.
      is_successful: Whether it ended well, or was taken from the cache.
      has_failed: Whether it ended in an error; an interrupted one has no end.
      started: Seconds since 1970.
    """

    parameters: Mapping[str, str | int | float]
    inputs: Mapping[str, tuple[int, ...]]
    is_successful: bool
    has_failed: bool
    started: float


@dataclass(frozen=True)
class Rehearsed:
    """What would become of one step.

    Attributes:
      step: Its id in the pipeline.
      is_resolver: Whether it only looks for artifacts, which it does anew in each run.
      is_cached: Whether its outputs would be taken from the cache.
      now: What it would be given.
      last: Its latest execution, whatever became of it.
      last_success: The latest that ended well, or was taken from the cache.
      seconds_last: How long it took when it was last executed and ended well.
      upstream: The steps that an input comes from, by the input's name.
      new_inputs: Names of inputs that hold what a step before it is going to write.
      had_outputs: Whether the cache knows an execution with just these inputs; if it is executed
        all the same, its outputs are gone.
      was_moved: Whether an earlier release recorded other paths for the same artifacts.
    """

    step: str
    is_resolver: bool
    is_cached: bool
    now: Attempt
    last: Attempt | None
    last_success: Attempt | None
    seconds_last: float | None
    upstream: Mapping[str, tuple[str, ...]]
    new_inputs: frozenset[str]
    had_outputs: bool
    was_moved: bool


def rehearse(run: ResolvedRun) -> tuple[Rehearsed, ...]:
    """Asks TFX's cache about each step, in the order in which they run.

    Writes nothing below the root, and needs no lock: what is read is a copy of one moment.

    Raises:
      ConfigurationError: The root's metadata is damaged or of another version, or its server cannot
        be asked.
      RootBusyError: It cannot be read now.
    """
    check_roots(run)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / METADATA_FILE
        if isinstance(run.metadata, SqliteFile):
            _copy(run.metadata.path, copy)
            check(SqliteFile(copy), run.metadata.path)
            was_moved = not run.metadata.is_shared and bool(make_relative(copy))
        else:
            copy_pipeline(run.metadata, run.pipeline_name, copy)
            was_moved = False
        at = run.root if run.root.is_dir() else Path(folder)
        # What keeps the user informed of the real run would be said twice.
        with working_in(at), notices.silent(), cached_while_there():
            return tuple(_Rehearsal(run, copy, was_moved).steps())


def _copy(path: Path, copy: Path) -> None:
    """Copies a SQLite file, which may be in use; none where there is none.

    Raises:
      ConfigurationError: It is damaged.
      RootBusyError: It cannot be read now.
    """
    if not path.exists():
        return
    journal = path.with_name(f"{path.name}-journal")
    try:
        try:
            _back_up(path, copy)
        except sqlite3.OperationalError:
            if not journal.exists():
                raise
            # A killed run left it. Reading takes back what is half written, which needs a copy.
            shutil.copyfile(path, copy)
            shutil.copyfile(journal, copy.with_name(f"{copy.name}-journal"))
            with contextlib.closing(sqlite3.connect(copy)) as recovered:
                recovered.execute("SELECT 1 FROM sqlite_master").fetchall()
    except (sqlite3.OperationalError, OSError) as error:
        raise RootBusyError(
            f"{path} cannot be read: {error}. Another program may be using it: wait until that "
            "ends, or choose another --root."
        ) from error
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(
            f"{path} is damaged: {error}. Restore it from a copy, or choose another --root: "
            "without it, all steps run again."
        ) from error


def _back_up(path: Path, copy: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        # `backup` would wait for ever for a locked file; this waits for five seconds.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchall()
        source.backup(target)


class _Rehearsal:
    """One rehearsal, in a copy of the metadata that it fills as a run would."""

    def __init__(self, run: ResolvedRun, copy: Path, was_moved: bool):
        pipeline = create_pipeline(run.as_recorded())
        self._ir: pipeline_pb2.Pipeline = compiler.Compiler().compile(pipeline)
        runtime_parameter_utils.substitute_runtime_parameter(
            self._ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: f"rehearsal {uuid.uuid4()}"}
        )
        self._deployment = runner_utils.extract_local_deployment_config(self._ir)
        self._connection = SqliteFile(copy).connection_config()
        self._was_moved = was_moved
        self._written: set[int] = set()

    def steps(self) -> Iterator[Rehearsed]:
        """Yields the steps, in their order."""
        for each in self._ir.nodes:
            node = each.pipeline_node
            if node.node_info.type.name == _RESOLVER:
                yield self._resolver(node)
            else:
                with metadata.Metadata(self._connection) as handle:
                    yield self._component(handle, node)

    def _resolver(self, node: pipeline_pb2.PipelineNode) -> Rehearsed:
        with metadata.Metadata(self._connection) as handle:
            attempts = _attempts(handle.store, node)
        resolver_node_handler.ResolverNodeHandler().run(
            metadata.Metadata(self._connection),
            node,
            self._ir.pipeline_info,
            self._ir.runtime_spec,
        )
        return Rehearsed(
            step=node.node_info.id,
            is_resolver=True,
            is_cached=False,
            now=Attempt({}, {}, is_successful=False, has_failed=False, started=0.0),
            **attempts,
            upstream={},
            new_inputs=frozenset(),
            had_outputs=False,
            was_moved=False,
        )

    def _component(self, handle: metadata.Metadata, node: pipeline_pb2.PipelineNode) -> Rehearsed:
        """Does what TFX's launcher does before it calls the executor, and after it."""
        attempts = _attempts(handle.store, node)
        contexts = context_lib.prepare_contexts(handle, node.contexts)
        parameters = data_types_utils.build_parsed_value_dict(
            inputs_utils.resolve_parameters_with_schema(node_parameters=node.parameters)
        )
        (inputs,) = inputs_utils.resolve_input_artifacts(pipeline_node=node, metadata_handle=handle)
        execution = execution_publish_utils.register_execution(
            handle, node.node_info.type, contexts, inputs, parameters
        )
        outputs = outputs_utils.OutputsResolver(
            node, self._ir.pipeline_info, self._ir.runtime_spec
        ).generate_output_artifacts(execution.id)
        key = cache_utils.get_cache_context(
            handle,
            node,
            self._ir.pipeline_info,
            runner_utils.extract_executor_spec(self._deployment, node.node_info.id),
            inputs,
            outputs,
            parameters,
        )
        known = handle.store.get_executions_by_context(key.id)
        is_cache_on = node.execution_options.caching_options.enable_cache
        cached = cache_utils.get_cached_outputs(handle, key) if is_cache_on else None
        if cached is not None:
            execution_publish_utils.publish_cached_executions(
                handle, [*contexts, key], [execution], [cached]
            )
        else:
            written, _ = execution_publish_utils.publish_succeeded_execution(
                handle, execution.id, contexts, outputs
            )
            self._written |= {each.id for several in written.values() for each in several}
        given = {name: tuple(each.id for each in several) for name, several in inputs.items()}
        return Rehearsed(
            step=node.node_info.id,
            is_resolver=False,
            is_cached=cached is not None,
            now=replace(_attempt(execution), inputs=given),
            **attempts,
            upstream={
                name: tuple(channel.producer_node_query.id for channel in each.channels)
                for name, each in node.inputs.inputs.items()
            },
            new_inputs=frozenset(name for name, ids in given.items() if self._written & set(ids)),
            had_outputs=any(map(execution_lib.is_execution_successful, known)),
            was_moved=self._was_moved,
        )


class _Attempts(TypedDict):
    last: Attempt | None
    last_success: Attempt | None
    seconds_last: float | None


def _attempts(store: mlmd.MetadataStore, node: pipeline_pb2.PipelineNode) -> _Attempts:
    """Returns the executions of a step that tell something."""
    (name,) = (
        context.name.field_value.string_value
        for context in node.contexts.contexts
        if context.type.name == "node"
    )
    context = store.get_context_by_type_and_name("node", name)
    executions = store.get_executions_by_context(context.id) if context else []
    executions.sort(key=lambda each: each.id)
    successful = [each for each in executions if execution_lib.is_execution_successful(each)]
    executed = [each for each in successful if each.last_known_state == Execution.COMPLETE]
    return _Attempts(
        last=_attempt(executions[-1], store) if executions else None,
        last_success=_attempt(successful[-1], store) if successful else None,
        seconds_last=_seconds(executed[-1]) if executed else None,
    )


def _attempt(execution: Execution, store: mlmd.MetadataStore | None = None) -> Attempt:
    """Returns an execution; without a store, nothing of its inputs."""
    inputs: dict[str, tuple[int, ...]] = {}
    for event in store.get_events_by_execution_ids([execution.id]) if store else ():
        if event.type in (Event.INPUT, Event.DECLARED_INPUT):
            key = event.path.steps[0].key
            inputs[key] = (*inputs.get(key, ()), event.artifact_id)
    return Attempt(
        parameters={
            name: getattr(value, value.WhichOneof("value"))
            for name, value in execution.custom_properties.items()
            if not execution_lib.is_internal_key(name) and value.WhichOneof("value")
        },
        inputs=inputs,
        is_successful=execution_lib.is_execution_successful(execution),
        has_failed=execution_lib.is_execution_failed(execution),
        started=execution.create_time_since_epoch / 1_000,
    )


def _seconds(execution: Execution) -> float:
    return (execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1_000
