"""Turns recorded leaderboards into one table in Markdown.

Places and ties are computed over the runs of all files together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.errors import ConfigurationError
from pipeline.program import as_typed
from pipeline.results.figures import deviation, interval, megabytes, seconds
from pipeline.results.leaderboard import Leaderboard, Row, Run, explanations, quality, rank
from serving.printable import printable, printable_lines

_HEADINGS = (
    "model",
    "seeds",
    "accuracy, %",
    "std",
    "95 % interval",
    "{quality}",
    "log loss",
    "fit, s",
    "parameters",
    "MB",
    "ms a review",
)


def markdown_table(paths: Sequence[Path]) -> str:
    """Returns the table of one or several recorded leaderboards.

    Raises:
      ConfigurationError: A file is no leaderboard, they are of other data, a run is in two of
        them, or a contender was trained in two ways.
    """
    boards = [Leaderboard.read(path) for path in paths]
    if len({board.data["digest"] for board in boards}) > 1:
        names = ", ".join(
            f"{path}: {board.data['name']}" for path, board in zip(paths, boards, strict=True)
        )
        raise ConfigurationError(
            f"The leaderboards are of different data ({names}); give each a table of its own."
        )
    runs = [run for board in boards for run in board.runs]
    keys = [(run.label, run.seed) for run in runs]
    if len(set(keys)) < len(keys):
        twice = sorted(
            {f"{label}, seed {seed}" for label, seed in keys if keys.count((label, seed)) > 1}
        )
        raise ConfigurationError(
            f"In more than one file: {'; '.join(twice)}. Leave one of the files out."
        )
    return table_of(runs)


def table_of(runs: Sequence[Run]) -> str:
    """Returns the table and what explains it."""
    rows = rank(runs)
    name, cells = quality(rows, decimals=4)
    heading = "macro F1" if name == "F1" else name
    lines = [
        f"| {' | '.join(_HEADINGS)} |".format(quality=heading),
        f"|---|{'---:|' * (len(_HEADINGS) - 1)}",
        *(_line(row, cell) for row, cell in zip(rows, cells, strict=True)),
    ]
    for explanation in explanations(rows):
        lines += ["", explanation]
    return "\n".join(lines)


def report(board: Leaderboard) -> str:
    """Returns a whole page: the table, what failed, and what made it."""
    lines = [f"# {board.name}", "", table_of(board.runs) if board.runs else "Nothing was trained."]
    if board.failures:
        lines += ["", "| failed | seed | reason |", "|---|---:|---|"]
        lines += [
            f"| `{failure.label}` | {failure.seed} | {_cell(failure.reason)} |"
            for failure in board.failures
        ]
    lines += [
        "",
        f"Made by `{board.command}` on {board.data['name']}, with {board.machine['cpus']} CPUs and "
        + ", ".join(f"{name} {version}" for name, version in board.stack.items())
        + ".",
        "",
    ]
    return printable_lines("\n".join(lines))


def _cell(text: str) -> str:
    return as_typed(printable(text)).replace("|", "/")


def _line(row: Row, quality_cell: str) -> str:
    accuracy = row.accuracy
    cells = (
        f"`{row.label}`",
        str(row.seeds),
        f"{accuracy.mean * 100:.2f}{' ~' if row.is_tied else ''}",
        deviation(accuracy),
        interval(accuracy),
        quality_cell,
        f"{row.log_loss:.3f}",
        seconds(row.training_seconds),
        f"{row.parameters:,}",
        megabytes(row.bytes),
        f"{row.latency_ms:.1f}",
    )
    return f"| {' | '.join(cells)} |"
