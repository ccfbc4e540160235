"""Runs one training of a comparison in a fresh process and listens to what it tells."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from components import errors
from components.progress import Progress
from pipeline.compare import attempt
from pipeline.config import PipelineConfig
from serving import start

_SECONDS_TO_END = 10.0
_COMMAND = tuple(start.command(attempt.__name__))


class AttemptError(Exception):
    """One training failed; the others may go on. Its message is one line."""


class AttemptListener(Protocol):
    """Is told how a training goes on."""

    def attempt_at(self, step: str) -> None:
        """The step of that name begins."""

    def progress(self, report: Progress) -> None:
        """How far the step at hand is."""


def train(
    config: PipelineConfig,
    log: Path,
    listener: AttemptListener,
    command: Sequence[str] = _COMMAND,
) -> dict[str, Any]:
    """Trains with `config`; returns what `attempt.train_and_measure` does.

    Args:
      config: Of this training.
      log: Is appended to.
      listener: Is told what happens.
      command: Starts the process; it must write the same lines as `pipeline.compare.attempt`.

    Raises:
      AttemptError: This training failed.
      DatasetError, DataGateError: The data is at fault, and so no other training can succeed.
    """
    request = json.dumps({"config": asdict(replace(config, debug=False)), "log": str(log)})
    with _process(command) as process:
        assert process.stdin and process.stdout
        with contextlib.suppress(BrokenPipeError):
            # The pipe stays open: its end tells the process that nobody waits for it any more.
            process.stdin.write(f"{request}\n")
            process.stdin.flush()
        for line in process.stdout:
            ((kind, value),) = json.loads(line).items()
            if kind == attempt.STEP:
                listener.attempt_at(value)
            elif kind == attempt.PROGRESS:
                listener.progress(Progress(**value))
            elif kind == attempt.FIGURES:
                return value
            elif kind == attempt.ERROR:
                raise _error(**value)
        raise AttemptError(_ended(process.wait()))


@contextlib.contextmanager
def _process(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Starts a process, and ends it at the end of the block if it did not end by itself."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield process
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _error(kind: str, message: str) -> Exception:
    error_class = getattr(errors, kind, None)
    if isinstance(error_class, type) and issubclass(
        error_class, (errors.DatasetError, errors.DataGateError)
    ):
        return error_class(message)
    return AttemptError(message)


def _ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "Its process was killed (SIGKILL): most likely it ran out of memory."
    if code < 0:
        return f"Its process was ended by {signal.Signals(-code).name}."
    return f"Its process ended with code {code} and without a result."
