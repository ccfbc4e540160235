"""`run`: runs the pipeline on this machine by TFX's LocalDagRunner, alone in its root."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from components import notices, progress
from components.errors import ConfigurationError, RootBusyError, causes
from components.storage.place import Place, place_of
from pipeline.config import PipelineConfig
from pipeline.console.terminal import Console
from pipeline.loading import read_environment
from pipeline.metadata import mysql
from pipeline.metadata.address import MetadataStoreAddress, MySqlDatabase, SqliteFile
from pipeline.paths import shown
from pipeline.planning.plan import plan
from pipeline.planning.reason_words import NEVER_RAN, RUNS_EVERY_TIME, in_brief
from pipeline.relative_metadata import make_relative
from pipeline.resolution import ResolvedRun, metadata_of, resolve
from pipeline.results import recorded_functions
from pipeline.results.summary import RunSummary
from pipeline.root import lock_files
from pipeline.runners.announcements import announced_to
from pipeline.runners.engine_check import check_engine
from pipeline.runners.recording import recording
from pipeline.runners.stores_tried import try_stores

if TYPE_CHECKING:
    from pipeline.results.run_record import RunRecord

# Whoever asks whether a root is in use holds its lock for some microseconds.
_LOCK_SECONDS = 0.2
_LOG = logging.getLogger(__name__)


def run(config: PipelineConfig, console: Console, log_path: Path) -> RunSummary:
    """Runs every step whose outputs are not in the cache.

    Args:
      config: What the user asked for.
      console: Is told what happens, as it happens.
      log_path: Where TFX's own words go; only shown.

    Raises:
      SentimentError: Anything that can be explained.
    """
    started = time.monotonic()
    root = place_of(config.root).absolute()
    variables = read_environment(os.environ)
    metadata = metadata_of(config, root, variables)
    with (
        alone_in(root, metadata=metadata),
        progress.listening(console.progress),
        notices.listening(console.notice),
    ):
        if changed := prepare_metadata(metadata):
            console.notice(
                f"An earlier release wrote {changed} absolute paths to {shown(root)}; they are "
                "relative now, and the root may be moved. Steps that read them run again once."
            )
        try_stores(config)
        run = resolve(config, variables, console.notice, note=console.note)
        console.run_started(
            run.pipeline_name, config.model, run.source.name, shown(root), shown(log_path)
        )
        check_engine(config.engine, root)
        # TensorFlow, TFX and Beam take ten seconds to import: a wrong flag is told before that.
        from pipeline.results.summarize import summarize
        from pipeline.runners.in_root import run_in_root
        from pipeline.runners.page_at_end import writes_page_at_end

        reasons = reasons_of(run)
        recorded_functions.save(run, root)
        with (
            writes_page_at_end(run, console) as page,
            recording(run, began=started, reasons=reasons) as recorder,
        ):
            page.run_id = recorder.run_id
            with (
                announced_to(recorder),
                announced_to(ConsoleSteps(console, run, reasons)) as steps,
            ):
                try:
                    run_in_root(run, recorder.run_id)
                except BaseException as error:
                    steps.stopped_by(error)
                    raise
            summary = summarize(run, time.monotonic() - started, log_path)
            recorder.refused(summary.refusals)
        return replace(summary, page=page.path)


def prepare_metadata(metadata: MetadataStoreAddress) -> int:
    """Makes ML Metadata ready for runs of this release; returns how many artifacts it changed.

    The caller holds the lock of the root.

    Raises:
      ConfigurationError: A database cannot be reached or used.
    """
    if isinstance(metadata, SqliteFile):
        return 0 if metadata.is_shared else make_relative(metadata.path)
    mysql.prepare(metadata)
    return 0


@contextlib.contextmanager
def alone_in(
    root: Place, flag: str = "--root", metadata: MetadataStoreAddress | None = None
) -> Iterator[None]:
    """Locks `root` for this process; the lock ends with the process.

    A folder of this machine is locked by the operating system. A store has no locks: there it is
    the file of the metadata that is locked, or its MySQL server locks the root by its name.

    Args:
      root: A folder; it is made where it is missing.
      flag: What names another folder.
      metadata: Where the runs of the root are recorded, if it is a root.

    Raises:
      RootBusyError: Another run holds it.
      ConfigurationError: The folder of the metadata's file cannot be made.
    """
    with contextlib.ExitStack() as held:
        if isinstance(root, Path):
            root.mkdir(parents=True, exist_ok=True)
        elif isinstance(metadata, MySqlDatabase):
            held.enter_context(mysql.holding(metadata, str(root)))
        for path in lock_files(root, metadata):
            is_of_root = path.parent == root
            held.enter_context(
                _locked(path, root if is_of_root else path, flag if is_of_root else "--metadata")
            )
        yield


@contextlib.contextmanager
def _locked(path: Path, used: Place, flag: str) -> Iterator[None]:
    """Locks a file.

    Args:
      path: The file; it is made where it is missing.
      used: What it stands for.
      flag: What names another one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{flag} is in {shown(path.parent)}, a folder that cannot be made: {error.strerror}."
        ) from error
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except filelock.Timeout:
        raise RootBusyError(
            f"Another run (process {path.read_text().strip() or 'unknown'}) is using {used}. "
            f"Wait until it ends, or give this one a {flag} of its own."
        ) from None
    try:
        path.write_text(f"{os.getpid()}\n")
        yield
    finally:
        lock.release()


def reasons_of(run: ResolvedRun) -> Mapping[str, str]:
    """Returns why each step will be executed, or why not, by its name.

    They are for people alone: where they cannot be found, there are none, and the log says so.

    Raises:
      ConfigurationError: ML Metadata is damaged: the run could not go on either.
    """
    try:
        return {each.step: each.reason for each in plan(run)}
    except ConfigurationError:
        raise
    except Exception:
        _LOG.exception("Why the steps are executed is not known.")
        return {}


class ConsoleSteps:
    """Turns what TFX's runner announces into lines on the console."""

    def __init__(self, console: Console, run: ResolvedRun, reasons: Mapping[str, str]):
        """Tells `console`; asks ML Metadata what the steps of the run left.

        Args:
          console: Is told.
          run: What is run.
          reasons: Why each step is executed, see `reasons_of`.
        """
        self.reasons = reasons
        self._is_first = set(reasons.values()) <= {NEVER_RAN, RUNS_EVERY_TIME}
        self._console = console
        self._run = run
        self._running = ""
        self._cached_because = ""
        self._since = 0.0

    def step_started(self, step: str) -> None:
        """The step of that name begins."""
        self._running, self._cached_because, self._since = step, "", time.monotonic()
        self._console.component_started(step)

    def step_cached(self, step: str, execution_id: int) -> None:
        """Its outputs are taken from the cache."""
        from pipeline.results.run_record import made_at

        made = made_at(self._run.metadata, execution_id)
        self._cached_because = f"from {made:%d %b %H:%M}" if made else "from an earlier run"

    def step_finished(self, step: str) -> None:
        """The step ended well."""
        from pipeline.results.run_record import RunRecord, why_skipped

        run = self._run
        record = RunRecord(run.metadata, run.pipeline_name)
        if skipped := why_skipped(record, step):
            self._console.component_skipped(step, skipped)
        elif self._cached_because:
            self._console.component_cached(step, self._cached_because)
        else:
            self._console.component_finished(step, time.monotonic() - self._since, self._why(step))
        self._running = ""
        if step == "ReviewExampleGen":
            self._advise(record)

    def _why(self, step: str) -> str:
        """Returns why a step was executed, where that says something."""
        reason = self.reasons.get(step, "")
        if not reason or reason == RUNS_EVERY_TIME or self._is_first:
            return ""
        return in_brief(reason)

    def _advise(self, record: RunRecord) -> None:
        from components.example_gen.reading_report import ReadingReport
        from pipeline.results.advice import before_training

        (report,) = record.outputs("ReviewExampleGen", "report")
        for advice in before_training(self._run, ReadingReport.read(report.uri).split_sizes):
            self._console.notice(advice)

    def stopped_by(self, error: BaseException) -> None:
        """The run ended in the middle of a step, or between two."""
        if not self._running:
            return
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes(error)):
            self._console.component_interrupted(self._running)
        else:
            self._console.component_failed(self._running, str(error) or type(error).__name__)
