"""Asks a job server what it tells without a job; Beam, which takes seconds to import, is not used.

First the sockets, which answer at once; then the Job API, whether it is one.

Source: https://github.com/apache/beam/blob/v2.74.0/model/job-management/src/main/proto/org/apache/beam/model/job_management/v1/beam_job_api.proto
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from importlib.metadata import version
from typing import Any

from components.errors import ConfigurationError, EngineError
from pipeline.beam_engines import EXTERNAL, LOOPBACK, PROCESS
from pipeline.engine_choice import EngineChoice, address_of
from pipeline.runners import beam_adapter
from serving.message_classes import message_classes

# Less than 10 seconds together.
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
PACKAGE = "org.apache.beam.model.job_management.v1"
DESCRIBE = f"/{PACKAGE}.JobService/DescribePipelineOptions"
_BEAM_VERSION = re.compile(r"Apache_Beam_SDK_for_\w+/(\d+\.\d+\.\d+)")


def ask(choice: EngineChoice) -> frozenset[str]:
    """Returns the names of the options that an engine's job server describes; none without one.

    Raises:
      ConfigurationError: Its workers cannot be where they are said to be.
      EngineError: It, or a pool of workers, is not there, or is something else.
    """
    if not choice.engine.is_portable:
        return frozenset()
    _check_sockets(choice)
    return described_options(choice.values["endpoint"])


def _check_sockets(choice: EngineChoice) -> None:
    endpoint = choice.values["endpoint"]
    assert choice.workers
    host, port = address_of("--beam-endpoint", endpoint)
    _connect(
        host,
        port,
        f"Nobody listens at --beam-endpoint {endpoint}: {{}}. Start the job server of "
        f"--beam {choice.engine.name} there, or correct the address.",
    )
    is_local = _is_of_this_machine(host)
    if choice.workers.name == LOOPBACK and not is_local:
        raise ConfigurationError(
            f"--beam-workers loopback: the job server at {endpoint} is another machine, and "
            "cannot reach threads of this one. Choose --beam-workers external and start `sentiment "
            "worker` beside each of its task managers."
        )
    if choice.workers.name == EXTERNAL and is_local:
        # Of a pool elsewhere, the task managers alone know whether it is there.
        pool = choice.values["workers"]
        _connect(
            *address_of("--beam-workers external", pool),
            f"No pool of workers listens at {pool}: {{}}. Start it by `sentiment worker --port "
            f"{pool.rpartition(':')[2]}`, or name its address by --beam-workers external=ADDRESS.",
        )
    if choice.workers.name == PROCESS and is_local:
        program = json.loads(choice.values["workers"])
        if not os.access(program, os.X_OK):
            raise EngineError(
                f"--beam-workers process: there is no program {program}. Install the package "
                "with its extra `pipeline`, which has it as sentiment-worker, and name its path."
            )


def _connect(host: str, port: int, objection: str) -> None:
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        reason = "it does not answer" if isinstance(error, TimeoutError) else error.strerror
        raise EngineError(objection.format(reason or error)) from error


def _is_of_this_machine(host: str) -> bool:
    """Returns whether an address is one of this machine's: only such can be listened at."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, protocol, _, address in found:
        with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as tried:
            tried.bind(address)
            return True
    return False


def described_options(endpoint: str) -> frozenset[str]:
    """Returns the names of the options that a job server says it knows; Prism says none.

    Raises:
      EngineError: It is no job server, or one of another version, where it says its version.
    """
    import grpc

    response = message_classes(
        PACKAGE,
        {
            "PipelineOptionDescriptor": ["string name = 1", "string default_value = 4"],
            "DescribePipelineOptionsResponse": ["repeated PipelineOptionDescriptor options = 1"],
        },
    )["DescribePipelineOptionsResponse"]
    with grpc.insecure_channel(endpoint) as channel:
        describe = channel.unary_unary(DESCRIBE, None, response.FromString)
        try:
            described = describe(b"", timeout=ANSWER_SECONDS, wait_for_ready=True)
        except grpc.RpcError as error:
            raise EngineError(
                f"What listens at --beam-endpoint {endpoint} is no job server of Beam's: asked "
                f"for its options, it {_answer(error)}. Name the job server's own port "
                "(often 8099), not that of the engine's REST API, its page, or its artifacts."
            ) from error
    for option in described.options:
        if found := _BEAM_VERSION.search(option.default_value):
            check_version(found[1], f"The job server at {endpoint}")
    return frozenset(option.name for option in described.options)


def _answer(error: Any) -> str:
    name: str = error.code().name
    if name == "DEADLINE_EXCEEDED":
        return f"says nothing that can be understood within {ANSWER_SECONDS:.0f} seconds"
    return f"answers {name}"


def check_version(found: str, whose: str) -> None:
    """Refuses another version of Beam than that of this command.

    Args:
      found: The version; "" if it is not known.
      whose: In words.

    Raises:
      EngineError: It differs by more than its last number.
    """
    own = version(beam_adapter.LIBRARY)
    if found and found.split(".")[:2] != own.split(".")[:2]:
        raise EngineError(
            f"{whose} has Beam {found}, and this command has {own}. Jobs hold "
            "pickled code of the latter: install the same version on both sides."
        )
