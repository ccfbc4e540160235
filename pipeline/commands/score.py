"""`sentiment score`: adds the model's predictions to files of reviews."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import ConfigurationError, DatasetError
from components.storage.place import Place, StorePath, place_of
from pipeline import extras
from pipeline.beam_mode import choose_mode
from pipeline.chosen_settings import TABLE_SETTINGS
from pipeline.commands.command import (
    BEAM_SETTINGS,
    Command,
    add_settings,
    ask_job_server,
    config_of,
    newest_pushed,
)
from pipeline.config import PipelineConfig
from pipeline.paths import shown
from pipeline.scoring.columns import SCORE_PREFIX
from pipeline.session import Session
from serving import model_cards
from serving.versions import SAVED_MODEL_FILE, look_up

if TYPE_CHECKING:
    from pipeline.console.terminal import Console
    from pipeline.scoring.plan import ScoringPlan
    from pipeline.scoring.rows import Findings

EXIT_SCORED = 0
FORMATS = ("csv", "tsv", "jsonl", "json", "parquet")

_SETTINGS = (*TABLE_SETTINGS, "root", "serving_dir", *BEAM_SETTINGS, "debug")
_EPILOG = """\
Each input gives one file of the same name in --output, with all its columns, its rows in their \
order, and three new columns: probability, sentiment, model_version; if the model has more than \
two classes, label in the place of sentiment. With --scores there is a column score_CLASS for each \
class. Outputs appear when all of them are whole; a run that is killed leaves none, and what it \
left of its work is removed by the next run.

exit codes of `sentiment score`:
  0    every file was scored
  1    an unexpected error; see the log
  2    wrong use: a flag, the files, or an output folder that another run is using
  4    stopped by records that could not be read
  130  interrupted; nothing was written
  143  ended by SIGTERM; nothing was written
"""


COMMAND = Command(
    "score",
    usage="sentiment score --input FILE ... --output FOLDER [--FLAG VALUE ...]",
    epilog=_EPILOG,
    help="score files of reviews",
    description="Scores CSV, TSV, JSON (Lines) and Parquet files by a pushed model, in Beam.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="FILE", help="files, or patterns in quotes"
    )
    parser.add_argument("--output", required=True, metavar="FOLDER", help="is made if missing")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are in --output already"
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="of the outputs (default: that of each input)"
    )
    parser.add_argument(
        "--prefix", default="", help="what the new columns' names begin with (default: none)"
    )
    parser.add_argument(
        "--scores",
        action="store_true",
        help=f"add the probability of every class, a column {SCORE_PREFIX}CLASS for each",
    )
    parser.add_argument(
        "--model",
        metavar="FOLDER",
        help="a pushed version (default: the newest by --root, --serving-dir and --model-name)",
    )
    parser.add_argument("--model-name", help="of the pushed model (default: the only one)")
    add_settings(parser, _SETTINGS)


def run(options: dict[str, Any]) -> int:
    """Scores the files.

    Raises:
      ConfigurationError: A flag cannot be used, or there is no model.
      DatasetError: A file cannot be found or read, or lacks the text.
      RootBusyError: Another run is writing to the output folder.
    """
    extras.require(extras.PIPELINE, "score")
    config = config_of(options, _SETTINGS)
    ask_job_server(config)
    model = _model_folder(options["model"], config, options["model_name"])
    output = place_of(options["output"]).absolute()

    from components.dataset.source import SourceKind
    from pipeline.scoring.output_folder import make_folder
    from pipeline.scoring.plan import make_plan

    plan = make_plan(
        options["input"],
        output,
        text_column=config.text_column,
        output_kind=SourceKind(options["format"]) if options["format"] else None,
        prefix=options["prefix"],
        classes=model_cards.classes_in(model_cards.read(str(model))),
        with_scores=options["scores"],
        overwrite=options["overwrite"],
        options=config.table_options,
    )
    make_folder(output)
    session = Session(
        "score",
        config.root,
        config.debug,
        folder=str(output),
        after_full_disk="nothing was written yet",
        after_interrupt="nothing was written",
    )
    return session.run(
        lambda console, log_path: _score(
            plan, model, output, config, options["overwrite"], console, log_path
        )
    )


def _model_folder(given: str | None, config: PipelineConfig, name: str | None) -> Place:
    """Returns the version's folder.

    Raises:
      ConfigurationError: It holds no model.
    """
    folder = place_of(given) if given else newest_pushed(config.root, config.serving_dir, name)
    if not (folder / SAVED_MODEL_FILE).is_file():
        versions = look_up(str(folder)).complete if folder.is_dir() else {}
        hint = f" Try --model {versions[max(versions)]}." if versions else ""
        raise ConfigurationError(
            f"{folder} holds no {SAVED_MODEL_FILE}. Expected the folder of a pushed version, "
            f"whole.{hint}"
        )
    return folder.absolute()


def _score(
    plan: ScoringPlan,
    model: Place,
    output: Place,
    config: PipelineConfig,
    overwrite: bool,
    console: Console,
    log_path: Path,
) -> int:
    from components import progress
    from pipeline.resolution import beam_arguments_for
    from pipeline.runners.engine_check import check_engine
    from pipeline.runners.local import alone_in
    from pipeline.scoring.output_folder import publish, workspace
    from pipeline.scoring.plan import refuse_existing
    from pipeline.scoring.rows import check_rows

    names = [file.output for file in plan.files]
    # Workers on a store share no folder of this machine for the output; the model's is in the root.
    shared = place_of(config.root).absolute() if isinstance(output, StorePath) else output
    with (
        alone_in(output, "--output"),
        workspace(output) as folder,
        progress.listening(console.progress),
    ):
        console.scoring_started(shown(model), _files(names), shown(output), shown(log_path))
        for notice in plan.notices:
            console.note(notice)
        console.task_started("Check the records")
        findings = check_rows(plan)
        _stop_if_unfit(findings, config.max_bad_records)
        console.task_finished(f"{findings.total:,} reviews")

        check_engine(config.engine, shared)
        console.task_started("Score the reviews")
        # Beam and TensorFlow take seconds to import: a bad record is told before that.
        from pipeline.runners.portable_beam import jobs_at
        from pipeline.scoring.scoring import score_files

        mode = choose_mode(config.beam_mode, config.engine.processes)
        with jobs_at(config.engine.arguments_of_place(shared)):
            score_files(plan, findings, model, folder, beam_arguments_for(config.engine, mode))
        if not overwrite:
            refuse_existing(names, output)
        publish(names, folder, output)
        console.task_finished(f"{_files(names)} written")
    if findings.problems:
        console.notice(_left_out(findings))
    return EXIT_SCORED


def _stop_if_unfit(findings: Findings, allowed: float) -> None:
    from components.dataset.records import objection_to_problems

    objection = " ".join(findings.fatal) or objection_to_problems(
        findings.problems, findings.problem_examples, findings.bad_record_share, allowed
    )
    if objection:
        raise DatasetError(
            f"{objection} Nothing was scored. Correct the records"
            + ("." if findings.fatal else ", or have them left out by --max-bad-records.")
        )


def _left_out(findings: Findings) -> str:
    first = "; ".join(examples[0] for examples in findings.problem_examples.values())
    return f"{sum(findings.problems.values()):,} records were left out, e.g. {first}"


def _files(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names):,} files"
