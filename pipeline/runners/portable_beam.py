"""Beam's jobs on a job server that speaks the Job API: Prism, Flink's, Spark's.

Beam's PortableRunner does the work. Added to it: where a job runs is said when it starts, and not
when the pipeline is made; a job is cancelled when the run is interrupted; errors of the server, and
of workers that ended, are told in one line.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineResult
from apache_beam.transforms import environments

from components.errors import EngineError, raised_in_worker
from pipeline.runners import beam_adapter

_LOG = logging.getLogger(__name__)
_PLACE: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("place", default=())
# Given when the pipeline was made, and said anew when it starts.
_REPLACED = ("runner", "sdk_container_image", "labels")

_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_LAST_OF_TRACEBACK = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception|Exit)): (.+)$", re.MULTILINE)
_WORKER_GONE = re.compile(
    r"SDK worker disconnected|didn't get control connection|SDK harness .*disconnected|"
    r"worker was failing|Timed out.* waiting for .*(?:environment|worker)|Task ?Executor .*lost",
    re.IGNORECASE,
)


class WorkerOptions(PipelineOptions):
    """What is told to workers of ours besides Beam's own options."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        parser.add_argument(f"--{beam_adapter.WORKING_FOLDER}", default=None)


@contextlib.contextmanager
def jobs_at(arguments: Sequence[str]) -> Iterator[None]:
    """Has the jobs that start in this block take more arguments: where and how they run."""
    token = _PLACE.set(tuple(arguments))
    try:
        yield
    finally:
        _PLACE.reset(token)


class PortableBeamRunner(PortableRunner):
    """Runs jobs where `jobs_at` says."""

    def __init__(self) -> None:
        """Takes nothing, as Beam makes it."""
        beam_adapter.avoid_repeated_work()
        super().__init__()

    def run_pipeline(self, pipeline: Any, options: PipelineOptions) -> PipelineResult:
        """Starts a job.

        Raises:
          EngineError: The job server does not take it.
        """
        placed = _placed(options)
        endpoint = placed.view_as(PortableOptions).job_endpoint
        if not endpoint:
            raise EngineError("No job server is named. Expected --beam-endpoint HOST:PORT.")
        try:
            result = super().run_pipeline(pipeline, placed)
        except (grpc.RpcError, grpc.FutureTimeoutError) as error:
            raise EngineError(
                f"The job server at {endpoint} did not take the job: {_words_of(error)}."
            ) from error
        return explaining(result, endpoint)

    @staticmethod
    def start_and_replace_loopback_environments(
        pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> list[Any]:
        """Starts workers as threads of this process, which listen to this machine alone."""
        callbacks = []
        for environment in pipeline.components.environments.values():
            if environment.urn == python_urns.EMBEDDED_PYTHON_LOOPBACK:
                address, server = beam_adapter.start_worker_threads(options)
                external = environments.ExternalEnvironment(address).to_runner_api(None)
                environment.urn, environment.payload = external.urn, external.payload
                callbacks.append(functools.partial(server.stop, 1))
        return callbacks


def _placed(options: PipelineOptions) -> PipelineOptions:
    """Returns what the pipeline was made with, and what `jobs_at` adds; lists have both."""
    added = PipelineOptions(list(_PLACE.get())).get_all_options(drop_default=True)
    kept = {
        name: [*value, *added.get(name, [])] if isinstance(value, list) else value
        for name, value in options.get_all_options(drop_default=True).items()
        if name not in _REPLACED
    }
    return PipelineOptions(list(_PLACE.get()), **kept)


def explaining(result: Any, endpoint: str) -> Any:
    """Returns a running job, which cancels itself on an interrupt and explains how it failed."""
    wait = result.wait_until_finish

    @functools.wraps(wait)
    def wait_until_finish(duration: int | None = None) -> Any:
        try:
            return wait(duration)
        except grpc.RpcError as error:
            raise EngineError(
                f"The job server at {endpoint} went away in the middle of a job: "
                f"{_words_of(error)}. Start it and run again; what was finished is kept."
            ) from error
        except RuntimeError as error:
            if explained := explanation(str(error), endpoint):
                raise explained from error
            raise
        except BaseException:
            _cancel(result)
            raise

    result.wait_until_finish = wait_until_finish
    return result


def without_module(name: str) -> EngineError:
    """Returns the error of a worker that cannot import a module."""
    return EngineError(
        f"A worker has no Python module '{name}'. Workers need this package, with its "
        "extra `pipeline`, in the version of the command: start them by `sentiment worker` "
        "from such an environment, or name an image that holds it."
    )


def explanation(text: str, endpoint: str) -> EngineError | None:
    """Returns what a job's failure means; None where it is an error of ours, told as it is.

    Args:
      text: What the job server said, with the traceback of a worker in it, if one raised.
      endpoint: Where the job server listens.
    """
    if raised_in_worker(RuntimeError(text)):
        return None
    if found := _NO_MODULE.search(text):
        return without_module(found[1])
    if _WORKER_GONE.search(text):
        return EngineError(
            f"A worker of the job server at {endpoint} ended before its job did, or never came "
            "to it: it was killed, ran out of memory, or crashed. Its own output says more. Run "
            "again; what was finished is kept."
        )
    raised = _LAST_OF_TRACEBACK.findall(text)
    lines = text.strip().splitlines()
    said = ": ".join(raised[-1]) if raised else (lines[0] if lines else "it gave no reason")
    return EngineError(f"A job at {endpoint} failed: {said[:500]}")


def _words_of(error: BaseException) -> str:
    """Returns what gRPC says of a failed call."""
    if isinstance(error, grpc.FutureTimeoutError):
        return "it does not answer"
    details = error.details() if hasattr(error, "details") else str(error)
    code = error.code().name if hasattr(error, "code") else type(error).__name__
    return f"{code}, {str(details).splitlines()[0][:300]}" if details else code


def _cancel(result: Any) -> None:
    try:
        result.cancel()
    except Exception:  # the first error is the one to tell
        _LOG.exception("The job could not be cancelled.")
