"""The page of two runs: what differs between them."""

from __future__ import annotations

from components.storage.place import Place
from pipeline.report.pages import render, save
from pipeline.results.diff_lines import sections
from pipeline.results.outcome import outcome
from pipeline.results.run_diff import RunDiff, have_other_classes
from pipeline.results.run_info import RunInfo


def diff_page(found: RunDiff) -> str:
    """Returns the page."""
    return render(
        "diff.html.j2",
        runs=[_row(mark, run) for mark, run in (("A", found.first), ("B", found.second))],
        title=_title(found),
        sections=list(sections(found)),
        notes=found.notes,
    )


def write_diff(found: RunDiff, path: Place) -> None:
    """Writes the page.

    Raises:
      OSError: It cannot be written.
    """
    save(diff_page(found), path)


def _title(found: RunDiff) -> str:
    """Says what matters most: whether one model is more accurate, and whether that holds."""
    first, second = found.first, found.second
    if found.is_identical:
        same = first.run_id == second.run_id
        return "Identical: the same run" if same else "Identical: all that was compared"
    if first.accuracy is None or second.accuracy is None:
        return "What differs between two runs"
    if have_other_classes(first, second):
        return "Two runs that tell other classes apart"
    points = round((second.accuracy - first.accuracy) * 100, 2)
    if not points:
        return "B is as accurate as A"
    sides = f"B is {abs(points):.2f} points {'more' if points > 0 else 'less'} accurate than A"
    if found.significance is None:
        return sides
    if found.significance.holds:
        return f"{sides}, and the difference holds"
    return f"{sides}, which may be chance"


def _row(mark: str, run: RunInfo) -> dict[str, str]:
    accuracy = "not measured"
    if run.accuracy is not None:
        accuracy = f"{run.accuracy:.2%}"
        if run.interval:
            accuracy += f" ({run.interval[0]:.2%} to {run.interval[1]:.2%})"
    return {
        "mark": mark,
        "run": run.run_id,
        "model": run.model or "unknown",
        "data": run.data_name or "unknown",
        "accuracy": accuracy,
        "outcome": outcome(run),
    }
