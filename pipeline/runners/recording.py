"""A run writes down what it does, on its own ML Metadata context, as it happens.

Whatever ends the process, what was written until then stays. See `results.run_properties`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from components.errors import causes, summary_of
from pipeline.chosen_settings import chosen_settings
from pipeline.metadata.reconnecting import reconnecting
from pipeline.resolution import ResolvedRun
from pipeline.results import run_properties as names
from pipeline.results.metadata_file import check
from pipeline.results.shared_roots import check_roots, own_id
from pipeline.root import open_metadata
from pipeline.runners.peak_memory import PeakMemory
from pipeline.runners.surroundings import commit_of, versions

if TYPE_CHECKING:
    import ml_metadata as mlmd
    from ml_metadata.proto import metadata_store_pb2

    from pipeline.results.run_record import RunRecord

# Slices by columns of the user's own may be many.
MOST_SLICES = 500
_LONGEST_ERROR = 2_000


@contextlib.contextmanager
def recording(
    run: ResolvedRun, *, began: float | None = None, reasons: Mapping[str, str] | None = None
) -> Iterator[RunRecorder]:
    """Yields a recorder, which notes at the end how the block ended.

    Args:
      run: What is going to run. The caller holds the lock of its root.
      began: By `time.monotonic`, when the user asked for it; now when None.
      reasons: By step, why it is going to run, or not.

    Raises:
      ConfigurationError: The metadata is damaged, locked, of another version, or out of reach; or
        the pipeline ran in roots that are not here.
    """
    check(run.metadata)
    check_roots(run)
    with PeakMemory() as memory, reconnecting(run.metadata):
        began = time.monotonic() if began is None else began
        recorder = RunRecorder(run, memory, began, reasons or {})
        try:
            yield recorder
        except BaseException as error:
            recorder.stopped_by(error)
            raise
        recorder.ended(names.COMPLETE)


class RunRecorder:
    """Is told of the steps by the runner, as a `StepListener`, and writes them down.

    Attributes:
      run_id: The id of the run that is recorded, which TFX is to use as well.
    """

    def __init__(
        self, run: ResolvedRun, memory: PeakMemory, began: float, reasons: Mapping[str, str]
    ):
        """Notes that the run began, and all that is known by then."""
        self._run, self._memory, self._reasons = run, memory, reasons
        self._began = began
        started = datetime.now().astimezone() - timedelta(seconds=time.monotonic() - began)
        self._steps: dict[str, dict[str, Any]] = {}
        self._step, self._step_began, self._is_cached = "", 0.0, False
        store = open_metadata(run.metadata, can_create=True)
        self._context = _new_context(store, run.pipeline_name, started)
        self.run_id: str = self._context.name
        commit, is_dirty = commit_of()
        self._data: dict[str, Any] = {
            "name": run.source.name,
            "origin": run.source.origin,
            "digest": run.source.digest,
            "classes": list(run.source.classes),
        }
        self._write(
            {
                names.STATE: names.RUNNING,
                names.STARTED: started.isoformat(timespec="seconds"),
                names.SETTINGS: chosen_settings(run.config),
                names.VERSIONS: versions(),
                names.COMMIT: commit,
                names.IS_DIRTY: is_dirty,
                names.FINGERPRINTS: dict(run.fingerprints),
                names.MODEL_NAME: run.model_name,
                names.MODEL: run.config.model,
                names.DATA: self._data,
                names.IS_COMPARISON: run.is_comparison,
                **_root(run),
            },
            store,
        )

    def step_started(self, step: str) -> None:
        """Starts the clock of a step."""
        self._step, self._step_began, self._is_cached = step, time.monotonic(), False
        self._memory.restart()

    def step_cached(self, step: str, execution_id: int) -> None:
        """Its outputs are taken from the cache."""
        self._is_cached = True

    def step_finished(self, step: str) -> None:
        """Notes what the step cost, and what it found."""
        from pipeline.results.run_record import RunRecord, why_skipped

        name, self._step = self._step, ""
        with _unharmed(f"what {name} did"):
            record = RunRecord(self._run.metadata, self._run.pipeline_name, self.run_id)
            skipped = why_skipped(record, name)
            state = names.CACHED if self._is_cached else names.SKIPPED if skipped else names.DONE
            self._note_step(name, state, skipped or self._reasons.get(name, ""))
            found = _FOUND_BY.get(name, lambda *_: {})(self, record)
            self._write({names.STEPS: self._steps, **found})

    def refused(self, refusals: Sequence[str]) -> None:
        """Notes why the model was not blessed, a sentence each."""
        with _unharmed("why the model was refused"):
            self._write({names.REFUSALS: list(refusals)})

    def stopped_by(self, error: BaseException) -> None:
        """Notes that the run did not end well."""
        by_user = any(isinstance(cause, KeyboardInterrupt) for cause in causes(error))
        state = names.INTERRUPTED if by_user else names.FAILED
        found: dict[str, Any] = {}
        if not by_user:
            found[names.ERROR] = " ".join(summary_of(error).split())[:_LONGEST_ERROR]
        if self._step:
            found[names.FAILED_STEP] = self._step
            self._note_step(self._step, state, self._reasons.get(self._step, ""))
            found[names.STEPS] = self._steps
        self.ended(state, found)

    def ended(self, state: str, found: Mapping[str, Any] | None = None) -> None:
        """Notes how the run ended, and `found`."""
        with _unharmed("how the run ended"):
            seconds = time.monotonic() - self._began
            self._write({names.STATE: state, names.SECONDS: seconds, **(found or {})})

    def _note_step(self, name: str, state: str, reason: str) -> None:
        self._steps[name] = {
            "state": state,
            "seconds": round(time.monotonic() - self._step_began, 3),
            "peak_memory": self._memory.read(),
            "reason": reason,
        }

    def reading(self, record: RunRecord) -> dict[str, Any]:
        """Returns what ReviewExampleGen found."""
        from components.example_gen.reading_report import ReadingReport

        (report,) = record.outputs("ReviewExampleGen", "report")
        found = ReadingReport.read(report.uri)
        self._data |= {"reviews": found.reviews, "leaks": found.leaks}
        return {names.DATA: self._data}

    def training(self, record: RunRecord) -> dict[str, Any]:
        """Returns what the Trainer chose."""
        from tfx.utils import path_utils

        from components.models.training_record import TrainingRecord

        (model,) = record.outputs("Trainer", "model")
        return {names.MODEL: TrainingRecord.read(path_utils.serving_model_path(model.uri)).model}

    def evaluation(self, record: RunRecord) -> dict[str, Any]:
        """Returns what the Evaluator measured."""
        from pipeline.results.summarize import measured

        candidate, baseline = measured(record)
        slices = [
            [key, int(metrics["examples"]), metrics["accuracy"]]
            for key, metrics in candidate.slices.items()
            if math.isfinite(metrics["accuracy"])
        ]
        return {
            names.METRICS: _finite(candidate.overall),
            names.BASELINE: _finite(baseline),
            names.SLICES: slices[:MOST_SLICES],
        }

    def _write(self, found: Mapping[str, Any], store: mlmd.MetadataStore | None = None) -> None:
        # TFX writes to the same file: a connection is held open no longer than needed.
        store = store or open_metadata(self._run.metadata, can_write=True)
        for name, value in found.items():
            written = self._context.custom_properties[name]
            if isinstance(value, bool):
                written.bool_value = value
            elif isinstance(value, float):
                written.double_value = value
            else:
                written.string_value = value if isinstance(value, str) else _json(value)
        store.put_contexts([self._context])


# By step, what is recorded of its outputs.
_FOUND_BY: dict[str, Callable[[RunRecorder, RunRecord], dict[str, Any]]] = {
    "ReviewExampleGen": RunRecorder.reading,
    "Trainer": RunRecorder.training,
    "Evaluator": RunRecorder.evaluation,
}


@contextlib.contextmanager
def _unharmed(what: str) -> Iterator[None]:
    """Lets a run go on, and end as it ends, where something about it cannot be written down."""
    try:
        yield
    except Exception:
        logging.warning("It could not be recorded %s.", what, exc_info=True)


def _root(run: ResolvedRun) -> dict[str, Any]:
    """Returns which root it is, where several share what is recorded."""
    if not run.metadata.is_shared:
        return {}
    return {names.ROOT: str(run.root), names.ROOT_ID: own_id(run.root)}


def _new_context(
    store: mlmd.MetadataStore, pipeline_name: str, started: datetime
) -> metadata_store_pb2.Context:
    """Makes the context of a run as TFX would, below that of the pipeline."""
    from ml_metadata.proto import metadata_store_pb2

    pipeline_type = _context_type(store, names.PIPELINE_CONTEXT)
    run_type = _context_type(store, names.RUN_CONTEXT)
    wanted = (names.PIPELINE_CONTEXT, pipeline_name)
    pipeline = (
        store.get_context_by_type_and_name(*wanted)
        or _put_new(store, _context(pipeline_type, pipeline_name))
        or store.get_context_by_type_and_name(*wanted)
    )
    run_id, number = f"{started:%Y%m%d-%H%M%S}", 1
    while (run := _put_new(store, _context(run_type, run_id))) is None:
        number += 1
        run_id = f"{started:%Y%m%d-%H%M%S}-{number}"
    link = metadata_store_pb2.ParentContext(parent_id=pipeline.id, child_id=run.id)
    store.put_parent_contexts([link])
    return run


def _put_new(
    store: mlmd.MetadataStore, context: metadata_store_pb2.Context
) -> metadata_store_pb2.Context | None:
    """Stores a context; returns None if there is one of its name, as another process's may be."""
    from ml_metadata import errors

    try:
        (context.id,) = store.put_contexts([context])
    except errors.AlreadyExistsError:
        return None
    return context


def _context_type(store: mlmd.MetadataStore, name: str) -> int:
    from ml_metadata.proto import metadata_store_pb2

    return int(store.put_context_type(metadata_store_pb2.ContextType(name=name)))


def _context(type_id: int, name: str) -> metadata_store_pb2.Context:
    from ml_metadata.proto import metadata_store_pb2

    return metadata_store_pb2.Context(type_id=type_id, name=name)


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
