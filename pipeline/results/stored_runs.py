"""Makes `RunInfo`s of the rows of ML Metadata's tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from components.evaluator.wilson import wilson_interval
from components.pusher.pushed_data import CARD_FILE
from components.storage.place import Place, below, place_of
from pipeline.metadata.address import MetadataStoreAddress
from pipeline.metadata.mysql import Rows
from pipeline.results import recorded_values as values
from pipeline.results import run_properties as names
from pipeline.results.metadata_file import reading
from pipeline.results.run_functions import RunFunctions
from pipeline.results.run_info import RunInfo, StepInfo
from pipeline.root import is_in_use
from serving.small_files import UnreadableFileError, read_small_file
from serving.versions import look_up, number_of

# Of an execution, as ML Metadata numbers them.
_EXECUTING, _COMPLETED, _FAILED, _CACHED = 2, 3, 4, 5
_OUTPUTS = "1, 4"
# Of where a model was pushed, its name and its version.
_VERSION = re.compile(r"([^/]+)/(\d{1,18})/?$", re.ASCII)
_CONTEXT, _ARTIFACT = 2, 1

_TYPE = "(SELECT id FROM Type WHERE type_kind = 2 AND name = ?)"
_RUNS = f"""
SELECT c.id, c.name, c.create_time_since_epoch, p.name FROM Context c
LEFT JOIN ParentContext e ON e.context_id = c.id
LEFT JOIN Context p ON p.id = e.parent_context_id AND p.type_id = {_TYPE}
WHERE c.type_id = {_TYPE} ORDER BY c.id DESC
"""
_PROPERTIES = f"""
SELECT p.context_id, p.name, p.string_value, p.double_value, p.int_value, p.bool_value
FROM ContextProperty p JOIN Context c ON c.id = p.context_id
WHERE p.is_custom_property AND c.type_id = {_TYPE}
"""
_EXECUTIONS = f"""
SELECT a.context_id, e.id, n.name, e.last_known_state, e.create_time_since_epoch,
e.last_update_time_since_epoch
FROM Context r JOIN Association a ON a.context_id = r.id JOIN Execution e ON e.id = a.execution_id
JOIN Association b ON b.execution_id = e.id JOIN Context n ON n.id = b.context_id
WHERE r.type_id = {_TYPE} AND n.type_id = {_TYPE} ORDER BY e.id
"""
_VERDICTS = f"""
SELECT v.execution_id, p.name, p.string_value, p.int_value
FROM Artifact a JOIN Type t ON t.id = a.type_id AND t.type_kind = {_ARTIFACT}
JOIN ArtifactProperty p ON p.artifact_id = a.id JOIN Event v ON v.artifact_id = a.id
WHERE t.name IN ('ModelBlessing', 'InfraBlessing', 'PushedModel') AND v.type IN ({_OUTPUTS})
AND p.name IN ('blessed', 'pushed', 'pushed_destination')
"""
_FINGERPRINTS = """
SELECT execution_id, string_value FROM ExecutionProperty
WHERE name = 'source_fingerprint' AND is_custom_property
"""
_PARAMETER = "SELECT string_value FROM ExecutionProperty WHERE execution_id = ? AND name = ?"


class _Execution(NamedTuple):
    """A row of _EXECUTIONS without the run; times in milliseconds."""

    id: int
    node: str
    state: int
    created: int
    updated: int


def read_runs(address: MetadataStoreAddress, root: Place) -> list[RunInfo]:
    """Returns all runs that ML Metadata knows, the newest first.

    Args:
      address: Where ML Metadata is.
      root: Of the runs that do not say of which they are.

    Raises:
      ConfigurationError: It is missing, damaged, locked, of another version, or out of reach.
    """
    with reading(address) as connection:
        if connection is None:
            return []
        rows = _Rows(connection, root)
        # Only one process at a time runs in a root, and it is the newest that says so. Of another
        # machine's root that is not here, it is believed.
        held = {
            run
            for place, run in rows.newest_running.items()
            if is_in_use(place, address) or (address.is_shared and not place.is_dir())
        }
        pushed = _Pushed()
        runs = []
        for run_id, name, created, pipeline in rows.runs:
            place = rows.roots[run_id]
            properties = rows.properties.get(run_id, {})
            executions = rows.executions.get(run_id, [])
            reader = _RunReader(rows, address, place, pipeline or "", executions, properties)
            runs.append(reader.read(name, created, run_id in held, pushed))
        return runs


class _Rows:
    """What is read of all runs at once."""

    def __init__(self, connection: Rows, root: Place):
        self._connection = connection
        run, node, pipeline = names.RUN_CONTEXT, names.NODE_CONTEXT, names.PIPELINE_CONTEXT
        self.runs = connection.execute(_RUNS, (pipeline, run)).fetchall()
        self.properties: dict[int, dict[str, Any]] = {}
        for context, name, *columns in connection.execute(_PROPERTIES, (run,)):
            self.properties.setdefault(context, {})[name] = _first(columns)
        self.executions: dict[int, list[_Execution]] = {}
        for context, *row in connection.execute(_EXECUTIONS, (run, node)):
            self.executions.setdefault(context, []).append(_Execution(*row))
        self.verdicts: dict[int, dict[str, Any]] = {}
        for execution, name, *columns in connection.execute(_VERDICTS):
            self.verdicts.setdefault(execution, {})[name] = _first(columns)
        self.fingerprints = dict(connection.execute(_FINGERPRINTS))
        self.roots = {
            row[0]: place_of(self.properties.get(row[0], {}).get(names.ROOT) or root)
            for row in self.runs
        }
        self.newest_running: dict[Place, int] = {}
        for row in filter(lambda row: self._seems_to_run(row[0]), self.runs):
            self.newest_running.setdefault(self.roots[row[0]], row[0])

    def _seems_to_run(self, run: int) -> bool:
        state = self.properties.get(run, {}).get(names.STATE)
        executing = any(each.state == _EXECUTING for each in self.executions.get(run, []))
        return state == names.RUNNING if state else executing

    def parameter(self, execution: int, name: str) -> Any:
        """Returns a parameter of an execution that is JSON; None if there is none."""
        rows = self._connection.execute(_PARAMETER, (execution, name)).fetchall()
        return values.from_json(rows[0][0]) if rows else None


def _first(values: Iterable[Any]) -> Any:
    """Returns the one column that holds a property's value."""
    return next((value for value in values if value is not None), None)


class _Pushed:
    """The versions that are there, on a disk or in a store; of one that is silent, none are."""

    def __init__(self) -> None:
        self._newest: dict[str, int | None] = {}

    def is_live(self, version: Place) -> bool:
        """Returns whether servers answer by a version: the one with the largest number."""
        base = str(version.parent)
        if base not in self._newest:
            try:
                self._newest[base] = max(look_up(base).complete, default=None)
            except OSError:
                self._newest[base] = None
        return number_of(version.name) == self._newest[base]

    def metrics(self, version: Place | None) -> dict[str, float | None]:
        """Returns the metrics on a version's model card: an older run recorded none of its own."""
        if version is None:
            return {}
        try:
            card = values.from_json(read_small_file(str(version / CARD_FILE)))
        except UnreadableFileError:
            return {}
        return values.figures(values.mapping_of(card).get("test_metrics"))


class _RunReader:
    """Reads one run; of an older one, what follows from its executions."""

    def __init__(
        self,
        rows: _Rows,
        address: MetadataStoreAddress,
        root: Place,
        pipeline: str,
        executions: list[_Execution],
        properties: Mapping[str, Any],
    ):
        self._rows, self._address, self._root, self._pipeline = rows, address, root, pipeline
        self._executions, self._properties = executions, properties

    def read(self, run_id: str, created: int, is_held: bool, on_disk: _Pushed) -> RunInfo:
        text, found, pipeline = self._text, self._json, self._pipeline
        by_node = {each.node.removeprefix(f"{pipeline}."): each for each in self._executions}
        state = self._state(by_node, is_held)
        blessed, folder = self._verdicts(by_node)
        model_name = text(names.MODEL_NAME) or (folder.parent.name if folder else "")
        data = values.data(found(names.DATA) or self._older_data(by_node))
        metrics = values.figures(found(names.METRICS)) or on_disk.metrics(folder)
        fingerprints = values.texts(found(names.FINGERPRINTS)) or self._older_fingerprints(by_node)
        seconds = values.number(self._properties.get(names.SECONDS))
        return RunInfo(
            run_id=run_id,
            pipeline_name=pipeline,
            model_name=model_name,
            started=values.time(text(names.STARTED), created),
            state=state,
            seconds=self._older_seconds(state, created) if seconds is None else seconds,
            error=text(names.ERROR),
            failed_step=text(names.FAILED_STEP) or self._unfinished(by_node, state),
            settings=values.mapping_of(found(names.SETTINGS)),
            data_name=str(data.get("name", "")),
            data=data,
            model=text(names.MODEL) or self._older_model(by_node),
            accuracy=metrics.get("accuracy"),
            interval=_interval(metrics),
            metrics=metrics,
            baseline=values.figures(found(names.BASELINE)),
            slices=values.slices(found(names.SLICES)),
            is_blessed=blessed,
            refusals=values.text_list(found(names.REFUSALS)),
            version=number_of(folder.name) if folder else None,
            folder=folder,
            is_live=folder is not None and on_disk.is_live(folder),
            is_comparison=bool(self._properties.get(names.IS_COMPARISON)),
            versions=values.texts(found(names.VERSIONS)),
            commit=text(names.COMMIT),
            is_dirty=bool(self._properties.get(names.IS_DIRTY)),
            fingerprints=fingerprints,
            functions=RunFunctions(self._root, fingerprints),
            steps=tuple(self._steps(by_node, state)),
            metadata=self._address,
            root=self._root,
        )

    def _text(self, name: str) -> str:
        return str(self._properties.get(name, ""))

    def _json(self, name: str) -> Any:
        return values.from_json(self._text(name))

    def _state(self, by_node: Mapping[str, _Execution], is_held: bool) -> str:
        recorded = self._text(names.STATE)
        if recorded:
            return names.STOPPED if recorded == names.RUNNING and not is_held else recorded
        states = {each.state for each in self._executions}
        if _EXECUTING in states:
            return names.RUNNING if is_held else names.STOPPED
        if _FAILED in states:
            return names.FAILED
        return names.COMPLETE if "Pusher" in by_node else names.UNKNOWN

    def _unfinished(self, by_node: Mapping[str, _Execution], state: str) -> str:
        wanted = {names.FAILED: _FAILED, names.STOPPED: _EXECUTING}.get(state)
        return next((name for name, each in by_node.items() if each.state == wanted), "")

    def _verdicts(self, by_node: Mapping[str, _Execution]) -> tuple[bool | None, Place | None]:
        """Returns whether the model is blessed, and the version's folder if it was pushed."""

        def of(step: str) -> Mapping[str, Any]:
            return self._rows.verdicts.get(by_node[step].id, {}) if step in by_node else {}

        judge = of("CrossValidator" if "CrossValidator" in by_node else "Evaluator")
        blessed = bool(judge["blessed"]) if "blessed" in judge else None
        if blessed and "InfraValidator" in by_node:
            tried = of("InfraValidator")
            blessed = bool(tried["blessed"]) if "blessed" in tried else None
        pushed = of("Pusher")
        destination = str(pushed.get("pushed_destination")).rstrip("/")
        if not pushed.get("pushed") or not _VERSION.search(destination):
            return blessed, None
        return blessed, below(self._root, destination)

    def _older_data(self, by_node: Mapping[str, _Execution]) -> dict[str, Any]:
        reader = by_node.get("ReviewExampleGen")
        source = self._rows.parameter(reader.id, "source") if reader else None
        if not isinstance(source, dict):
            return {}
        return {
            key: source[key] for key in ("name", "origin", "digest", "classes") if key in source
        }

    def _older_model(self, by_node: Mapping[str, _Execution]) -> str:
        trainer = by_node.get("Trainer")
        found = self._rows.parameter(trainer.id, "custom_config") if trainer else None
        return str(found.get("model", "")) if isinstance(found, dict) else ""

    def _older_fingerprints(self, by_node: Mapping[str, _Execution]) -> dict[str, str]:
        known = self._rows.fingerprints
        return {name: known[each.id] for name, each in by_node.items() if known.get(each.id)}

    def _older_seconds(self, state: str, created: int) -> float | None:
        if self._text(names.STATE) or state not in (names.COMPLETE, names.FAILED):
            return None
        return (max(each.updated for each in self._executions) - created) / 1_000

    def _steps(self, by_node: Mapping[str, _Execution], run_state: str) -> Iterable[StepInfo]:
        recorded = values.step_notes(self._json(names.STEPS))
        for name, execution in by_node.items():
            noted = recorded.get(name, {})
            yield StepInfo(
                name=name,
                execution_id=execution.id,
                state=noted.get("state") or _step_state(execution, run_state),
                seconds=noted.get("seconds", _older_step_seconds(execution)),
                peak_memory=noted.get("peak_memory"),
                reason=noted.get("reason", ""),
            )


def _interval(metrics: Mapping[str, float | None]) -> tuple[float, float] | None:
    """Returns the 95 % interval of the accuracy; None where it is not known of how many reviews."""
    accuracy, reviews = metrics.get("accuracy"), metrics.get("examples")
    if accuracy is None or not reviews:
        return None
    return wilson_interval(accuracy * reviews, reviews)


def _step_state(execution: _Execution, run_state: str) -> str:
    if execution.state == _EXECUTING:
        return run_state if run_state != names.COMPLETE else names.UNKNOWN
    known = {_COMPLETED: names.DONE, _CACHED: names.CACHED, _FAILED: names.FAILED}
    return known.get(execution.state, names.UNKNOWN)


def _older_step_seconds(execution: _Execution) -> float | None:
    if execution.state not in (_COMPLETED, _FAILED):
        return None
    return (execution.updated - execution.created) / 1_000
