"""`sentiment runs`: what ran in a root, what came of it, and how two runs differ."""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import sys
from typing import TYPE_CHECKING, Any

from components.errors import ConfigurationError
from components.storage.place import Place, place_of
from pipeline import extras
from pipeline.commands.command import (
    METADATA_SETTINGS,
    NAMES_OF_A_RUN,
    Command,
    config_of,
    metadata_at,
)
from pipeline.config import PipelineConfig
from pipeline.console.messages import tell
from pipeline.metadata.address import MetadataStoreAddress
from pipeline.paths import shown
from pipeline.settings import add_flag

if TYPE_CHECKING:
    from pipeline.console.printable_console import PrintableConsole
    from pipeline.results.run_diff import RunDiff
    from pipeline.results.run_info import RunInfo

DEFAULT_LIMIT = 50
_ALL_OF_ONE = (
    "Shows all of one run: what became of it, its steps with their state, time, memory and reason, "
    "settings, versions and figures."
)
_DIFFERENCES = (
    "Shows only what differs between two runs: settings, code, data, figures with their "
    "significance, and the test reviews that changed sides."
)

COMMAND = Command(
    "runs",
    usage="sentiment runs [show RUN | diff A B] [--root FOLDER] [--pipeline-name NAME] "
    "[--model-name NAME] [--limit N] [--json]",
    help="list the runs of a root, show one, compare two",
    description="Lists the runs below a root, the newest first: data, model, accuracy with its 95 "
    "% interval, what became of the model, and the time it took. RUN is "
    f"{NAMES_OF_A_RUN}.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags, and what may stand behind it."""
    _add_common(parser, has_defaults=True)
    parser.add_argument(
        "--limit",
        metavar="N",
        default=None,
        help=f"how many runs to list; 0 lists all (default: {DEFAULT_LIMIT}, all with --json)",
    )
    parser.set_defaults(show=_list)
    actions = parser.add_subparsers(title="more of them", metavar="ACTION", prog="sentiment runs")
    show = _add_action(actions, "show", "RUN: all of one run", _ALL_OF_ONE)
    show.add_argument("run", metavar="RUN", help=NAMES_OF_A_RUN)
    show.set_defaults(show=_show)
    diff = _add_action(actions, "diff", "A B: only what differs between two runs", _DIFFERENCES)
    diff.add_argument("first", metavar="A", help=NAMES_OF_A_RUN)
    diff.add_argument("second", metavar="B", help="the same")
    diff.add_argument(
        "--html", metavar="FILE", help="write it as a page of HTML that needs nothing beside it"
    )
    diff.set_defaults(show=_diff)
    for action in (show, diff):
        _add_common(action, has_defaults=False)


def _add_action(actions: Any, name: str, help: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, allow_abbrev=False, help=help, description=description
    )
    return parser


def _add_common(parser: argparse.ArgumentParser, *, has_defaults: bool) -> None:
    """Adds the flags that may stand before and behind `show` and `diff`."""

    def default(value: Any) -> Any:
        # What the user said before `show` is not to be overwritten by its default.
        return value if has_defaults else argparse.SUPPRESS

    parser.add_argument(
        "--root",
        metavar="FOLDER",
        default=default(PipelineConfig.root),
        help=f"folder of all that the runs wrote (default: {PipelineConfig.root})",
    )
    for field in dataclasses.fields(PipelineConfig):
        if field.name in METADATA_SETTINGS:
            add_flag(parser, field)
    parser.add_argument(
        "--pipeline-name", metavar="NAME", default=default(""), help="runs of this pipeline alone"
    )
    parser.add_argument(
        "--model-name", metavar="NAME", default=default(""), help="runs of this model alone"
    )
    parser.add_argument(
        "--json", action="store_true", default=default(False), help="JSON, for programs"
    )
    parser.add_argument(
        "--debug", action="store_true", default=default(False), help="show tracebacks"
    )


def run(options: dict[str, Any]) -> int:
    """Prints what was asked for.

    Raises:
      ConfigurationError: There is no such run, or the root or its metadata cannot be read.
    """
    extras.require(extras.PIPELINE, "runs")
    where = config_of(options, ("root", *METADATA_SETTINGS))
    options["root"] = place_of(where.root).absolute()
    options["metadata"] = metadata_at(where)
    action = options.pop("show")
    return int(action(options))


def _list(options: dict[str, Any]) -> int:
    from pipeline.results.runs import list_runs, no_runs

    limit = _limit(options["limit"])
    runs = list_runs(*_scope(options))
    if options["json"]:
        from pipeline.results.run_json import as_json

        told = runs[: limit or None] if options["limit"] else runs
        print(json.dumps([as_json(each) for each in told], indent=1))
        return 0
    if not runs:
        tell(no_runs(options["root"], options["metadata"]), sys.stdout)
        return 0
    from pipeline.console.runs_table import print_runs

    console, is_plain = _console()
    print_runs(console, runs[: limit or None], len(runs), is_plain=is_plain)
    return 0


def _show(options: dict[str, Any]) -> int:
    found = _find(options["run"], options)
    if options["json"]:
        from pipeline.results.run_json import as_json

        print(json.dumps(as_json(found, is_whole=True), indent=1))
        return 0
    from pipeline.console.run_text import print_run
    from pipeline.report.written import page_path

    console, is_plain = _console()
    page = page_path(found.root or options["root"], found)
    print_run(console, found, options["root"], page, is_plain=is_plain)
    return 0


def _diff(options: dict[str, Any]) -> int:
    from pipeline.console.diff_text import print_diff
    from pipeline.results.run_diff import diff

    page = place_of(options["html"]).absolute() if options["html"] else None
    if page and page.is_dir():
        raise ConfigurationError(f"--html {shown(page)} is a folder; expected a file's name.")

    first, second = (_find(options[name], options) for name in ("first", "second"))
    found = diff(options["root"], first, second)
    if page:
        _write_page(found, page)
    if options["json"]:
        print(json.dumps(found.as_json(), indent=1))
        return 0
    if page:
        tell(shown(page), sys.stdout)
        return 0
    console, is_plain = _console()
    print_diff(console, found, is_plain=is_plain)
    return 0


def _write_page(found: RunDiff, path: Place) -> None:
    from pipeline.report.diff_page import write_diff

    try:
        write_diff(found, path)
    except OSError as error:
        raise ConfigurationError(
            f"The page cannot be written: {error.strerror} ({error.filename}). Choose another file "
            "by --html."
        ) from error


def _find(name: str, options: dict[str, Any]) -> RunInfo:
    from pipeline.results.runs import find_run

    root, pipeline_name, model_name, metadata = _scope(options)
    return find_run(root, name, pipeline_name, model_name, metadata)


def _scope(options: dict[str, Any]) -> tuple[Place, str, str, MetadataStoreAddress]:
    return (
        options["root"],
        options["pipeline_name"],
        options["model_name"],
        options["metadata"],
    )


def _limit(given: str | None) -> int:
    if given is None:
        return DEFAULT_LIMIT
    if not given.isdecimal() or len(given) > 9:
        raise ConfigurationError(
            f"--limit is '{given}'; expected a whole number from 0 (all) to 999,999,999."
        )
    return int(given)


def _console() -> tuple[PrintableConsole, bool]:
    from pipeline.console.live_line import is_plain
    from pipeline.console.printable_console import PrintableConsole

    if isinstance(sys.stdout, io.TextIOWrapper):  # not where a test or a notebook put another
        # A text may hold what the terminal's encoding does not have.
        sys.stdout.reconfigure(errors="replace")
    console = PrintableConsole(file=sys.stdout, highlight=False, markup=False, emoji=False)
    return console, is_plain(sys.stdout)
