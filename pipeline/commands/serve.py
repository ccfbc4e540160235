"""`sentiment serve`: starts a model server on the newest pushed versions."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import socket
import sys
from typing import Any

from components.errors import ConfigurationError
from pipeline import extras
from pipeline.commands.command import Command, add_debug, add_serving_dir, newest_pushed
from pipeline.console.messages import tell, tell_command
from pipeline.loading import read_environment
from serving import engines
from serving.server import flags as server_flags
from serving.server.flags import Flags

_OWN_MODEL = (
    "--model_base_path",
    "--model-base-path",
    "--model_config_file",
    "--model-config-file",
)
_ALL_ADDRESSES = ("0.0.0.0", "[::]")
_WHO_CAN_ASK = (
    "It listens on all addresses, without authentication: whoever can reach the ports can use "
    "them. In a container these are the published ports, on the published address: "
    "docker run -p 127.0.0.1:8501:8501 admits this machine alone."
)


COMMAND = Command(
    "serve",
    add_help=False,
    usage="sentiment serve [--engine ENGINE] [--root ROOT] [--serving-dir FOLDER]\n"
    "                       [--model-name NAME] [--FLAG ...]",
    help="serve a pushed model over gRPC and REST",
    description="Serves the newest pushed version, and each one that is pushed later.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its own flags. What it does not know itself are flags of the server."""
    parser.add_argument("-h", "--help", action=_Help, nargs=0, help="show all flags and exit")
    server_flags.add_version(parser)
    parser.add_argument(
        "--engine",
        choices=engines.ENGINES,
        default="auto",
        help="auto: tensorflow_model_server if it is on PATH, else embedded (default: %(default)s)",
    )
    add_serving_dir(parser)
    parser.add_argument(
        "--model-name", "--model_name", help="of the pushed model (default: the only one)"
    )
    add_debug(parser)
    parser.set_defaults(takes_more=True)


class _Help(argparse.Action):
    """Prints the command's own flags and then those of the server."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        print(parser.format_help(), end="\n\n", flush=True)
        server_flags.parse(["--help"])


def run(options: dict[str, Any]) -> int:
    """Serves until it is told to stop; returns the exit code.

    Raises:
      ConfigurationError: No model is pushed, a port is taken, or the engine cannot take a flag.
    """
    arguments: list[str] = options["more"]
    engine = _engine(options["engine"], server_flags.parse(arguments)[0])
    if engine == engines.EMBEDDED:
        extras.require(extras.SERVER, "serve")
        if host := read_environment(os.environ).serve_host:
            # The last flag wins, so that the user's own flags do.
            arguments = [f"--host={host}", *arguments]
    name = options["model_name"]
    if not any(argument.partition("=")[0] in _OWN_MODEL for argument in arguments):
        folder = newest_pushed(options["root"], options["serving_dir"], name).parent.absolute()
        name = folder.name
        arguments = [f"--model_base_path={folder}", *arguments]
    if name:
        arguments = [f"--model_name={name}", *arguments]
    flags, unknown = server_flags.parse(arguments)
    check_flags(engine, flags)
    if engine == engines.EMBEDDED:
        check_files(flags)
    check_ports(flags)
    if engine != engines.EMBEDDED:
        return _become(engines.command(engine, flags, unknown))

    tell(f"Loading {flags.model_config_file or flags.model_base_path} ...", sys.stdout)
    if flags.host in _ALL_ADDRESSES:
        print(_WHO_CAN_ASK, flush=True)
    from serving.server import main as server

    return server.main(arguments)


def _engine(chosen: str, flags: Flags) -> str:
    """Returns what `auto` means here: the binary if it is installed and knows the flags."""
    if chosen != "auto":
        return chosen
    suits = engines.is_installed(engines.BINARY) and not engines.unsupported(engines.BINARY, flags)
    return engines.BINARY if suits else engines.EMBEDDED


def check_flags(engine: str, flags: Flags) -> None:
    """Refuses flags at which the engine would end, or that it would silently ignore.

    Raises:
      ConfigurationError: A flag that TF-Serving, or the container, has no use for.
    """
    if refused := engines.unsupported(engine, flags):
        other = engines.EMBEDDED if engine != engines.EMBEDDED else engines.BINARY
        raise ConfigurationError(
            f"--{refused[0].replace('_', '-')} does not work with --engine {engine}. Leave it out, "
            f"or choose --engine {other}."
        )


def check_files(flags: Flags) -> None:
    """Reads the files that flags name, before the seconds that TensorFlow's import takes.

    Raises:
      ConfigurationError: One is not what it should be.
    """
    from serving.server import config_files
    from serving.status import StatusError

    try:
        config_files.check(flags)
    except StatusError as error:
        raise ConfigurationError(f"serve: {error.message}.") from error


def check_ports(flags: Flags) -> None:
    """Tries both ports, before the seconds that loading a model takes.

    Raises:
      ConfigurationError: One is taken.
    """
    for flag, port in (("--port", flags.port), ("--rest-api-port", flags.rest_api_port)):
        if port <= 0:
            continue
        family = socket.AF_INET6 if ":" in flags.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((flags.host.strip("[]"), port))
            except (OSError, OverflowError, TypeError, ValueError) as error:
                raise ConfigurationError(
                    f"{flag} {port}: cannot listen on {flags.host}:{port} "
                    f"({getattr(error, 'strerror', None) or error}). Stop what listens there, or "
                    f"choose another port by {flag}."
                ) from error


def _become(command: list[str]) -> int:
    """Replaces this process; signals then reach the server itself."""
    if shutil.which(command[0]) is None:
        raise ConfigurationError(
            f"'{command[0]}' is not on PATH. Install it, or choose --engine embedded. It would "
            f"have been: {shlex.join(command)}"
        )
    tell_command(shlex.join(command))
    sys.stderr.flush()
    os.execvp(command[0], command)
