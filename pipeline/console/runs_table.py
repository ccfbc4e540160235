"""The runs of a root on the console, in 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from pipeline.console.duration import duration
from pipeline.console.printable_console import PrintableConsole
from pipeline.results import outcome as outcomes
from pipeline.results import run_properties as names
from pipeline.results.outcome import MEANINGS, outcome
from pipeline.results.run_info import RunInfo
from serving.printable import printable

# From this width on, what the run's id and outcome leave out has columns of its own.
WIDE = 110
# Below this one, there is no room for the time that a run took, and a step's memory.
NARROW = 74
_STYLES = {
    outcomes.LIVE: "bold green",
    outcomes.PUSHED: "green",
    outcomes.BLESSED: "green",
    outcomes.REFUSED: "red",
    names.FAILED: "bold red",
    names.RUNNING: "cyan",
    names.INTERRUPTED: "yellow",
    names.STOPPED: "yellow",
}
NOT_KNOWN = "-"


def print_runs(
    console: PrintableConsole, runs: Sequence[RunInfo], total: int, *, is_plain: bool = False
) -> None:
    """Prints a line for each run, the newest first, and what the words mean.

    Args:
      console: Where to.
      runs: Those to show.
      total: How many there are.
      is_plain: Whether the terminal knows ASCII only.
    """
    is_wide, has_time = console.width >= WIDE, console.width >= NARROW
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("run", no_wrap=True)
    if is_wide:
        table.add_column("pipeline", overflow="fold")
    widest = 24 if is_wide else 12
    table.add_column("data", overflow="fold", max_width=widest)
    table.add_column("model", overflow="fold", max_width=widest)
    table.add_column("accuracy %", justify="right", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    if is_wide:
        table.add_column("version", no_wrap=True)
    if has_time:
        table.add_column("took", justify="right", no_wrap=True)
    for run in runs:
        word = outcome(run)
        table.add_row(
            short_id(run.run_id),
            *([printable(run.pipeline_name)] if is_wide else []),
            printable(run.data_name) or NOT_KNOWN,
            printable(run.model) or NOT_KNOWN,
            accuracy_cell(run, is_plain),
            Text(word, style=_STYLES.get(word, "")),
            *([str(run.version or NOT_KNOWN)] if is_wide else []),
            *([NOT_KNOWN if run.seconds is None else duration(run.seconds)] if has_time else []),
        )
    console.print(table)
    meanings = [
        f"{word}: {MEANINGS[word]}"
        for word in dict.fromkeys(map(outcome, runs))
        if word in MEANINGS
    ]
    has_interval = any(run.interval for run in runs)
    notes = [f"{'+-' if is_plain else '±'}: half the 95 % interval (Wilson)"] * has_interval
    if legend := "; ".join(notes + meanings):
        console.print_wrapped(f"{legend}.", indent="", style="dim")
    if total > len(runs):
        console.print_wrapped(
            f"{total - len(runs):,} older runs are not shown: --limit 0 shows all.", indent=""
        )


def short_id(run_id: str) -> str:
    """Returns an id without the fractions of a second that TFX's own have; it still is found."""
    return printable(run_id[:19] if run_id[10:11] == "T" else run_id)


def accuracy_cell(run: RunInfo, is_plain: bool) -> str:
    """Returns "86.14 ± 0.43", in percent and points; "-" where it was not measured."""
    if run.accuracy is None:
        return NOT_KNOWN
    cell = f"{run.accuracy * 100:.2f}"
    if run.interval is None:
        return cell
    low, high = run.interval
    return f"{cell} {'+-' if is_plain else '±'} {(high - low) * 50:.2f}"
