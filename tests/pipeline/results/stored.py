"""Writes runs into a real ML Metadata store, as TFX and a run do, in milliseconds."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.metadata.address import MetadataStoreAddress
from pipeline.results import run_properties as names
from pipeline.root import METADATA_FILE, open_metadata

DONE, RUNNING, FAILED, CACHED = (
    mlmd.Execution.COMPLETE,
    mlmd.Execution.RUNNING,
    mlmd.Execution.FAILED,
    mlmd.Execution.CACHED,
)
STEPS = ("ReviewExampleGen", "Trainer", "Evaluator", "Pusher")
METRICS = {"accuracy": 0.75, "examples": 96.0, "auc": 0.8}


def properties_of(**changes: Any) -> dict[str, Any]:
    """Returns what a run of the table `reviews` records of itself, with changes."""
    return {
        names.STATE: names.COMPLETE,
        names.STARTED: "2026-11-26T21:08:57+00:00",
        names.SECONDS: 67.5,
        names.SETTINGS: {"model": "linear", "seed": 7},
        names.VERSIONS: {"python": "3.10.13", "tfx": "1.16.0"},
        names.COMMIT: "0123456789" * 4,
        names.MODEL_NAME: "reviews_sentiment",
        names.MODEL: "linear",
        names.DATA: {
            "name": "reviews",
            "origin": "/data/reviews.csv",
            "digest": "d1",
            "classes": ["negative", "positive"],
            "reviews": {"train": {"0": 200, "1": 204}, "test": {"0": 43, "1": 53}},
        },
        names.FINGERPRINTS: {"Trainer": "f1"},
        names.METRICS: METRICS,
        **changes,
    }


def store_run(
    root: Path,
    run_id: str,
    properties: dict[str, Any],
    steps: dict[str, int] | None = None,
    *,
    pipeline: str = "reviews_sentiment",
    blessed: bool = True,
    version: int | None = None,
    metadata: MetadataStoreAddress | None = None,
) -> None:
    """Stores a run, or more of one that is there, with executions of `steps` by name and state."""
    store = open_metadata(metadata or root / METADATA_FILE, can_create=True)

    def context(kind: str, name: str) -> mlmd.Context:
        found = store.get_context_by_type_and_name(kind, name)
        if found is None:
            type_id = store.put_context_type(mlmd.ContextType(name=kind))
            found = mlmd.Context(type_id=type_id, name=name)
            (found.id,) = store.put_contexts([found])
        return found

    parent, run = context(names.PIPELINE_CONTEXT, pipeline), context(names.RUN_CONTEXT, run_id)
    if not store.get_parent_contexts_by_context(run.id):
        store.put_parent_contexts([mlmd.ParentContext(parent_id=parent.id, child_id=run.id)])
    for name, value in properties.items():
        if isinstance(value, bool):
            run.custom_properties[name].bool_value = value
        elif isinstance(value, float):
            run.custom_properties[name].double_value = value
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            run.custom_properties[name].string_value = text
    store.put_contexts([run])
    for step, state in (steps or dict.fromkeys(STEPS, DONE)).items():
        type_id = store.put_execution_type(mlmd.ExecutionType(name=f"types.{step}"))
        execution = mlmd.Execution(type_id=type_id, last_known_state=state)
        artifacts = []
        if state in (DONE, CACHED):
            artifacts = _outputs(store, step, run_id, blessed, version)
        node = context(names.NODE_CONTEXT, f"{pipeline}.{step}")
        store.put_execution(execution, artifacts, [parent, run, node], True)


def _outputs(store: Any, step: str, run_id: str, blessed: bool, version: int | None) -> list[Any]:
    key, kind, values = {
        "ReviewExampleGen": ("examples", "Examples", {}),
        "Evaluator": ("blessing", "ModelBlessing", {"blessed": int(blessed)}),
        "Pusher": ("pushed_model", "PushedModel", {"pushed": int(version is not None)}),
    }.get(step, ("output", "Output", {}))
    outputs = [(key, kind, values)]
    if step == "Evaluator":
        outputs.append(("evaluation", "ModelEvaluation", {}))
    made = []
    for key, kind, values in outputs:
        type_id = store.put_artifact_type(mlmd.ArtifactType(name=kind))
        artifact = mlmd.Artifact(type_id=type_id, uri=f"pipelines/{step}/{key}/{run_id}")
        for name, value in values.items():
            artifact.custom_properties[name].int_value = value
        if kind == "PushedModel" and version is not None:
            place = f"serving_model/reviews_sentiment/{version}"
            artifact.custom_properties["pushed_destination"].string_value = place
        event = mlmd.Event(type=mlmd.Event.OUTPUT)
        event.path.steps.add().key = key
        event.path.steps.add().index = 0
        made.append((artifact, event))
    return made


def multiply(root: Path, times: int) -> None:
    """Copies the only run of a root, so that there are `times` of it: through SQL, in no time."""
    with sqlite3.connect(root / METADATA_FILE) as connection:
        run = connection.execute(
            "SELECT c.* FROM Context c JOIN Type t ON t.id = c.type_id WHERE t.name = ?",
            (names.RUN_CONTEXT,),
        ).fetchone()
        for number in range(1, times):
            shift = number * 10_000
            clone = (run[0] + shift, run[1], f"{run[2]}-{number + 1}", *run[3:])
            connection.execute("INSERT INTO Context VALUES (?, ?, ?, ?, ?, ?)", clone)
            for statement in (
                "INSERT INTO ParentContext SELECT context_id + :s, parent_context_id "
                "FROM ParentContext WHERE context_id = :run",
                "INSERT INTO ContextProperty SELECT context_id + :s, name, is_custom_property, "
                "int_value, double_value, string_value, byte_value, proto_value, bool_value "
                "FROM ContextProperty WHERE context_id = :run",
                "INSERT INTO Execution SELECT id + :s, type_id, last_known_state, NULL, NULL, "
                "create_time_since_epoch, last_update_time_since_epoch FROM Execution "
                "WHERE id < 10000",
                "INSERT INTO Association SELECT NULL, iif(context_id = :run, :run + :s, "
                "context_id), execution_id + :s FROM Association WHERE execution_id < 10000",
                "INSERT INTO Artifact SELECT id + :s, type_id, uri, state, NULL, NULL, "
                "create_time_since_epoch, last_update_time_since_epoch FROM Artifact "
                "WHERE id < 10000",
                "INSERT INTO ArtifactProperty SELECT artifact_id + :s, name, is_custom_property, "
                "int_value, double_value, string_value, byte_value, proto_value, bool_value "
                "FROM ArtifactProperty WHERE artifact_id < 10000",
                "INSERT INTO Event SELECT id + :s, artifact_id + :s, execution_id + :s, type, "
                "milliseconds_since_epoch FROM Event WHERE id < 10000",
                "INSERT INTO EventPath SELECT event_id + :s, is_index_step, step_index, step_key "
                "FROM EventPath WHERE event_id < 10000",
            ):
                connection.execute(statement, {"s": shift, "run": run[0]})
    connection.close()
