"""`sentiment run`: ingests, checks, trains, evaluates and pushes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import extras
from pipeline.commands.command import Command, ask_job_server, metadata_at
from pipeline.loading import add_arguments, load_config
from pipeline.session import Session

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig
    from pipeline.console.terminal import Console

PLAN = "--plan"
EXIT_PUSHED = 0
EXIT_NOT_BLESSED = 3

EPILOG = """\
exit codes of `sentiment run`:
  0    the model was pushed, or --plan showed what would run
  1    an unexpected error; see the log
  2    wrong use: no command, a setting, the data, or a root that another run is using
  3    the model is not blessed, and was not pushed
  4    the data is unfit or cannot be read: found at a first look, or by the data gate
  130  interrupted; the next run goes on from the last finished step
  143  ended by SIGTERM; the next run goes on from the last finished step
"""


COMMAND = Command(
    "run",
    usage="sentiment run [--plan] [--config FILE] [--SETTING VALUE ...]",
    help="ingest, check, train, evaluate and push",
    description="Runs the pipeline on this machine; steps that did not change are cached.",
    epilog=EPILOG,
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        PLAN,
        action="store_true",
        help="show which steps would run, why, and how long each took last time; run none",
    )
    add_arguments(parser)


def run(options: dict[str, Any]) -> int:
    """Runs the pipeline; returns the exit code.

    Raises:
      SentimentError: With --plan, anything that can be explained; else a setting cannot be used.
    """
    extras.require(extras.PIPELINE, "run")
    options.pop("words")
    is_plan = options.pop("plan")
    config = load_config(options, options.pop("config", None))
    if is_plan:
        return _show_plan(config)
    # What cannot be recorded, or run, is refused before there is a log.
    metadata_at(config)
    ask_job_server(config)

    def work(console: Console, log_path: Path) -> int:
        from pipeline.runners import local

        summary = local.run(config, console, log_path)
        console.summary(summary)
        return EXIT_PUSHED if summary.is_blessed else EXIT_NOT_BLESSED

    return Session.in_root("run", config.root, config.debug).run(work)


def _show_plan(config: PipelineConfig) -> int:
    """Shows what a run would do; nothing is written but temporary files.

    Raises:
      SentimentError: The run would not start either, or the root's metadata cannot be read.
    """
    from pipeline.console.log_capture import captured_output
    from pipeline.console.terminal import Console
    from pipeline.temporary_files import temporary_folder

    with (
        temporary_folder() as folder,
        captured_output(folder / "plan.log", debug=config.debug) as stream,
        Console(stream, config.debug) as console,
    ):
        from pipeline.planning.show import show_plan

        show_plan(config, console)
    return EXIT_PUSHED
