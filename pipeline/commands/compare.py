"""`sentiment compare`: trains several variants with several seeds, and ranks them."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import extras
from pipeline.commands.command import Command, ask_job_server
from pipeline.loading import add_arguments, load_config
from pipeline.session import EXIT_UNEXPECTED, Session

if TYPE_CHECKING:
    from pipeline.console.terminal import Console

EXIT_COMPARED = 0
OWN_FLAGS = ("--models", "--seeds", "--name")

_EPILOG = """\
exit codes of `sentiment compare`:
  0    every training gave its figures
  1    a training failed, see the table; or an unexpected error, see the log
  2    wrong use: a setting, the data, or a root that another run is using
  4    the data is unfit or cannot be read: found at a first look, or by the data gate
  130  interrupted; the same command goes on, what was trained is not trained again
  143  ended by SIGTERM; the same command goes on
"""


COMMAND = Command(
    "compare",
    usage="sentiment compare --models A,B,... [--seeds N] [--name NAME] [--SETTING VALUE ...]",
    help="train several variants with several seeds, and rank them",
    description="Trains each variant with each seed through the pipeline, measures it on the "
    "test split, and says which differences are significant. Nothing is pushed.",
    epilog=_EPILOG,
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    models, seeds, name = OWN_FLAGS
    parser.add_argument(
        models,
        required=True,
        metavar="A,B,...",
        help="variants to compare; NAME:PRESET takes another preset than the variant's first",
    )
    parser.add_argument(
        seeds, default="3", metavar="N", help="how many: --seed, +1, ... (default: %(default)s)"
    )
    parser.add_argument(
        name, default="", help="folder below comparisons (default: the data's and _comparison)"
    )
    add_arguments(parser, without=("model", "infra_validation", "folds"))


def run(options: dict[str, Any]) -> int:
    """Compares; returns the exit code.

    Raises:
      ConfigurationError: A setting, or what is to be compared, cannot be used.
    """
    extras.require(extras.PIPELINE, "compare")
    from pipeline.compare.contenders import parse_contenders, parse_seeds

    command_line = shlex.join(["sentiment", *options.pop("words")])
    contenders = parse_contenders(options.pop("models"))
    count, name = options.pop("seeds"), options.pop("name")
    config = load_config(options, options.pop("config", None))
    ask_job_server(config)
    seeds = parse_seeds(count, first=config.seed)

    def work(console: Console, _: Path) -> int:
        from pipeline.compare.comparison import check_name, compare

        board = compare(config, contenders, seeds, check_name(name), command_line, console)
        console.leaderboard(board)
        return EXIT_UNEXPECTED if board.failures else EXIT_COMPARED

    return Session.in_root("compare", config.root, config.debug).run(work)
