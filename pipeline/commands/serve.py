"""`sentiment serve`: starts a model server on the newest pushed versions."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError
from pipeline.config import DEFAULT_MODEL_NAME, PipelineConfig
from pipeline.predict import newest_version
from serving import engines
from serving.server import flags as server_flags
from serving.server.flags import Flags

_OWN_MODEL = (
    "--model_base_path",
    "--model-base-path",
    "--model_config_file",
    "--model-config-file",
)


def add(commands: Any) -> None:
    """Adds the command. What it does not know itself are flags of the server."""
    serve = commands.add_parser(
        "serve",
        usage="sentiment serve [--engine ENGINE] [--root ROOT] [--model-name NAME] [--FLAG ...]",
        help="serve a pushed model over gRPC and REST",
        description="Serves the newest pushed version, and each one that is pushed later.",
        add_help=False,
        allow_abbrev=False,
    )
    serve.add_argument("-h", "--help", action=_Help, nargs=0, help="show all flags and exit")
    serve.add_argument(
        "--engine",
        choices=engines.ENGINES,
        default="auto",
        help="auto: tensorflow_model_server if it is on PATH, else embedded (default: %(default)s)",
    )
    serve.add_argument("--root", default=PipelineConfig.root, help="default: %(default)s")
    serve.add_argument(
        "--model-name", "--model_name", help=f"of the pushed model (default: {DEFAULT_MODEL_NAME})"
    )
    serve.add_argument("--debug", action="store_true", help="show tracebacks")
    serve.set_defaults(command=run, takes_more=True)


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
    name = options["model_name"]
    if not any(argument.partition("=")[0] in _OWN_MODEL for argument in arguments):
        name = name or DEFAULT_MODEL_NAME
        folder = newest_version(Path(options["root"]), name).parent.absolute()
        arguments = [f"--model_base_path={folder}", *arguments]
    if name:
        arguments = [f"--model_name={name}", *arguments]
    flags, unknown = server_flags.parse(arguments)
    engine = options["engine"]
    if engine == "auto":
        suits = engines.is_installed(engines.BINARY) and not engines.unsupported(
            engines.BINARY, flags
        )
        engine = engines.BINARY if suits else engines.EMBEDDED
    check_flags(engine, flags)
    check_ports(flags)
    if engine != engines.EMBEDDED:
        return _become(engines.command(engine, flags, unknown))

    print(f"Loading {flags.model_config_file or flags.model_base_path} ...", flush=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        # Libraries warn of the age of Python while TensorFlow imports them.
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401
    from serving.server import main as server

    return server.main(arguments)


def check_flags(engine: str, flags: Flags) -> None:
    """Refuses what the engine would end at, or silently leave out.

    Raises:
      ConfigurationError: A flag that TF-Serving, or the container, has no use for.
    """
    if refused := engines.unsupported(engine, flags):
        raise ConfigurationError(
            f"--{refused[0].replace('_', '-')} does not work with --engine {engine}. Leave it out, "
            "or choose --engine embedded."
        )


def check_ports(flags: Flags) -> None:
    """Tries both ports, before seconds go into loading a model.

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
            except (OSError, OverflowError) as error:
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
    print(shlex.join(command), flush=True)
    sys.stderr.flush()
    os.execvp(command[0], command)
