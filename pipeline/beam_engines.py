"""Beam's engines: where its jobs run, which arguments each engine takes, and why.

Two tables, `ENGINES` and `WORKERS`, hold every argument that is handed to Beam; `engine_choice`
reads the settings against them. The steps of the pipeline know nothing of it.

Sources: https://beam.apache.org/documentation/runtime/sdk-harness-config/ (environments),
https://beam.apache.org/contribute/runner-guide/ (the Job API).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

LOCAL, PORTABLE, FLINK, SPARK, DATAFLOW = "local", "portable", "flink", "spark", "dataflow"
LOOPBACK, EXTERNAL, PROCESS, CONTAINER = "loopback", "external", "process", "container"
IN_MEMORY, MULTI_PROCESSING = "in_memory", "multi_processing"

# What task managers are told by default: a pool on their own machine, at Beam's usual port.
DEFAULT_POOL_PORT = 50000
DEFAULT_POOL = f"localhost:{DEFAULT_POOL_PORT}"
MOST_PROCESSES = 1_024
WORKER_PROGRAM = "sentiment-worker"


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
