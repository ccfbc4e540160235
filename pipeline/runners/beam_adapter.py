"""What is used of Apache Beam beyond its public names.

How FnApiRunner starts a worker process, how a worker is started for a job server, and two places
where Beam does the same work again and again. Another release may change it without notice.
"""

from __future__ import annotations

import contextlib
import functools
import os
import weakref
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apache_beam.portability.api import beam_runner_api_pb2

LIBRARY = "apache-beam"

# The pipeline's option with which a worker learns where relative paths begin.
WORKING_FOLDER = "sentiment_working_folder"
# What a worker knows of the job server, for `engine_check`: environment variables.
RUNNER_VERSION = "SENTIMENT_RUNNER_VERSION"
_PROVISION_SECONDS = 30

# What `inspect.signature` follows from a function to a signature that is not its own.
_FOLLOWED = {"__wrapped__", "__signature__", "_partialmethod", "__partialmethod__"}


def replace_worker_command(pipeline_proto: beam_runner_api_pb2.Pipeline, command: str) -> None:
    """Has a shell run `command` for each worker process of a pipeline, which is changed."""
    from apache_beam.portability import python_urns

    for environment in pipeline_proto.components.environments.values():
        if environment.urn == python_urns.SUBPROCESS_SDK:
            environment.payload = command.encode()


def work(arguments: Sequence[str]) -> None:
    """Is a worker process, until Beam says that it is over.

    Args:
      arguments: The worker's command line, sys.argv.
    """
    from apache_beam.runners.worker import sdk_worker_main

    avoid_repeated_work()
    sdk_worker_main.main(list(arguments))


def work_for_job_server(problem: str = "") -> None:
    """Is a worker process of a job server, as `sdk_worker_main` reads it from the environment.

    Args:
      problem: Why it cannot do its work, if so: every job that comes to it fails with these words.
    """
    from apache_beam.runners.worker import sdk_worker_main

    from components.errors import EngineError

    avoid_repeated_work()
    log_handler, harness, _ = sdk_worker_main.create_harness(os.environ)
    if problem:
        # One that ended without a word would leave the job waiting.
        harness._deferred_exception = EngineError(problem)
    try:
        harness.run()
    finally:
        if log_handler:
            log_handler.close()


def provision_info(endpoint: str, worker_id: str) -> Any:
    """Returns what a job server tells a worker, a `beam_provision_api_pb2.ProvisionInfo`.

    Raises:
      grpc.RpcError: It does not answer within half a minute.
    """
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2 as messages
    from apache_beam.portability.api import beam_provision_api_pb2_grpc as services

    with grpc.insecure_channel(endpoint) as channel:
        return (
            services.ProvisionServiceStub(channel)
            .GetProvisionInfo(
                messages.GetProvisionInfoRequest(),
                metadata=[("worker_id", worker_id)],
                timeout=_PROVISION_SECONDS,
                wait_for_ready=True,
            )
            .info
        )


def start_worker_threads(options: Any) -> tuple[str, Any]:
    """Starts a pool whose workers are threads of this process, for a job server on this machine.

    Beam's own listens on all addresses, and asks the job server nothing.

    Returns:
      Its address, and the gRPC server, to be stopped.
    """
    from apache_beam.runners.worker import sdk_worker_main, worker_pool_main

    class Pool(worker_pool_main.BeamFnExternalWorkerPoolServicer):
        def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802, gRPC's name
            with contextlib.suppress(Exception):  # a server need not tell it
                info = provision_info(request.provision_endpoint.url, request.worker_id)
                os.environ[RUNNER_VERSION] = info.metadata.get("runner_version", "")
            return super().StartWorker(request, context)

    size = sdk_worker_main._get_state_cache_size_bytes(options=options)
    return serve_pool(Pool(state_cache_size=size), "localhost:0")


def serve_pool(pool: Any, address: str) -> tuple[str, Any]:
    """Starts a gRPC server for a pool of workers.

    Args:
      pool: A BeamFnExternalWorkerPoolServicer.
      address: HOST:PORT; a port of 0 is any.

    Returns:
      Its address, and the server.

    Raises:
      RuntimeError: The address is taken.
    """
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2_grpc
    from apache_beam.utils import thread_pool_executor

    options = [
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.max_ping_strikes", 0),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(thread_pool_executor.shared_unbounded_instance(), options=options)
    host = address.rpartition(":")[0]
    port = server.add_insecure_port(address)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    return f"{host}:{port}", server


def avoid_repeated_work() -> None:
    """Saves up to half of the CPU time of a short run's pipelines, in this process.

    What pipelines do, and what they write, stays the same.
    """
    read_arguments_directly()
    parse_options_once()


def parse_options_once() -> None:
    """Has Beam, in this process, parse the flags of a view of a pipeline's options once.

    Beam looks at its options several times for each transform, and each time makes a parser of
    command lines. Views of one object share their values, so that one of a class is as good as two.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    parse = PipelineOptions.view_as
    if hasattr(parse, "__wrapped__"):  # by an earlier call
        return
    # A view does not refer to the object that it was asked of.
    views: weakref.WeakKeyDictionary[PipelineOptions, dict[type, PipelineOptions]]
    views = weakref.WeakKeyDictionary()

    @functools.wraps(parse)
    def view_as(self: PipelineOptions, cls: type[PipelineOptions]) -> PipelineOptions:
        of_self = views.setdefault(self, {})
        view = of_self.get(cls)
        if view is None or view._all_options is not self._all_options:
            view = of_self[cls] = parse(self, cls)
        return view

    PipelineOptions.view_as = view_as


def read_arguments_directly() -> None:
    """Has Beam, in this process, read the arguments of plain functions off the functions.

    Beam asks for those of a dozen methods of each DoFn in each bundle, by `inspect.signature`: up
    to a quarter of the CPU time of a short run. All other callables are asked about as before.
    """
    from apache_beam.transforms import core

    ask = core.get_function_args_defaults
    if isinstance(ask, functools.partial):  # by an earlier call
        return
    core.get_function_args_defaults = functools.partial(arguments_and_defaults, ask)


def arguments_and_defaults(
    ask: Callable[[Any], tuple[list[str], list[Any]]], function: Any
) -> tuple[list[str], list[Any]]:
    """Returns the names of the positional arguments that are not bound, and their defaults.

    Args:
      ask: Answers for what is neither a plain function nor a method of one.
      function: Any callable. Nothing is kept of it, and the lists are new each time.
    """
    plain = function.__func__ if isinstance(function, MethodType) else function
    bound = 0 if plain is function else 1
    if not isinstance(plain, FunctionType) or not _FOLLOWED.isdisjoint(plain.__dict__):
        return ask(function)
    count = plain.__code__.co_argcount
    if count < bound:  # `def method(*arguments)` takes its object by them
        return ask(function)
    defaults = list(plain.__defaults__ or ())
    return list(plain.__code__.co_varnames[bound:count]), defaults[
        max(0, len(defaults) - count + bound) :
    ]
