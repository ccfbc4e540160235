"""`sentiment status`: the versions that a server knows."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from pipeline import extras
from pipeline.commands.command import Command, add_debug
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.console.messages import tell
from serving.errors import ServingError

if TYPE_CHECKING:
    from serving.client import Client

EXIT_AVAILABLE, EXIT_NOT_AVAILABLE = 0, 1
# How many names of classes are shown, and how many characters of one.
MOST_NAMES, MOST_CHARACTERS = 10, 40
# The names are an extra: a busy server is not waited for.
_SECONDS = 5.0
_HEALTH_SECONDS = 5.0


COMMAND = Command(
    "status",
    help="ask a server for its versions",
    description="Lists the versions of a model, and the classes of the one that answers. Exit code "
    "0 if one of them answers, else 1. With --health it only asks whether the server serves.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        "--server",
        default="localhost:8500",
        help="localhost:8500 (gRPC) or http://localhost:8501 (REST) (default: %(default)s)",
    )
    parser.add_argument("--model-name", default=DEFAULT_MODEL_NAME, help="default: %(default)s")
    parser.add_argument(
        "--health",
        action="store_true",
        help="ask no model, but gRPC's health service, which `sentiment serve "
        "--enable_grpc_healthcheck_service` has; exit code 0 if the server serves, else 1",
    )
    add_debug(parser)


def run(options: dict[str, Any]) -> int:
    """Prints a line for each version, the newest first; or whether the server serves.

    Raises:
      ServingError: The server does not answer, or does not know the model.
    """
    extras.require(extras.CLIENT, "status")
    if options["health"]:
        from serving.client import health

        health.check(options["server"], _HEALTH_SECONDS)
        tell(f"{options['server']} serves.", sys.stdout)
        return EXIT_AVAILABLE
    from serving.client import Client

    with Client(options["server"], model=options["model_name"]) as client:
        versions = client.status()
        available = [one.version for one in versions if one.state == "AVAILABLE"]
        of_version, classes = _classes(client) if available else (None, "")
    for version in versions:
        more = classes if version.version == of_version else ""
        if version.error_code != "OK":
            more = f"{version.error_code}: {version.error_message}"
        tell(f"{version.version}  {version.state:<9}  {more}".rstrip(), sys.stdout)
    return EXIT_AVAILABLE if available else EXIT_NOT_AVAILABLE


def _classes(client: Client) -> tuple[int | None, str]:
    """Returns the version that answers and its classes in words; nothing if it does not tell."""
    try:
        (answer,) = client.classify([""], timeout=_SECONDS)
    except ServingError:
        return None, ""
    names = list(answer.scores)
    shown = [
        name if len(name) <= MOST_CHARACTERS else f"{name[:MOST_CHARACTERS]}…"
        for name in names[:MOST_NAMES]
    ]
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return answer.model_version, f"{len(names):,} classes: {', '.join(shown)}{more}"
