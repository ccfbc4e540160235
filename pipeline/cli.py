"""The `sentiment` command. TensorFlow, TFX and Beam are imported only once a command needs them."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.errors import (
    ConfigurationError,
    DataGateError,
    DatasetError,
    RootBusyError,
    SentimentError,
)
from pipeline.config import PipelineConfig, add_arguments, load_config

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
  4    the data gate stopped the run
  130  interrupted; the next run goes on from the last finished step
"""


def entry_point() -> None:
    """Runs `main` and leaves at once.

    Threads of Beam's workers outlive an interrupted run; waiting for them would hang.
    """
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
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
    return command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sentiment",
        description="From raw reviews to a gated model that TF-Serving serves.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("sentiment"))
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    run = commands.add_parser(
        "run",
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
    predict.add_argument("--model-name", default="imdb_sentiment", help="default: %(default)s")
    predict.set_defaults(command=_predict)
    return parser


def _run(options: dict[str, Any]) -> int:
    try:
        config = load_config(options, options.pop("config", None))
        log_path = _new_log(Path(config.root).absolute())
    except ConfigurationError as error:
        return _explained(error)
    except OSError as error:
        return _explained(ConfigurationError(f"--root '{options.get('root', '')}': {error}."))

    from pipeline.console.log_capture import captured_output
    from pipeline.console.terminal import Console
    from pipeline.runners import local

    try:
        with captured_output(log_path, debug=config.debug) as stream, Console(stream) as console:
            summary = local.run(config, console, log_path)
            console.summary(summary)
    except KeyboardInterrupt:
        print(
            "sentiment: interrupted. The next run goes on from the last finished step.",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the last resort: nothing else may reach the user
        return _failed(error, log_path, config.debug)
    return EXIT_PUSHED if summary.is_blessed else EXIT_NOT_BLESSED


def _predict(options: dict[str, Any]) -> int:
    from pipeline.predict import predict

    try:
        verdicts = predict(options["texts"], Path(options["root"]), options["model_name"])
    except SentimentError as error:
        return _explained(error)
    for verdict in verdicts:
        print(f"{verdict.probability:.4f}  {verdict.sentiment:<8}  {verdict.text}")
    return 0


def _new_log(root: Path) -> Path:
    """Returns a file of its own for this run's log lines."""
    folder = root / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"run-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"


def _failed(error: BaseException, log_path: Path, debug: bool) -> int:
    """Tells of an error that ended the run; one of ours may be wrapped by TFX or Beam."""
    with log_path.open("a", encoding="utf-8") as log:
        traceback.print_exception(type(error), error, error.__traceback__, file=log)
    if debug:
        traceback.print_exception(type(error), error, error.__traceback__)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SentimentError):
            return _explained(cause)
        cause = cause.__cause__ or cause.__context__
    print(
        f"sentiment: unexpected error: {_first_line(error)}\n"
        f"  All of it is in {log_path}; --debug shows it here.",
        file=sys.stderr,
    )
    return EXIT_UNEXPECTED


def _explained(error: SentimentError) -> int:
    print(f"sentiment: error: {error}", file=sys.stderr)
    if isinstance(error, DataGateError):
        return EXIT_DATA_GATE
    if isinstance(error, (ConfigurationError, RootBusyError, DatasetError)):
        return EXIT_WRONG_USE
    return EXIT_UNEXPECTED


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


if __name__ == "__main__":
    entry_point()
