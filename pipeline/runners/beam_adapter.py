"""What is used of Apache Beam beyond its public names.

How FnApiRunner starts a worker process, and where Beam asks for the arguments of functions.
Another release may change it without notice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apache_beam.portability.api import beam_runner_api_pb2

LIBRARY = "apache-beam"

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

    read_arguments_directly()
    sdk_worker_main.main(list(arguments))


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
