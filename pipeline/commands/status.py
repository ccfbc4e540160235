"""`sentiment status`: the versions that a server knows."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipeline import extras
from pipeline.commands.command import Command, add_debug
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.console.messages import tell

EXIT_AVAILABLE, EXIT_NOT_AVAILABLE = 0, 1


COMMAND = Command(
    "status",
    help="ask a server for its versions",
    description="Lists the versions of a model. Exit code 0 if one of them answers, else 1.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        "--server",
        default="localhost:8500",
        help="localhost:8500 (gRPC) or http://localhost:8501 (REST) (default: %(default)s)",
    )
    parser.add_argument("--model-name", default=DEFAULT_MODEL_NAME, help="default: %(default)s")
    add_debug(parser)


def run(options: dict[str, Any]) -> int:
    """Prints a line for each version, the newest first.

    Raises:
      ServingError: The server does not answer, or does not know the model.
    """
    extras.require(extras.CLIENT, "status")
    from serving.client import Client

    with Client(options["server"], model=options["model_name"]) as client:
        versions = client.status()
    for version in versions:
        why = "" if version.error_code == "OK" else f"{version.error_code}: {version.error_message}"
        tell(f"{version.version}  {version.state:<9}  {why}".rstrip(), sys.stdout)
    is_available = any(version.state == "AVAILABLE" for version in versions)
    return EXIT_AVAILABLE if is_available else EXIT_NOT_AVAILABLE
