"""Which of Beam's engines the settings `beam...` ask for, checked against the tables of engines."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.errors import ConfigurationError, did_you_mean
from components.storage.place import Place
from pipeline.beam_engines import (
    CONTAINER,
    DATAFLOW,
    DEFAULT_POOL,
    ENGINES,
    EXTERNAL,
    LOCAL,
    MOST_PROCESSES,
    PROCESS,
    WORKER_PROGRAM,
    WORKERS,
    Engine,
    Workers,
)

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and all that was said of it.

    Attributes:
      engine: The engine.
      workers: Who starts workers; None where the engine has its own.
      values: What fills the arguments.
      options: `--beam-options`, as Beam takes them.
    """

    engine: Engine
    workers: Workers | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @property
    def processes(self) -> int:
        """Returns how many processes were asked for: 0 is one a core, and for other engines."""
        return int(self.values.get("processes", 0))

    def arguments(self, **more: str) -> tuple[str, ...]:
        """Returns what every job is made with; it is a part of the cache's keys."""
        own = self._filled(more, of_place=False)
        return own if self.engine.is_portable else (*own, *self.options)

    def arguments_of_place(self, working_folder: Place) -> tuple[str, ...]:
        """Returns what a job is given when it starts, in addition.

        Args:
          working_folder: Where relative paths begin; the workers must see it under the same name.
            One in a store is none: all paths below it are absolute.
        """
        if not self.engine.is_portable:
            return ()
        folder = str(working_folder) if isinstance(working_folder, Path) else ""
        placed = self._filled({"working_folder": folder}, of_place=True)
        return (*placed, *self.options)

    def _filled(self, more: Mapping[str, str], *, of_place: bool) -> tuple[str, ...]:
        of_workers = self.workers.arguments if self.workers and self.engine.is_portable else ()
        given = (*self.engine.arguments, *of_workers)
        values = {**self.values, **more}
        return tuple(each.filled(values) for each in given if each.is_of_place == of_place)


def choose_engine(
    beam: str, endpoint: str = "", workers: str = "", options: str = ""
) -> EngineChoice:
    """Returns the engine that the settings of the same names ask for.

    Raises:
      ConfigurationError: One of them cannot be used, or is missing, or does not suit the engine.
    """
    if beam not in ENGINES:
        raise ConfigurationError(
            f"--beam is '{beam}'; expected one of {', '.join(ENGINES)}."
            + did_you_mean(beam, ENGINES)
        )
    engine = ENGINES[beam]
    passed = _passed_through(engine, options)
    values: dict[str, str] = {}
    if engine.is_portable:
        values["endpoint"] = _endpoint(engine, endpoint)
    elif endpoint:
        raise ConfigurationError(
            f"--beam-endpoint is '{endpoint}', and --beam {beam} has no job server. Leave it out, "
            "or choose --beam portable, flink or spark."
        )
    if not engine.workers:
        values["processes"] = str(_processes(workers))
        return EngineChoice(engine, None, values, passed)
    chosen, value = _workers(engine, workers)
    values["workers"] = json.dumps(value) if chosen.name == PROCESS else value
    return EngineChoice(engine, chosen, values, passed)


def address_of(setting: str, value: str) -> tuple[str, int]:
    """Returns the host and port of an address HOST:PORT.

    Raises:
      ConfigurationError: It is no such address.
    """
    match = _ADDRESS.fullmatch(value)
    if not match or not 0 < int(match["port"]) < 65536:
        raise ConfigurationError(
            f"{setting} is '{value}'; expected HOST:PORT, without a scheme, e.g. localhost:8099."
        )
    return match["host"].strip("[]"), int(match["port"])


def worker_program() -> str:
    """Returns the program that is one worker, of the environment of this process."""
    return str(Path(sys.executable).parent / WORKER_PROGRAM)


def _endpoint(engine: Engine, endpoint: str) -> str:
    if not endpoint:
        raise ConfigurationError(
            f"--beam {engine.name} needs --beam-endpoint HOST:PORT, where its job server listens."
        )
    address_of("--beam-endpoint", endpoint)
    return endpoint


def _processes(workers: str) -> int:
    if not workers:
        return 0
    if not (workers.isascii() and workers.isdigit() and int(workers) <= MOST_PROCESSES):
        raise ConfigurationError(
            f"--beam-workers is '{workers}'; with --beam local, expected the number of processes, "
            f"a whole number from 0 (one for each core) to {MOST_PROCESSES:,}. "
            f"{', '.join(WORKERS)} are for --beam portable, flink and spark."
        )
    return int(workers)


def _workers(engine: Engine, workers: str) -> tuple[Workers, str]:
    name, _, value = (workers or engine.workers[0]).partition("=")
    if name not in engine.workers:
        spelled = [
            f"{each}[={WORKERS[each].takes}]" if WORKERS[each].takes else each
            for each in engine.workers
        ]
        raise ConfigurationError(
            f"--beam-workers is '{workers}'; with --beam {engine.name}, expected "
            f"{' or '.join(spelled)}. (A number of processes is for --beam local.)"
            + did_you_mean(name, engine.workers)
        )
    chosen = WORKERS[name]
    if not chosen.takes and "=" in workers:
        raise ConfigurationError(
            f"--beam-workers is '{workers}'; {name} takes no value. Write --beam-workers {name}."
        )
    if name == EXTERNAL:
        value = value or DEFAULT_POOL
        address_of("--beam-workers external", value)
    if name == PROCESS:
        value = value or worker_program()
    if name == CONTAINER and not value:
        raise ConfigurationError(
            f"--beam-workers {workers or name} names no image. With --beam {engine.name}, write "
            "--beam-workers container=IMAGE; the Dockerfile of the project makes one, its target "
            "is `pipeline`."
        )
    return chosen, value


def _passed_through(engine: Engine, options: str) -> tuple[str, ...]:
    """Returns the words of `--beam-options`, whose names are checked as far as they are ours."""
    try:
        words = tuple(shlex.split(options))
    except ValueError as error:
        raise ConfigurationError(
            f"--beam-options is '{options}': {error}. Expected options as a shell takes them, e.g. "
            "--beam-options='--parallelism=8'."
        ) from error
    if words and not words[0].startswith("--"):
        raise ConfigurationError(
            f"--beam-options begins with '{words[0]}'; expected options of Beam, each with two "
            "dashes in front, e.g. --beam-options='--parallelism=8'."
        )
    names = [word[2:].split("=", 1)[0].replace("-", "_") for word in words if word[:2] == "--"]
    ours = _settings_of(engine)
    for name in names:
        if name in ours:
            raise ConfigurationError(
                f"--beam-options has --{name}, which {ours[name]} decides. Leave it out there."
            )
    if missing := [name for name in engine.required if name not in names]:
        written = " ".join(f"--{name}=..." for name in missing)
        raise ConfigurationError(
            f"--beam {engine.name} needs --{', --'.join(missing)}. Add --beam-options='{written}'."
        )
    return words


def _settings_of(engine: Engine) -> dict[str, str]:
    """Returns which setting decides each argument that is not for `--beam-options`."""
    by_flag = {each.flag: f"--beam {engine.name}" for each in engine.arguments}
    if engine.is_portable:
        by_flag |= {
            "job_endpoint": "--beam-endpoint",
            "environment_type": "--beam-workers",
            "environment_config": "--beam-workers",
            "environment_option": "--beam-workers",
            "environment_options": "--beam-workers",
        }
    elif engine.name == LOCAL:
        by_flag |= {
            "direct_running_mode": "--beam-mode",
            "direct_num_workers": "--beam-workers",
        }
    elif engine.name == DATAFLOW:
        by_flag |= {"sdk_container_image": "--beam-workers"}
        # There may be more of them.
        del by_flag["experiments"]
    return by_flag
