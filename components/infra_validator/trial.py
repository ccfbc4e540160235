"""One candidate, one model server: load, ask, compare."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfx.components.infra_validator import error_types

from components.errors import InfraValidationError
from components.infra_validator import answers, warmup
from components.infra_validator.answers import AnyExchange, Reference
from components.infra_validator.local_server import LocalServerRunner, PortTakenError
from components.infra_validator.outcome import Outcome
from components.storage import files
from serving.client import Client
from serving.errors import NotReadyError, ServingError

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
# A server that dies closes its connections a little before its process is gone.
_GRACE_SECONDS = 2.0
_LONGEST_REFUSAL = 400


@dataclass(frozen=True)
class Limits:
    """How long to wait for a server, and how often to start it.

    Attributes:
      load_seconds: From its start until it answers; the default is TFX's own.
      answer_seconds: For one answer.
      attempts: How often it may be started, should its process die or its port be taken.
    """

    load_seconds: float = 300.0
    answer_seconds: float = 30.0
    attempts: int = 2


def try_candidate(
    saved_model: str,
    examples: Sequence[bytes],
    engine: str,
    folder: Path,
    limits: Limits = Limits(),
    command: Sequence[str] = (),
) -> Outcome:
    """Serves a model and compares the answers with those of the model itself.

    It is served as it would be pushed, with its warm-up requests.

    Args:
      saved_model: Folder of the export.
      examples: Serialized tf.Examples to ask about.
      engine: One of `engines.ENGINES` but auto.
      folder: Empty, for a copy of the model and the server's log.
      limits: For the server.
      command: What to start instead of the engine's own command; see `LocalServerRunner`.

    Returns:
      The outcome; a refused model is one as well.

    Raises:
      InfraValidationError: There was no server to try it in.
    """
    # No other server has a model of this name, if one should have taken the port.
    name = f"candidate-{uuid.uuid4().hex[:8]}"
    base_path = folder.absolute() / name
    files.copy_folder(saved_model, str(base_path / "1"))
    warmup.write(base_path / "1", name)
    asked: list[AnyExchange] = []
    for attempt in range(1, limits.attempts + 1):
        runner = LocalServerRunner(engine, name, base_path, folder / "server.log", command)
        try:
            runner.Start()
            # The server loads it in the meantime.
            asked = asked or answers.exchanges(Reference(saved_model), examples)
            return Outcome(engine, _count_agreeing(runner, name, asked, limits))
        except error_types.JobAborted as error:
            _log_failure(error, runner)
            if attempt < limits.attempts:
                continue
            if isinstance(error, PortTakenError):
                raise InfraValidationError(
                    f"The infra validation found no free ports: {error} Run again."
                ) from error
            return Outcome(engine, refusal=_in_one_line(error))
        except error_types.InfraValidationError as error:
            _log_failure(error, runner)
            return Outcome(engine, refusal=_in_one_line(error))
        finally:
            runner.Stop()
    raise AssertionError("the last attempt returns or raises")


def _count_agreeing(
    runner: LocalServerRunner,
    name: str,
    asked: Sequence[AnyExchange],
    limits: Limits,
) -> int:
    """Asks over both transports; returns how many answers there were, all of them right."""
    deadline = time.time() + limits.load_seconds
    runner.WaitUntilRunning(deadline)
    agreeing = 0
    for transport, address in (("gRPC", runner.GetEndpoint()), ("REST", runner.rest_endpoint)):
        with Client(address, model=name, timeout=limits.answer_seconds) as client:
            try:
                _wait_until_ready(client, runner, limits.load_seconds, deadline)
                agreeing += answers.compare(client, transport, asked)
            except ServingError as error:
                runner.raise_if_ended(_GRACE_SECONDS)
                raise error_types.ValidationFailed(answers.explain(error, transport)) from error
    return agreeing


def _wait_until_ready(
    client: Client, runner: LocalServerRunner, load_seconds: float, deadline: float
) -> None:
    """Waits for a server whose ports are open: those of a container are so at once."""
    while True:
        runner.raise_if_ended()
        try:
            client.wait_until_ready(_LOOK_SECONDS)
            return
        except NotReadyError as error:
            if time.time() >= deadline:
                seen = error.reason.rpartition("at the last look: ")[2]
                raise error_types.DeadlineExceeded(
                    f"The server was not ready within {load_seconds:g} s: {seen}."
                ) from error


def _log_failure(error: Exception, runner: LocalServerRunner) -> None:
    _LOG.error("%s\nThe end of the server's log:\n%s", error, runner.GetLogs())


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST_REFUSAL else f"{text[: _LONGEST_REFUSAL - 3]}..."
