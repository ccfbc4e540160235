"""Asks a job server and its workers, before the first step, whether they can do the work.

First what `job_server` finds; then a job of one element, which tells what a worker has: its Beam,
the job server's, and the shared folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError, EngineError, did_you_mean
from components.storage import files
from components.storage.place import Place
from pipeline.engine_choice import EngineChoice
from pipeline.root import working_in
from pipeline.runners import beam_adapter
from pipeline.runners.job_server import ask, check_version

# A worker imports Beam, which takes a while on a machine that is busy; one that fails says so at
# once.
JOB_SECONDS = 60.0
# In the report of a worker, see `_probe`.
_MISSING = "missing"


def check_engine(choice: EngineChoice, folder: Place) -> None:
    """Checks what can be known before a job.

    Args:
      choice: The engine.
      folder: The folder that command and workers share; it exists.

    Raises:
      ConfigurationError: An option is unknown, or an address is not the right one.
      EngineError: The job server or its workers are not there, or do not suit.
    """
    check_options(choice, ask(choice))
    if choice.engine.is_portable:
        _check_workers(choice, folder)


def check_options(choice: EngineChoice, known: frozenset[str]) -> None:
    """Refuses options that neither Beam nor the job server knows.

    Args:
      choice: The engine and its options.
      known: Names of those that the job server describes; an engine may take more of its own,
        which go by `--experiments`.

    Raises:
      ConfigurationError: Names the first unknown one, and the nearest known.
    """
    if not choice.options:
        return
    from apache_beam.options import pipeline_options  # also of Google Cloud, where installed

    parser = _Parser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for kind in _kinds(pipeline_options.PipelineOptions):
        kind._add_argparse_args(parser)
    for name in known:
        parser.add_argument(f"--{name}")
    try:
        unknown = parser.parse_known_args(list(choice.options))[1]
    except _ParsingError as error:
        raise ConfigurationError(f"--beam-options: {error}.") from error
    for word in unknown:
        name = word.split("=", 1)[0]
        flags = sorted(parser._option_string_actions)
        raise ConfigurationError(
            f"--beam-options has {name}, which neither Beam"
            f"{' nor the job server' if choice.engine.is_portable else ''} knows."
            f"{did_you_mean(name, flags)} The options are those of "
            "apache_beam.options.pipeline_options and of the engine."
        )


class _ParsingError(Exception):
    """An option has no value, or a wrong one."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise _ParsingError(message)


def _kinds(base: Any) -> Iterator[Any]:
    for kind in base.__subclasses__():
        if "_add_argparse_args" in vars(kind):
            yield kind
        yield from _kinds(kind)


def _check_workers(choice: EngineChoice, folder: Place) -> None:
    endpoint = choice.values["endpoint"]
    with _shared_folder(folder) as shared, working_in(folder):
        report = shared / "report.json"
        _run_in_time(choice, folder, report)
        if not report.is_file():
            raise EngineError(
                f"A worker of the job server at {endpoint} wrote a file to {shared}, and it is not "
                "here. The command and its workers must share the folder, under the same name on "
                "each machine."
            )
        found = json.loads(report.read_text())
    if _MISSING in found:
        from pipeline.runners.portable_beam import without_module

        raise without_module(found[_MISSING])
    check_version(found["beam"], f"A worker of {endpoint}")
    check_version(found["runner"], f"The job server at {endpoint}")
    if isinstance(folder, Path) and found["folder"] != str(folder):
        raise EngineError(
            f"A worker of {endpoint} works in {found['folder']} instead of {folder}, where "
            "relative paths begin: it is not one of ours. Start workers by `sentiment worker` or "
            "sentiment-worker."
        )


@contextlib.contextmanager
def _shared_folder(folder: Place) -> Iterator[Place]:
    """Makes a folder for the block, which workers see."""
    if isinstance(folder, Path):
        with tempfile.TemporaryDirectory(prefix=".engine-", dir=folder) as made:
            yield Path(made)
        return
    shared = folder / f".engine-{uuid.uuid4()}"
    files.make_folder(str(shared))
    try:
        yield shared
    finally:
        files.remove_folder(str(shared))


def _run_in_time(choice: EngineChoice, folder: Place, report: Place) -> None:
    """Runs the job of one element.

    Raises:
      EngineError: It failed, or no worker came.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.runners.portable_beam import jobs_at

    ended: list[BaseException | None] = []
    started: list[Any] = []

    def work() -> None:
        try:
            with jobs_at(choice.arguments_of_place(folder)):
                pipeline = beam.Pipeline(options=PipelineOptions(list(choice.arguments())))
                _ = pipeline | beam.Create([str(report)]) | beam.Map(_probe())
                started.append(pipeline.run())
                started[0].wait_until_finish()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(JOB_SECONDS)
    if not ended:
        for result in started:
            threading.Thread(target=result.cancel, daemon=True).start()
        assert choice.workers
        raise EngineError(
            f"The job server at {choice.values['endpoint']} took a first small job, and no worker "
            f"has done it within {JOB_SECONDS:.0f} seconds. Is --beam-workers "
            f"{choice.workers.name} right, and can its task managers start such workers? Their "
            "output says more."
        )
    if ended[0]:
        raise ended[0]


def _probe() -> Callable[[str], None]:
    """Returns `describe_worker` for workers that may lack this package; they write what they lack.

    A function within a function is pickled with its code, which needs no module of ours. A worker
    that could not unpickle it would say so too, but Prism 2.74 does not always end such a job.
    """

    def probe(path: str) -> None:
        try:
            from pipeline.runners.engine_check import describe_worker
        except ModuleNotFoundError as error:
            from apache_beam.io.filesystems import FileSystems

            with FileSystems.create(path) as report:
                report.write(json.dumps({_MISSING: error.name}).encode())
        else:
            describe_worker(path)

    return probe


def describe_worker(path: str) -> None:
    """Writes what this process, a worker, is and where it works to `path`.

    Raises:
      EngineError: Its folder is not there, or cannot be written to.
    """
    import apache_beam

    shared = files.parent_of(path)
    # An object store has no empty folders.
    if not files.is_remote(shared) and not files.is_folder(shared):
        raise EngineError(
            f"A worker on {os.uname().nodename} sees no folder {files.parent_of(shared)}, or "
            "another one. The command and its workers must share it, under the same name on each "
            "machine."
        )
    report = {
        "beam": apache_beam.__version__,
        "runner": os.environ.get(beam_adapter.RUNNER_VERSION, ""),
        "folder": os.getcwd(),
    }
    try:
        files.write_text(path, json.dumps(report))
    except OSError as error:
        raise EngineError(
            f"A worker on {os.uname().nodename} cannot write to {files.parent_of(shared)}: "
            f"{error.strerror or error}. Workers need what the command has for it: the address of "
            "the store, its account, and the libraries."
        ) from error
