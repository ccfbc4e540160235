"""The `sentiment` command. TensorFlow, TFX and Beam are imported only once a command needs them."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import re
import shlex
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from components.errors import (
    ConfigurationError,
    DataGateError,
    DatasetError,
    RootBusyError,
    SentimentError,
    causes,
    did_you_mean,
    summary_of,
)
from pipeline.commands import predict, serve, status
from pipeline.config import add_arguments, describe_settings, load_config
from serving.errors import ServingError

EXIT_PUSHED = 0
EXIT_COMPARED = 0
EXIT_UNEXPECTED = 1
EXIT_WRONG_USE = 2
EXIT_NOT_BLESSED = 3
EXIT_DATA_GATE = 4
EXIT_INTERRUPTED = 130

_EPILOG = """\
exit codes of `sentiment run`:
  0    the model was pushed
  1    something unexpected; the log tells
  2    wrong use: a setting, the data, or a root that another run is using
  3    the model is not blessed, and was not pushed
  4    stopped by the data gate, or by data that could not be read
  130  interrupted; the next run goes on from the last finished step
"""

_COMPARE_EPILOG = """\
exit codes of `sentiment compare`:
  0    every training gave its figures
  1    a training failed, or something unexpected; a table tells what
  2    wrong use: a setting, the data, or a root that another run is using
  4    stopped by the data gate, or by data that could not be read
  130  interrupted; the same command goes on, what was trained is not trained again
"""
SERVE = "serve"
_DISK_FULL = os.strerror(errno.ENOSPC)
_COMPARE_FLAGS = ("--models", "--seeds", "--name")


def entry_point() -> NoReturn:
    """Runs `main` and leaves at once.

    Threads of Beam's workers outlive an interrupted run; waiting for them would hang.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
      arguments: The command line after the program's name; that of the process when None.
    """
    parser = _parser()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        known, more = parser.parse_known_args(words)
        options = vars(known)
        if options.pop("takes_more", False):
            options["more"] = more
        elif more:
            parser.error(f"unrecognized arguments: {' '.join(more)}")
    except SystemExit as exit_:
        return int(exit_.code or 0)
    command = options.pop("command")
    options["words"] = words
    try:
        return command(options)
    except SentimentError as error:
        return _explained(error, has_started=False)
    except ServingError as error:
        print(f"sentiment: error: {error}", file=sys.stderr)
        return EXIT_UNEXPECTED
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:  # nothing may reach the user unexplained
        if options.get("debug"):
            traceback.print_exception(type(error), error, error.__traceback__)
        print(
            f"sentiment: unexpected error: {summary_of(error)} (--debug shows all of it)",
            file=sys.stderr,
        )
        return EXIT_UNEXPECTED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without a screenful of usage before it."""

    def error(self, message: str) -> NoReturn:
        """Exits with the code of wrong use; names the nearest flag."""
        unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        flags = ", ".join(row[0] for row in describe_settings()).split(", ")
        choices = {"--config", *_COMPARE_FLAGS, *flags} - {unknown[1] if unknown else ""}
        hint = did_you_mean(unknown[1], sorted(choices)) if unknown else ""
        self.exit(EXIT_WRONG_USE, f"sentiment: error: {message}.{hint} See `{self.prog} --help`.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sentiment",
        description="From raw reviews to a gated model that TF-Serving serves.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sentiment {version('sentiment')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    run = commands.add_parser(
        "run",
        usage="sentiment run [--config FILE] [--SETTING VALUE ...]",
        help="ingest, check, train, evaluate and push",
        description="Runs the pipeline on this machine; steps that did not change are cached.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_arguments(run)
    run.set_defaults(command=_run)

    compare = commands.add_parser(
        "compare",
        usage="sentiment compare --models A,B,... [--seeds N] [--name NAME] [--SETTING VALUE ...]",
        help="train several variants with several seeds, and rank them",
        description="Trains each variant with each seed through the pipeline, measures it on the "
        "test split, and says which differences are real. Nothing is pushed.",
        epilog=_COMPARE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    compare.add_argument(
        "--models",
        required=True,
        metavar="A,B,...",
        help="variants to compare; NAME:PRESET takes another preset than the variant's first",
    )
    compare.add_argument(
        "--seeds", default="3", metavar="N", help="how many: --seed, +1, ... (default: %(default)s)"
    )
    compare.add_argument(
        "--name", default="", help="folder below comparisons (default: the data's and _comparison)"
    )
    add_arguments(compare, without=("model", "infra_validation"))
    compare.set_defaults(command=_compare)

    for module in (predict, serve, status):
        module.add(commands)
    return parser


def _run(options: dict[str, Any]) -> int:
    options.pop("words")
    config_file = options.pop("config", None)
    config = load_config(options, config_file)
    log_path = _new_log(config.root)

    from pipeline.console.log_capture import captured_output
    from pipeline.console.terminal import Console

    step = ""
    try:
        with (
            captured_output(log_path, debug=config.debug) as stream,
            Console(stream, config.debug) as console,
        ):
            try:
                from pipeline.runners import local

                summary = local.run(config, console, log_path)
            finally:
                step = console.unfinished_step
            console.summary(summary)
    except (Exception, KeyboardInterrupt) as error:  # nothing may reach the user unexplained
        return _failed(error, step, log_path, config.debug)
    return EXIT_PUSHED if summary.is_blessed else EXIT_NOT_BLESSED


def _compare(options: dict[str, Any]) -> int:
    from pipeline.compare.contenders import parse_contenders, parse_seeds

    command_line = shlex.join(["sentiment", *options.pop("words")])
    contenders = parse_contenders(options.pop("models"))
    seeds, name = options.pop("seeds"), options.pop("name")
    config_file = options.pop("config", None)
    config = load_config(options, config_file)
    seeds = parse_seeds(seeds, first=config.seed)
    log_path = _new_log(config.root, "compare")

    from pipeline.compare.comparison import check_name, compare
    from pipeline.console.log_capture import captured_output
    from pipeline.console.terminal import Console

    step = ""
    try:
        with (
            captured_output(log_path, debug=config.debug) as stream,
            Console(stream, config.debug) as console,
        ):
            try:
                board = compare(config, contenders, seeds, check_name(name), command_line, console)
            finally:
                step = console.unfinished_step
            console.leaderboard(board)
    except (Exception, KeyboardInterrupt) as error:  # nothing may reach the user unexplained
        return _failed(error, step, log_path, config.debug)
    return EXIT_UNEXPECTED if board.failures else EXIT_COMPARED


def _new_log(root: str, what: str = "run") -> Path:
    """Returns a file of its own for the log lines of a run, or of `what`.

    Raises:
      ConfigurationError: The root cannot be written to.
    """
    path = (
        Path(root).absolute() / "logs" / f"{what}-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise ConfigurationError(
            f"--root is '{root}'; expected a folder that can be made and written to: "
            f"{error.strerror} ({error.filename})."
        ) from error
    return path


def _failed(error: BaseException, step: str, log_path: Path, debug: bool) -> int:
    """Tells of an error that ended the run; one of ours may be wrapped by TFX or Beam."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    # A full disk may be what ended the run; it must not hide the message.
    with contextlib.suppress(OSError), log_path.open("a", encoding="utf-8") as log:
        log.write(trace)
    if debug:
        print(trace, end="", file=sys.stderr)
    for cause in causes(error):
        if isinstance(cause, KeyboardInterrupt):
            return _interrupted(step)
        if isinstance(cause, SentimentError):
            return _explained(cause, has_started=bool(step))
    if any(_DISK_FULL in str(cause) for cause in causes(error)):
        print(
            f"sentiment: error: The disk is full: {step or 'the run'} could not write to "
            f"{log_path.parent.parent}. Free some space and run again; it goes on from the last "
            "finished step.",
            file=sys.stderr,
        )
        return EXIT_UNEXPECTED
    print(
        f"sentiment: unexpected error{f' in {step}' if step else ''}: {summary_of(error)}\n"
        f"  All of it is in {log_path}; --debug shows it here.",
        file=sys.stderr,
    )
    return EXIT_UNEXPECTED


def _explained(error: SentimentError, has_started: bool) -> int:
    print(f"sentiment: error: {summary_of(error)}", file=sys.stderr)
    if isinstance(error, DataGateError) or (has_started and isinstance(error, DatasetError)):
        return EXIT_DATA_GATE
    if isinstance(error, (ConfigurationError, RootBusyError, DatasetError)):
        return EXIT_WRONG_USE
    return EXIT_UNEXPECTED


def _interrupted(step: str = "") -> int:
    where = f" in {step}; the next run goes on from there" if step else ""
    print(f"\nsentiment: interrupted{where}.", file=sys.stderr)
    return EXIT_INTERRUPTED


if __name__ == "__main__":
    entry_point()
