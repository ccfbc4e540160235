"""What is used of TFX beyond its public names; another release may change it without notice.

And what TFX gives every executor, as types. Nothing of TFX is imported until a function is called.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from tfx import types
    from tfx.components.pusher.executor import Executor as PusherExecutor
    from tfx.dsl.components.base.base_node import BaseNode
    from tfx.orchestration.pipeline import Pipeline

LIBRARY = "tfx"

# What a step takes, writes and is told, by the keys of its specification.
Inputs: TypeAlias = "dict[str, list[types.Artifact]]"
Outputs: TypeAlias = "dict[str, list[types.Artifact]]"
Parameters: TypeAlias = dict[str, Any]

# What LocalDagRunner logs of a step, with the step's name or the execution's id as argument.
STEP_STARTED = "Component %s is running."
STEP_FINISHED = "Component %s is finished."
STEP_CACHED = "A cached execution %d is used."


def run_locally(pipeline: Pipeline, run_id: str) -> None:
    """Runs a pipeline by LocalDagRunner, under an id of our own.

    LocalDagRunner puts the time for the id, if that still is a parameter; here it is none any more.
    """
    from tfx.dsl.compiler import constants
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.portable import runtime_parameter_utils
    from tfx.proto.orchestration import pipeline_pb2

    class Runner(LocalDagRunner):
        def run_with_ir(
            self,
            pipeline: pipeline_pb2.Pipeline,
            run_options: pipeline_pb2.RunOptions | None = None,
        ) -> None:
            values = {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
            runtime_parameter_utils.substitute_runtime_parameter(pipeline, values)
            super().run_with_ir(pipeline, run_options)

    Runner().run(pipeline)


def replace_nodes(pipeline: Pipeline, replaced: Mapping[BaseNode, BaseNode]) -> None:
    """Puts nodes in the place of others that have the same ids, and outputs of the same names.

    Args:
      pipeline: Is changed; it was not compiled yet.
      replaced: The new node by the one whose place it takes.
    """
    nodes = list(pipeline.components)
    registry = pipeline.dsl_context_registry
    for node, instead in replaced.items():
        for upstream in node.upstream_nodes:
            upstream.downstream_nodes.discard(node)
        for downstream in node.downstream_nodes:
            downstream.upstream_nodes.discard(node)
        with registry.temporary_mutable():
            registry.put_node(instead)
    # Channels know who writes them by name: TFX finds anew who waits for whom.
    pipeline.components = [replaced.get(node, node) for node in nodes]


def mark_infra_blessing(blessing: types.Artifact, *, is_blessed: bool) -> None:
    """Writes InfraValidator's verdict into its artifact, where TFX's Pusher looks for it.

    Args:
      blessing: An InfraBlessing; its folder gets a file, its custom properties a value.
      is_blessed: Whether the model may be pushed.
    """
    from tfx.components.infra_validator import executor

    mark = executor._mark_blessed if is_blessed else executor._mark_not_blessed
    mark(blessing)


def mark_pushed(
    executor: PusherExecutor, pushed_model: types.Artifact, destination: str, version: str
) -> None:
    """Writes into the artifact where the model was pushed, as TFX's Pusher does."""
    executor._MarkPushed(pushed_model, pushed_destination=destination, pushed_version=version)


def mark_not_pushed(executor: PusherExecutor, pushed_model: types.Artifact) -> None:
    """Writes into the artifact that nothing was pushed, as TFX's Pusher does."""
    executor._MarkNotPushed(pushed_model)


@contextlib.contextmanager
def cache_checked_by(is_right: Callable[[types.Artifact], bool]) -> Iterator[None]:
    """Makes TFX's cache ignore executions that have an output which fails a check.

    By itself the cache only checks that the folder of each output exists.

    Args:
      is_right: The check, of every output whose folder exists.
    """
    from tfx.orchestration.portable import cache_utils

    utilities = cache_utils.artifact_utils
    verify = utilities.verify_artifacts

    def verify_all(artifacts: Outputs) -> None:
        verify(artifacts)
        for artifact in (each for several in artifacts.values() for each in several):
            if not is_right(artifact):
                raise RuntimeError(f"What {artifact.uri} tells of is not there.")

    utilities.verify_artifacts = verify_all
    try:
        yield
    finally:
        utilities.verify_artifacts = verify
