"""The `sentiment` command. TensorFlow, TFX and Beam are imported only once a command needs them."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from components.errors import ConfigurationError, SentimentError, did_you_mean, summary_of
from pipeline import extras
from pipeline.commands import predict, score, serve, status
from pipeline.config import PipelineConfig
from pipeline.console.messages import tell, tell_lines
from pipeline.console.wrapping import HelpFormatter
from pipeline.loading import add_arguments, describe_settings, load_config
from pipeline.session import EXIT_UNEXPECTED, EXIT_WRONG_USE, Session, explained, interrupted
from pipeline.signals import end_on_signals
from serving import start
from serving.errors import ServingError

if TYPE_CHECKING:
    from pipeline.console.terminal import Console

EXIT_PUSHED = 0
EXIT_COMPARED = 0
EXIT_NOT_BLESSED = 3

_EPILOG = """\
exit codes of `sentiment run`:
  0    the model was pushed
  1    something unexpected; the log tells
  2    wrong use: no command, a setting, the data, or a root that another run is using
  3    the model is not blessed, and was not pushed
  4    stopped by data that is not fit or not readable: at a first look, or by the data gate
  130  interrupted; the next run goes on from the last finished step
  143  ended by SIGTERM; the next run goes on from the last finished step
"""

_COMPARE_EPILOG = """\
exit codes of `sentiment compare`:
  0    every training gave its figures
  1    a training failed, or something unexpected; a table tells what
  2    wrong use: a setting, the data, or a root that another run is using
  4    stopped by data that is not fit or not readable: at a first look, or by the data gate
  130  interrupted; the same command goes on, what was trained is not trained again
  143  ended by SIGTERM; the same command goes on
"""
_COMPARE_FLAGS = ("--models", "--seeds", "--name")


def entry_point() -> NoReturn:
    """Runs `main` and leaves at once.

    Threads of Beam's workers outlive an interrupted run; waiting for them would hang. The worker
    processes end with this one.
    """
    end_on_signals()
    start.forget_working_folder()
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
    if not words:
        parser.print_help()
        return EXIT_WRONG_USE
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
        return _with_extras_named(command, options)
    except SentimentError as error:
        return explained(error, has_started=False)
    except ServingError as error:
        tell(f"sentiment: error: {error}")
        return EXIT_UNEXPECTED
    except SystemExit as exit_:  # of the server's own parser
        return int(exit_.code or 0)
    except KeyboardInterrupt as error:
        return interrupted(error)
    except Exception as error:  # nothing may reach the user unexplained
        if options.get("debug"):
            trace = traceback.format_exception(type(error), error, error.__traceback__)
            tell_lines("".join(trace))
        tell(f"sentiment: unexpected error: {summary_of(error)} (--debug shows all of it)")
        return EXIT_UNEXPECTED


def _with_extras_named(command: Callable[[dict[str, Any]], int], options: dict[str, Any]) -> int:
    try:
        return command(options)
    except ModuleNotFoundError as error:
        if explanation := extras.explanation(error):
            raise ConfigurationError(explanation) from error
        raise


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without a screenful of usage before it."""

    def __init__(self, **options: Any):
        """Takes what argparse does; help holds in the terminal."""
        super().__init__(**{"formatter_class": HelpFormatter, **options})

    def error(self, message: str) -> NoReturn:
        """Exits with the code of wrong use; names the nearest flag."""
        unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        flags = ", ".join(row[0] for row in describe_settings()).split(", ")
        choices = {"--config", *_COMPARE_FLAGS, *flags} - {unknown[1] if unknown else ""}
        hint = did_you_mean(unknown[1], sorted(choices)) if unknown else ""
        tell(f"sentiment: error: {message}.{hint} See `{self.prog} --help`.")
        self.exit(EXIT_WRONG_USE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sentiment",
        description="From raw reviews to a gated model that TF-Serving serves.",
        epilog=_EPILOG,
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

    for module in (predict, score, serve, status):
        module.add(commands)
    return parser


def _run(options: dict[str, Any]) -> int:
    extras.require(extras.PIPELINE, "run")
    options.pop("words")
    config_file = options.pop("config", None)
    config = load_config(options, config_file)

    def work(console: Console, log_path: Path) -> int:
        from pipeline.runners import local

        summary = local.run(config, console, log_path)
        console.summary(summary)
        return EXIT_PUSHED if summary.is_blessed else EXIT_NOT_BLESSED

    return _session("run", config).run(work)


def _compare(options: dict[str, Any]) -> int:
    extras.require(extras.PIPELINE, "compare")
    from pipeline.compare.contenders import parse_contenders, parse_seeds

    command_line = shlex.join(["sentiment", *options.pop("words")])
    contenders = parse_contenders(options.pop("models"))
    seeds, name = options.pop("seeds"), options.pop("name")
    config_file = options.pop("config", None)
    config = load_config(options, config_file)
    seeds = parse_seeds(seeds, first=config.seed)

    def work(console: Console, _: Path) -> int:
        from pipeline.compare.comparison import check_name, compare

        board = compare(config, contenders, seeds, check_name(name), command_line, console)
        console.leaderboard(board)
        return EXIT_UNEXPECTED if board.failures else EXIT_COMPARED

    return _session("compare", config).run(work)


def _session(command: str, config: PipelineConfig) -> Session:
    return Session(command, config.root, config.debug, folder=str(Path(config.root).absolute()))


if __name__ == "__main__":
    entry_point()
