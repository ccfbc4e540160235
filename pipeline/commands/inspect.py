"""`sentiment inspect`: what is in a data set, and the run that fits it; nothing is trained."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from components import features
from components.dataset.inspection.look import Inspection, look_at_layout, look_at_tables
from components.dataset.paths import AUTO, IMDB, SAMPLE, expand, tables_in
from components.dataset.resolve import labelled_source, resolve_source
from components.errors import DataGateError, DatasetError
from pipeline.chosen_settings import INSPECT_SETTINGS
from pipeline.commands.command import Command, add_debug, add_settings, config_of
from pipeline.config import PipelineConfig
from pipeline.console.messages import readable, tell, tell_command
from pipeline.inspection import report
from pipeline.inspection.plan import plan_for
from pipeline.loading import read_environment
from pipeline.program import program

_EPILOG = """\
For example: sentiment inspect reviews.csv

exit codes of `sentiment inspect`:
  0    the command was printed
  1    something unexpected
  2    wrong use: a flag, or data that cannot be found or read, or columns that must be named
  4    the data was read, and no run would take it
"""

COMMAND = Command(
    "inspect",
    help="look at data, and print the run that fits it",
    description="Reads a data set, or a sample of a large one, in a few seconds: columns, labels, "
    "texts, lengths, languages. Ends with the `run` command to type. Nothing is trained or "
    "written.",
    epilog=_EPILOG,
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        "data", metavar="DATA", help="imdb, sample, or a path: all that --data of `run` takes"
    )
    add_settings(parser, INSPECT_SETTINGS)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_debug(parser)


def run(options: dict[str, Any]) -> int:
    """Prints what was found; the command comes last.

    Raises:
      DatasetError: The data cannot be found or read.
      DataGateError: It was read, and no run would take it; after what was found is printed.
    """
    config = config_of(options, INSPECT_SETTINGS)
    found = _look(options["data"], config)
    words = found.survey.words(features.VOCABULARY_SIZE, features.MAX_LENGTH)
    given = {name: options[name] for name in INSPECT_SETTINGS if name in options}
    plan = plan_for(options["data"], found, words, given)
    if options["json"]:
        print(json.dumps(report.as_json(found, words, plan), indent=1))
    else:
        for line in report.lines(found, words, plan, features.MAX_LENGTH):
            print(readable(line) if line else "")
    if plan.objection:
        sys.stdout.flush()
        is_unknown = not (found.text_column and found.label_column)
        raise (DatasetError if is_unknown else DataGateError)(plan.objection)
    if not options["json"]:
        print("\nType:", flush=True)
        tell_command(plan.command.replace("sentiment", program(), 1))
    return 0


def _look(data: str, config: PipelineConfig) -> Inspection:
    if data in (AUTO, IMDB, SAMPLE):
        settings = read_environment(os.environ)
        source = resolve_source(
            data,
            imdb_archive=settings.imdb_archive,
            cache_dir=settings.cache_dir,
            notify=lambda sentence: tell(f"sentiment: {sentence}"),
        )
        return look_at_layout(source, config.label_column)
    paths = expand(data)
    if len(paths) == 1 and (labelled := labelled_source(paths[0], digest=False)):
        return look_at_layout(labelled, config.label_column)
    return look_at_tables(
        tables_in(paths), config.text_column, config.label_column, config.table_options
    )
