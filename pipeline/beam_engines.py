"""Beam's engines: where its jobs run, which arguments each engine takes, and why.

Two tables, `ENGINES` and `WORKERS`, hold every argument that is handed to Beam; `choose` reads the
settings against them. The steps of the pipeline know nothing of it.

Sources: https://beam.apache.org/documentation/runtime/sdk-harness-config/ (environments),
https://beam.apache.org/contribute/runner-guide/ (the Job API).
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from components.errors import ConfigurationError, did_you_mean
from components.storage.place import Place

LOCAL, PORTABLE, FLINK, SPARK, DATAFLOW = "local", "portable", "flink", "spark", "dataflow"
LOOPBACK, EXTERNAL, PROCESS, CONTAINER = "loopback", "external", "process", "container"
IN_MEMORY, MULTI_PROCESSING = "in_memory", "multi_processing"

# What task managers are told by default: a pool on their own machine, at Beam's usual port.
DEFAULT_POOL_PORT = 50000
DEFAULT_POOL = f"localhost:{DEFAULT_POOL_PORT}"
MOST_PROCESSES = 1_024
WORKER_PROGRAM = "sentiment-worker"

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Argument:
    """One argument of Beam's.

    Attributes:
      text: As Beam takes it; what stands in braces is filled in from the settings.
      reason: Why it is given.
      is_of_place: Whether it says where a job runs and nothing of what the job does. Such an
        argument is handed over when a job starts, and is no part of the cache's keys: a job server
        at another port makes no step run again.
    """

    text: str
    reason: str
    is_of_place: bool = False

    def filled(self, values: Mapping[str, str]) -> str:
        """Returns the argument with its values."""
        return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], self.text)

    @property
    def flag(self) -> str:
        """Returns its name, without dashes."""
        return self.text.removeprefix("--").split("=", 1)[0]


@dataclass(frozen=True)
class Workers:
    """Who starts the processes that run our code.

    Attributes:
      name: The value of `--beam-workers`.
      what: What it means, in a line.
      arguments: What Beam is given.
      takes: What may stand behind `=`; empty if nothing may.
    """

    name: str
    what: str
    arguments: tuple[Argument, ...]
    takes: str = ""


@dataclass(frozen=True)
class Engine:
    """Something that runs Beam's jobs.

    Attributes:
      name: The value of `--beam`.
      what: What it is, in a line.
      arguments: What Beam is given.
      workers: The ways in which its workers may be started; the first is the default. None are
        named where the engine has its own.
      required: Options that `--beam-options` must name.
      is_portable: Whether it is asked by the Job API, at `--beam-endpoint`.
    """

    name: str
    what: str
    arguments: tuple[Argument, ...]
    workers: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    is_portable: bool = False


Named = TypeVar("Named", Workers, Engine)


def _by_name(*each: Named) -> Mapping[str, Named]:
    return {one.name: one for one in each}


_NOT_PACKED = Argument(
    "--sdk_container_image=none",
    "if an image is named, whichever, TFX does not pack itself for every job, which takes seconds, "
    "leaves files in /tmp, and has workers run pip",
)
_JOB_API = (
    Argument(
        "--runner=pipeline.runners.portable_beam.PortableBeamRunner",
        "Beam's PortableRunner, whose errors are told in a line and whose jobs are cancelled when "
        "the run is interrupted; Beam's own FlinkRunner and SparkRunner start a job server from a "
        "jar that they download",
    ),
    _NOT_PACKED,
    Argument("--job_endpoint={endpoint}", "where the job server listens", is_of_place=True),
    Argument(
        "--job_server_timeout=8640000",
        "100 days: Beam takes it for the length of the whole job as well, and the default ends "
        "every job after 5 minutes; that the server answers is asked before the first step",
        is_of_place=True,
    ),
    Argument(
        "--sentiment_working_folder={working_folder}",
        "workers of ours work in it, so that the relative paths that a root records mean the same "
        "to them",
        is_of_place=True,
    ),
)
_ALL_WORKERS = (LOOPBACK, EXTERNAL, PROCESS, CONTAINER)

WORKERS: Mapping[str, Workers] = _by_name(
    Workers(
        LOOPBACK,
        "threads of the command itself; the job server must be on the same machine",
        (
            Argument(
                "--environment_type=LOOPBACK",
                "the job server connects back to this process",
                is_of_place=True,
            ),
        ),
    ),
    Workers(
        EXTERNAL,
        f"processes that `sentiment worker` starts beside each task manager ({DEFAULT_POOL})",
        (
            Argument(
                "--environment_type=EXTERNAL",
                "a pool that is there already is asked to start workers",
                is_of_place=True,
            ),
            Argument(
                "--environment_config={workers}",
                "where the pool listens, as the task managers see it",
                is_of_place=True,
            ),
        ),
        takes="ADDRESS",
    ),
    Workers(
        PROCESS,
        f"processes that the task manager starts: {WORKER_PROGRAM}, installed on its machine",
        (
            Argument(
                "--environment_type=PROCESS",
                "the task manager starts a program for each worker",
                is_of_place=True,
            ),
            Argument(
                '--environment_config={"command": {workers}}',
                "the program, which has our code beside it",
                is_of_place=True,
            ),
        ),
        takes="PROGRAM",
    ),
    Workers(
        CONTAINER,
        "containers of an image of ours",
        (
            Argument(
                "--environment_type=DOCKER",
                "the task manager starts a container for each worker",
                is_of_place=True,
            ),
            Argument(
                "--environment_config={workers}",
                "the image, which holds our code: nothing is installed when a job starts",
                is_of_place=True,
            ),
        ),
        takes="IMAGE",
    ),
)

ENGINES: Mapping[str, Engine] = _by_name(
    Engine(
        LOCAL,
        "this machine, by Beam's FnApiRunner",
        (
            Argument(
                "--runner=pipeline.runners.local_beam.LocalBeamRunner",
                "Beam's default, DirectRunner, hands over to a binary that it downloads",
            ),
            Argument(
                "--direct_running_mode={mode}",
                "threads of this process, or processes, which import TensorFlow anew for each "
                "job; by the size of the data",
            ),
            Argument(
                "--direct_num_workers={processes}",
                "as many processes as asked for; 0 is one a core, and in memory there is one",
            ),
            _NOT_PACKED,
        ),
    ),
    Engine(
        PORTABLE,
        "a job server that speaks Beam's Job API, such as Prism",
        _JOB_API,
        _ALL_WORKERS,
        is_portable=True,
    ),
    Engine(FLINK, "Flink, by its job server", _JOB_API, _ALL_WORKERS, is_portable=True),
    Engine(SPARK, "Spark, by its job server", _JOB_API, _ALL_WORKERS, is_portable=True),
    Engine(
        DATAFLOW,
        "Google Cloud Dataflow",
        (
            Argument("--runner=DataflowRunner", "Beam's own, which asks Google Cloud's API"),
            Argument(
                "--sdk_container_image={workers}",
                "the image, which holds our code: nothing is packed or installed when a job starts",
            ),
            Argument(
                "--sdk_location=container",
                "Beam is taken from the image as well, in the version that made the job",
            ),
            Argument(
                "--experiments=use_runner_v2",
                "an image of one's own needs Dataflow's portable workers",
            ),
        ),
        (CONTAINER,),
        required=("project", "region", "temp_location"),
    ),
)


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


def markdown() -> str:
    """Returns the tables of all arguments, for the pages."""
    lines = []
    seen: list[tuple[Argument, ...]] = []
    for engine in ENGINES.values():
        if engine.arguments in seen:
            continue
        seen.append(engine.arguments)
        names = [name for name, each in ENGINES.items() if each.arguments == engine.arguments]
        lines += [f"`--beam {'`, `--beam '.join(names)}`:", "", *_rows(engine.arguments), ""]
    for workers in WORKERS.values():
        value = f"[={workers.takes}]" if workers.takes else ""
        lines += [
            f"`--beam-workers {workers.name}{value}`, {workers.what}:",
            "",
            *_rows(workers.arguments),
            "",
        ]
    return "\n".join(lines).rstrip()


def _rows(arguments: tuple[Argument, ...]) -> list[str]:
    head = ["| argument | why |", "|---|---|"]
    return [*head, *(f"| `{each.text}` | {each.reason} |" for each in arguments)]


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
