"""The `sentiment` command. TensorFlow, TFX and Beam are imported only once a command needs them."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from components.errors import ConfigurationError, SentimentError, did_you_mean, summary_of
from pipeline import extras
from pipeline.commands import (
    compare,
    inspect,
    predict,
    report,
    run,
    runs,
    score,
    serve,
    server_errors,
    status,
    worker,
)
from pipeline.commands import compile as compile_
from pipeline.console.messages import tell, tell_lines
from pipeline.console.wrapping import HelpFormatter
from pipeline.session import EXIT_UNEXPECTED, EXIT_WRONG_USE, explain_error, tell_of_interrupt
from pipeline.signals import end_on_signals
from serving import start
from serving.errors import ServingError


def entry_point() -> NoReturn:
    """Runs `main` and leaves at once.

    Threads of Beam's workers outlive an interrupted run; waiting for them would hang. The worker
    processes end with this one.

    An image of ours whose entry point is this command is a worker where Beam starts it: Beam gives
    a container flags, and no command.
    """
    _open_closed_streams()
    if any(word.startswith("--provision_endpoint=") for word in sys.argv[1:]):
        from pipeline.runners import beam_harness

        beam_harness.entry_point()
    end_on_signals()
    start.forget_working_folder()
    start.collect_seldom()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            pass
        except OSError as error:
            code = EXIT_UNEXPECTED
            with contextlib.suppress(OSError):
                tell(f"sentiment: error: The output could not be written: {error.strerror}.")
    os._exit(code)


def _open_closed_streams() -> None:
    """Lets nothing be printed into a file that would take the number of a closed stream."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                os.fstat(number)  # what is open already has its number
                continue
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


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
            options["parser"].error(f"unrecognized arguments: {' '.join(more)}")
        options.pop("parser")
    except SystemExit as exit_:
        return int(exit_.code or 0)
    command = options.pop("command")
    options["words"] = words
    try:
        return _run_command(command, options)
    except SentimentError as error:
        return explain_error(error, has_started=False)
    except ServingError as error:
        tell(f"sentiment: error: {server_errors.told(error)}")
        return EXIT_UNEXPECTED
    except SystemExit as exit_:  # of the server's own parser
        return int(exit_.code or 0)
    except KeyboardInterrupt as error:
        return tell_of_interrupt(error)
    except BrokenPipeError:  # whoever reads what is printed, e.g. `head`, has read enough
        return EXIT_UNEXPECTED
    except Exception as error:  # nothing may reach the user unexplained
        if options.get("debug"):
            trace = traceback.format_exception(type(error), error, error.__traceback__)
            tell_lines("".join(trace))
        tell(f"sentiment: unexpected error: {summary_of(error)} (--debug shows the traceback)")
        return EXIT_UNEXPECTED


def _run_command(command: Callable[[dict[str, Any]], int], options: dict[str, Any]) -> int:
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

        self._words: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses; `parser` of the result is that of the innermost command."""
        self._words = list(sys.argv[1:] if args is None else args)
        known, more = super().parse_known_args(args, namespace)
        known.parser = getattr(known, "parser", self)
        return known, more

    def error(self, message: str) -> NoReturn:
        """Exits with the code of wrong use; names the nearest flag, or the nearest command."""
        flags = [*self._option_string_actions]
        hint = ""
        if wrong := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
            # From Python 3.12 on, the choices stand without quotes.
            hint = did_you_mean(wrong[1], [each.strip(" '") for each in wrong[2].split(",")])
            # The value of a flag that is not known is taken for a command.
            before = self._words[: self._words.index(wrong[1])] if wrong[1] in self._words else []
            strange = [each for each in before if each.startswith("--") and each not in flags]
            if strange:
                message = f"unrecognized arguments: {strange[0]} {wrong[1]}"
        if unknown := re.search(r"unrecognized arguments: (--[\w-]+)", message):
            hint = did_you_mean(unknown[1], sorted({*flags} - {unknown[1]}))
        if lacking := re.fullmatch(r"argument ([^ ,]+).*: expected one argument", message):
            hint = f" A value that begins with a dash is written behind '=': {lacking[1]}=-VALUE."
        tell(f"sentiment: error: {message}.{hint} See `{self.prog} --help`.")
        self.exit(EXIT_WRONG_USE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sentiment",
        description="From raw reviews to a gated model that TF-Serving serves.",
        epilog=run.EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sentiment {version('sentiment')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (
        run, report, runs, inspect, compare, compile_, predict, score, serve, status, worker,
    ):  # fmt: skip
        command = module.COMMAND.add_to(commands)
        command.set_defaults(command=module.run)
        module.add_flags(command)
    return parser


if __name__ == "__main__":
    entry_point()
