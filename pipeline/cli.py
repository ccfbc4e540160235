"""The `sentiment` command. TensorFlow, TFX and Beam are imported only once a command needs them."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
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
    did_you_mean,
)
from pipeline.config import (
    DEFAULT_MODEL_NAME,
    PipelineConfig,
    add_arguments,
    describe_settings,
    load_config,
)

EXIT_PUSHED = 0
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

# Beam puts the name of its step behind the message of what a step raises.
_BEAM_STEP = re.compile(r" \[while running '[^']*'\]")


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
    try:
        options = vars(parser.parse_args(arguments))
    except SystemExit as exit_:
        return int(exit_.code or 0)
    command = options.pop("command")
    try:
        return command(options)
    except SentimentError as error:
        return _explained(error, has_started=False)
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:  # nothing may reach the user unexplained
        if options.get("debug"):
            traceback.print_exception(type(error), error, error.__traceback__)
        print(
            f"sentiment: unexpected error: {_first_line(error)} (--debug shows all of it)",
            file=sys.stderr,
        )
        return EXIT_UNEXPECTED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without a screenful of usage before it."""

    def error(self, message: str) -> NoReturn:
        """Exits with the code of wrong use; names the nearest flag."""
        unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        flags = ", ".join(row[0] for row in describe_settings()).split(", ")
        hint = did_you_mean(unknown[1], ["--config", *flags]) if unknown else ""
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

    predict = commands.add_parser(
        "predict",
        help="ask a pushed model",
        description="Answers with the newest pushed version, without a server.",
        allow_abbrev=False,
    )
    predict.add_argument("texts", nargs="+", metavar="TEXT", help="a review")
    predict.add_argument("--root", default=PipelineConfig.root, help="default: %(default)s")
    predict.add_argument("--model-name", default=DEFAULT_MODEL_NAME, help="default: %(default)s")
    predict.add_argument("--debug", action="store_true", help="show tracebacks")
    predict.set_defaults(command=_predict)
    return parser


def _run(options: dict[str, Any]) -> int:
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


def _predict(options: dict[str, Any]) -> int:
    from pipeline.predict import predict

    for verdict in predict(options["texts"], Path(options["root"]), options["model_name"]):
        print(f"{verdict.probability:.4f}  {verdict.sentiment:<8}  {verdict.text}")
    return 0


def _new_log(root: str) -> Path:
    """Returns a file of its own for this run's log lines.

    Raises:
      ConfigurationError: The root cannot be written to.
    """
    path = Path(root).absolute() / "logs" / f"run-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
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
    for cause in _causes(error):
        if isinstance(cause, KeyboardInterrupt):
            return _interrupted(step)
        if isinstance(cause, SentimentError):
            return _explained(cause, has_started=bool(step))
    print(
        f"sentiment: unexpected error{f' in {step}' if step else ''}: {_first_line(error)}\n"
        f"  All of it is in {log_path}; --debug shows it here.",
        file=sys.stderr,
    )
    return EXIT_UNEXPECTED


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields `error` and everything that led to it, nearest first."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__]


def _explained(error: SentimentError, has_started: bool) -> int:
    print(f"sentiment: error: {_BEAM_STEP.sub('', str(error))}", file=sys.stderr)
    if isinstance(error, DataGateError) or (has_started and isinstance(error, DatasetError)):
        return EXIT_DATA_GATE
    if isinstance(error, (ConfigurationError, RootBusyError, DatasetError)):
        return EXIT_WRONG_USE
    return EXIT_UNEXPECTED


def _interrupted(step: str = "") -> int:
    where = f" in {step}; the next run goes on from there" if step else ""
    print(f"\nsentiment: interrupted{where}.", file=sys.stderr)
    return EXIT_INTERRUPTED


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


if __name__ == "__main__":
    entry_point()
