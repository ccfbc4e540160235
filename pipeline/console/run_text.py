"""All that is known of one run, on the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from components.models.class_list import short
from components.storage.place import Place
from pipeline.console.duration import duration
from pipeline.console.messages import readable
from pipeline.console.printable_console import PrintableConsole
from pipeline.console.runs_table import NARROW, NOT_KNOWN
from pipeline.flag_spelling import typed
from pipeline.paths import shown
from pipeline.program import command_in
from pipeline.results import run_properties as names
from pipeline.results.metric_names import METRIC_NAMES
from pipeline.results.outcome import outcome
from pipeline.results.run_info import RunInfo, StepInfo
from pipeline.root import serving_folder
from serving.printable import printable

_INDENT = "  "
_NOT_RECORDED = "not recorded: an earlier release ran it"
_STYLES = {names.FAILED: "bold red", names.INTERRUPTED: "yellow", names.STOPPED: "yellow"}
_MEMORY = (
    "memory: the most that the process and Beam's workers had at once; what they share counts in "
    "each"
)


def print_run(
    console: PrintableConsole, run: RunInfo, root: Place, page: Place, *, is_plain: bool = False
) -> None:
    """Prints what a run was, found and cost; the failing step and the error come first.

    Args:
      console: Where to.
      run: The run.
      root: Where it ran.
      page: Where its page is, if it was written.
      is_plain: Whether the terminal knows ASCII only.
    """
    word = outcome(run)
    console.print_wrapped(Text.assemble((run.run_id, "bold"), "  ", (word, _STYLES.get(word, ""))))
    if run.state in (names.FAILED, names.INTERRUPTED, names.STOPPED):
        for line in _ending(run):
            _line(console, line, style=_STYLES[run.state])
    for line in (*_facts(run, is_plain), *_judgement(run, root)):
        _line(console, line)
    console.print("")
    _print_steps(console, run.steps)
    console.print("")
    for title, text in _surroundings(run):
        _line(console, f"{title}: {text}")
    if page.is_file():
        _line(console, f"page: {shown(page)}")
    else:
        command = command_in(root, run.metadata, "report", run.run_id)
        _line(console, f"page: none yet; {command} writes it")


def _ending(run: RunInfo) -> Iterator[str]:
    where = f" in {run.failed_step}" if run.failed_step else ""
    if run.state == names.FAILED:
        yield f"failed{where}: {run.error or 'the error was not recorded'}"
    elif run.state == names.INTERRUPTED:
        yield f"interrupted{where} by Ctrl-C or SIGTERM"
    else:
        yield f"stopped{where}: its process was killed, or the machine stopped"


def _facts(run: RunInfo, is_plain: bool) -> Iterator[str]:
    model = f", model {run.model}" if run.model else ""
    yield f"pipeline {run.pipeline_name}{model}, data {run.data_name or NOT_KNOWN}"
    took = "" if run.seconds is None else f", took {duration(run.seconds)}"
    yield f"began {run.started:%d %b %Y %H:%M:%S}{took}"
    if run.accuracy is not None:
        yield accuracy_line(run, is_plain)
        known = {title: run.metrics.get(name) for name, title in METRIC_NAMES.items()}
        yield ", ".join(
            f"{title} {value:.3f}" for title, value in known.items() if value is not None
        )
    elif run.state == names.COMPLETE:
        yield f"accuracy {_NOT_RECORDED}"
    yield _data(run.data)


def accuracy_line(run: RunInfo, is_plain: bool) -> str:
    """Returns the accuracy with its interval, the number of reviews, and what it was judged by."""
    assert run.accuracy is not None
    line = f"accuracy {run.accuracy:.2%}"
    if run.interval:
        low, high = run.interval
        sign = "+-" if is_plain else "±"
        line += f" {sign} {(high - low) * 50:.2f} points (95 %, Wilson)"
    line += f" of {run.metrics.get('examples') or 0:,.0f} test reviews"
    last = run.baseline.get("accuracy")
    return line if last is None else f"{line}; last blessed model {last:.2%}"


def _data(data: Mapping[str, Any]) -> str:
    sizes = [
        f"{sum(labels.values()):,} {split}" for split, labels in data.get("reviews", {}).items()
    ]
    parts = [f"reviews: {', '.join(sizes) if sizes else 'counts were not recorded'}"]
    if "leaks" in data:
        parts.append(f"{data['leaks']:,} texts in both train and test")
    if classes := data.get("classes"):
        parts.append(f"{len(classes)} classes: {', '.join(map(short, classes[:5]))}")
        parts[-1] += ", ..." * (len(classes) > 5)
    if digest := data.get("digest"):
        parts.append(f"content {digest[:12]}")
    return "; ".join(parts)


def _judgement(run: RunInfo, root: Place) -> Iterator[str]:
    if run.is_comparison:
        yield "measured for a comparison; nothing was pushed"
        return
    if run.is_blessed is False:
        yield f"not blessed{':' if run.refusals else ''} {' '.join(run.refusals)}".rstrip()
    if run.version is None:
        if run.is_blessed:
            yield "blessed, and not pushed"
        return
    folder = run.folder or serving_folder(run.root or root) / run.model_name / str(run.version)
    yield f"blessed, and pushed as version {run.version} of {run.model_name}"
    if not folder.is_dir():
        yield f"not served: somebody removed {shown(folder)}"
    elif run.is_live:
        yield f"served from {shown(folder)}"
    else:
        yield f"not served: a later version lies beside {shown(folder)}"


def _print_steps(console: PrintableConsole, steps: tuple[StepInfo, ...]) -> None:
    if not steps:
        _line(console, "no step began")
        return
    has_memory = console.width >= NARROW and any(step.peak_memory for step in steps)
    has_reasons = any(step.reason for step in steps)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(f"{_INDENT}step", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    if has_memory:
        table.add_column("memory", justify="right", no_wrap=True)
    if has_reasons:
        table.add_column("why", overflow="fold")
    for step in steps:
        memory = f"{step.peak_memory / 1e6:,.0f} MB" if step.peak_memory else NOT_KNOWN
        table.add_row(
            f"{_INDENT}{printable(step.name)}",
            Text(step.state, style=_STYLES.get(step.state, "")),
            NOT_KNOWN if step.seconds is None else duration(step.seconds),
            *([memory] if has_memory else []),
            *([readable(step.reason)] if has_reasons else []),
        )
    console.print(table)
    if has_memory:
        _line(console, _MEMORY, style="dim")


def _surroundings(run: RunInfo) -> Iterator[tuple[str, str]]:
    settings = [typed(name, value) for name, value in run.settings.items()]
    yield "settings", " ".join(settings) or _NOT_RECORDED
    versions = [f"{name} {version}" for name, version in run.versions.items()]
    yield "versions", ", ".join(versions) or _NOT_RECORDED
    if run.commit:
        changes = ", and changes that were not committed" if run.is_dirty else ""
        yield "commit", f"{run.commit[:12]}{changes}"
    elif run.versions:
        yield "commit", "none: the code was not run from a git checkout"


def _line(console: PrintableConsole, text: str, style: str | None = None) -> None:
    line = f"{_INDENT}{readable(text)}"
    console.print_wrapped(line, indent=f"{_INDENT}  ", style=style)
