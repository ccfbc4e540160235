"""A leaderboard on the console, in 80 columns."""

from __future__ import annotations

from rich.table import Table

from pipeline.console.messages import readable
from pipeline.console.printable_console import PrintableConsole
from pipeline.results.figures import deviation, interval, megabytes, seconds
from pipeline.results.leaderboard import Leaderboard, Row, explanations, quality
from serving.printable import printable

MAX_WIDTH = 80
_LABEL_WIDTH = 22
_HEADINGS = ("acc. %", "std", "95 % mean", "{quality}", "loss", "fit s", "par.", "MB", "ms")
_UNITS = (
    "acc.: accuracy on the test split; loss: log loss; fit s: seconds of the fit; par.: "
    "parameters; MB: on disk; ms: one review, one at a time, at the median. Means over the seeds."
)
_F1 = " F1: the mean over the classes (macro)."


def print_leaderboard(
    console: PrintableConsole, board: Leaderboard, *, is_plain: bool = False
) -> None:
    """Prints the contenders, what the marks mean, and what failed with the reason."""
    width = min(console.width, MAX_WIDTH)
    console.print(("-" if is_plain else "─") * width, style="dim")
    rows = board.rows
    if rows:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, collapse_padding=True)
        table.add_column("model", max_width=_LABEL_WIDTH, overflow="fold")
        name, cells = quality(rows, decimals=3)
        for heading in _HEADINGS:
            table.add_column(heading.format(quality=name), justify="right", no_wrap=True)
        for row, cell in zip(rows, cells, strict=True):
            style = "bold" if row is rows[0] else None
            table.add_row(_label(row.label), *_cells(row, cell), style=style)
        console.print(table, width=width)
        _prose(console, width, _UNITS + _F1 * (name == "F1"))
        for explanation in explanations(rows):
            _prose(console, width, explanation)
    if board.failures:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left")
        for heading in ("failed", "seed", "reason"):
            table.add_column(heading, overflow="fold")
        for failure in board.failures:
            label, reason = printable(failure.label), readable(failure.reason)
            table.add_row(label, str(failure.seed), reason, style="red")
        console.print(table, width=width)
        for log in dict.fromkeys(failure.log for failure in board.failures):
            console.print_wrapped(f"log: {log}", width=width)


def _label(label: str) -> str:
    """Returns a label, broken before its preset where it is too long for a line."""
    text = printable(label)
    return text if len(text) <= _LABEL_WIDTH else text.replace(":", ":\n  ", 1)


def _cells(row: Row, quality_cell: str) -> tuple[str, ...]:
    accuracy = row.accuracy
    return (
        f"{accuracy.mean:.2%}".rstrip("%") + ("~" if row.is_tied else " "),
        deviation(accuracy),
        interval(accuracy),
        quality_cell,
        f"{row.log_loss:.3f}",
        seconds(row.training_seconds),
        f"{row.parameters / 1e3:,.0f}k",
        megabytes(row.bytes),
        f"{row.latency_ms:.1f}",
    )


def _prose(console: PrintableConsole, width: int, text: str) -> None:
    console.print_wrapped(text, width=width, indent="", style="dim")
