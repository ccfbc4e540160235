"""`sentiment worker`: starts workers for a job server of Beam's that asks for them."""

from __future__ import annotations

import argparse
import os
import signal
import warnings
from importlib.metadata import version
from typing import Any

from components.errors import ConfigurationError
from pipeline import extras
from pipeline.beam_engines import DEFAULT_POOL_PORT
from pipeline.commands.command import Command, add_debug
from pipeline.console.messages import tell

_MOST_PORT = 65_535
_LARGEST_POOL = 1_024
_LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]")

COMMAND = Command(
    "worker",
    usage="sentiment worker [--port N] [--host ADDRESS] [--most-workers N]",
    help="start workers for a job server of Beam's",
    description="Waits beside a task manager of Flink, Spark or another engine, and starts a "
    "process for each worker that it asks for, from this installation; see --beam-workers external "
    "of `sentiment run`. Ctrl-C or SIGTERM ends it and all its workers.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        "--port", default=str(DEFAULT_POOL_PORT), metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--host",
        default="localhost",
        metavar="ADDRESS",
        help="where it listens; whoever can reach it can have code run, so leave it local unless "
        "the network is your own (default: %(default)s)",
    )
    parser.add_argument(
        "--most-workers",
        default=str(os.cpu_count() or 1),
        metavar="N",
        help="how many processes there may be at a time (default: one for each core)",
    )
    add_debug(parser)


def run(options: dict[str, Any]) -> int:
    """Serves until it is told to stop; returns the exit code.

    Raises:
      ConfigurationError: A flag cannot be used, or the port is taken.
    """
    extras.require(extras.PIPELINE, "worker")
    port = _number("--port", options["port"], _MOST_PORT)
    most = _number("--most-workers", options["most_workers"], _LARGEST_POOL)
    # What libraries say of each other is not for who starts workers.
    warnings.simplefilter("ignore")
    import apache_beam

    from pipeline.runners.worker_pool import serving_pool

    host = options["host"]
    with serving_pool(
        f"{host}:{port}", most, lambda line: tell(f"sentiment worker: {line}")
    ) as address:
        tell(
            f"sentiment worker: waits at {address}; at most {most} at a time, Beam "
            f"{apache_beam.__version__}, sentiment {version('sentiment')}. Ctrl-C ends it."
        )
        if host not in _LOCAL:
            tell(
                f"sentiment worker: {host} is more than this machine, and nobody is asked for a "
                "password: whoever can reach the port can have code run."
            )
        while True:
            signal.pause()


def _number(flag: str, value: str, most: int) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
        raise ConfigurationError(
            f"{flag} is '{value}'; expected a whole number from 1 to {most:,}."
        )
    return int(value)
