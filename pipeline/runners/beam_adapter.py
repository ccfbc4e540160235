"""What is used of Apache Beam beyond its public names: how FnApiRunner starts a worker process.

Another release may change it without notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apache_beam.portability.api import beam_runner_api_pb2

LIBRARY = "apache-beam"


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

    sdk_worker_main.main(list(arguments))
