"""Runs the pipeline on this machine: LocalDagRunner, Beam in processes, SQLite for metadata."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from components import progress
from components.errors import RootBusyError, causes
from pipeline.config import PipelineConfig
from pipeline.console.terminal import Console
from pipeline.loading import environment
from pipeline.report.paths import shown
from pipeline.report.summary import RunSummary
from pipeline.resolution import resolve
from pipeline.runners.announcements import announced_to

LOCK_FILE = ".lock"


def run(settings: PipelineConfig, console: Console, log_path: Path) -> RunSummary:
    """Runs every step that the cache does not answer for.

    Args:
      settings: What the user asked for.
      console: Is told what happens, as it happens.
      log_path: Where TFX's own words go; only shown.

    Raises:
      SentimentError: Anything that can be explained.
    """
    started = time.monotonic()
    root = Path(settings.root).absolute()
    with alone_in(root), progress.listening(console.progress):
        config = resolve(settings, environment(os.environ), console.notice)
        console.run_started(
            config.pipeline_name, settings.model, config.source.name, shown(root), shown(log_path)
        )
        # TensorFlow, TFX and Beam take ten seconds to import: a wrong flag is told before that.
        from tfx.orchestration.local.local_dag_runner import LocalDagRunner

        from pipeline.graph import create_pipeline
        from pipeline.report.summarize import summarize

        with announced_to(ConsoleSteps(console, config.metadata_path)) as steps:
            try:
                LocalDagRunner().run(create_pipeline(config))
            except BaseException as error:
                steps.stopped_by(error)
                raise
        return summarize(config, time.monotonic() - started, log_path)


@contextlib.contextmanager
def alone_in(root: Path, flag: str = "--root") -> Iterator[None]:
    """Holds `root` for this process; the operating system lets go of it when the process dies.

    Args:
      root: A folder; it is made where it is missing.
      flag: What names another folder.

    Raises:
      RootBusyError: Another run holds it.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / LOCK_FILE
    lock = filelock.FileLock(path)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise RootBusyError(
            f"Another run (process {path.read_text().strip() or 'unknown'}) is using {root}. "
            f"Wait until it ends, or give this one a {flag} of its own."
        ) from None
    try:
        path.write_text(f"{os.getpid()}\n")
        yield
    finally:
        lock.release()


class ConsoleSteps:
    """Turns what TFX's runner announces into lines on the console."""

    def __init__(self, console: Console, metadata_path: Path):
        """Tells `console`; asks ML Metadata when cached outputs were made."""
        self._console = console
        self._metadata_path = metadata_path
        self._running = ""
        self._is_cached = False
        self._since = 0.0

    def step_started(self, step: str) -> None:
        """The step of that name begins."""
        self._running, self._is_cached, self._since = step, False, time.monotonic()
        self._console.component_started(step)

    def step_cached(self, step: str, execution_id: int) -> None:
        """Its outputs are taken from the cache."""
        from pipeline.report.run_record import made_at

        self._is_cached = True
        made = made_at(self._metadata_path, execution_id)
        self._console.component_cached(step, f"as on {made:%d %b %H:%M}" if made else "as before")

    def step_finished(self, step: str) -> None:
        """The step ended well."""
        if not self._is_cached:
            self._console.component_finished(step, time.monotonic() - self._since)
        self._running = ""

    def stopped_by(self, error: BaseException) -> None:
        """The run ended in the middle of a step, or between two."""
        if not self._running:
            return
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes(error)):
            self._console.component_interrupted(self._running)
        else:
            self._console.component_failed(self._running, str(error) or type(error).__name__)
