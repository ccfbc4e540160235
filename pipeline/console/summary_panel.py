"""The end of a run, as lines of Rich markup."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pipeline.report.summary import RunSummary, SliceRow

WIDTH = 78

_FEATURE_TITLES = {
    "rating": "by stars",
    "length": "by length in words",
    "unknown_words": "by share of unknown words",
}


def render_summary(summary: RunSummary, *, is_plain: bool = False) -> Iterator[str]:
    """Yields the lines that end a run; commands stand alone on theirs, to be copied.

    Args:
      summary: The run's outcome.
      is_plain: Whether the terminal knows ASCII only.
    """
    rule = "-" if is_plain else "─"
    yield f"[dim]{rule * WIDTH}[/]"
    yield _verdict(summary)
    yield from (f"  {_escape(sentence)}" for sentence in summary.refusals)
    metrics = summary.metrics
    yield (
        f"  accuracy [bold]{metrics['accuracy']:.2%}[/] on {metrics['examples']:,.0f} test reviews; "
        f"gate {summary.min_accuracy:.2%}; {_against_baseline(summary)}"
    )
    yield (
        f"  AUC {metrics['auc']:.4f}, precision {metrics['precision']:.4f}, "
        f"recall {metrics['recall']:.4f}, log loss {metrics['log_loss']:.4f}, "
        f"calibration {metrics['calibration']:.3f}"
    )
    yield (
        f"  right: {metrics['true_positives']:,.0f} positive, "
        f"{metrics['true_negatives']:,.0f} negative; wrong: "
        f"{metrics['false_positives']:,.0f} called positive, "
        f"{metrics['false_negatives']:,.0f} called negative"
    )
    yield f"  data {_data(summary)}"
    yield from _slices(summary.slices, is_plain)
    if summary.pushed_to:
        yield f"  pushed to {_escape(summary.pushed_to)}"
    else:
        yield "  [bold]not pushed[/]: what is served stays as it is"
    yield (
        f"  {len(summary.executed)} steps ran, {len(summary.cached)} came from the cache, "
        f"in {summary.seconds:.0f} s; log: {_escape(str(summary.log_path))}"
    )
    yield "Next:"
    for purpose, command in summary.next_commands:
        yield f"  [dim]# {_escape(purpose)}[/]"
        yield f"  {_escape(command)}"


def _verdict(summary: RunSummary) -> str:
    if summary.is_blessed:
        return f"[bold green]BLESSED[/] {_escape(summary.model)} passed the gate"
    return f"[bold red]NOT BLESSED[/] {_escape(summary.model)} did not pass the gate"


def _against_baseline(summary: RunSummary) -> str:
    if summary.baseline_accuracy is None:
        return "no blessed model to compare with"
    points = (summary.metrics["accuracy"] - summary.baseline_accuracy) * 100
    return f"{points:+.2f} points against the last blessed model's {summary.baseline_accuracy:.2%}"


def _data(summary: RunSummary) -> str:
    sizes = ", ".join(f"{count:,} {split}" for split, count in summary.counts.items())
    notes = [f"{summary.leaks:,} texts are in both train and test"]
    if summary.dropped_leaks:
        notes.append(f"{summary.dropped_leaks:,} reviews dropped from train for it")
    if summary.bad_records:
        notes.append(f"{summary.bad_records:,} records could not be read")
    return f"{_escape(summary.data_name)}: {sizes}; {'; '.join(notes)}"


def _slices(rows: tuple[SliceRow, ...], is_plain: bool) -> Iterator[str]:
    """Yields a line for each feature: its parts, with the least accurate one marked."""
    for feature, title in _FEATURE_TITLES.items():
        parts = [row for row in rows if row.feature == feature and not math.isnan(row.accuracy)]
        if not parts:
            continue
        worst = min(parts, key=lambda row: row.accuracy) if len(parts) > 1 else None
        yield f"  [dim]{title} (reviews, accuracy)[/]"
        shown = [
            f"{_escape(row.value)}: {row.examples:,}, "
            + (f"[bold]{row.accuracy:.1%} lowest[/]" if row is worst else f"{row.accuracy:.1%}")
            for row in parts
        ]
        yield from _wrapped(shown)


def _wrapped(parts: list[str]) -> Iterator[str]:
    """Yields the parts in lines of at most WIDTH characters."""
    line = ""
    for part in parts:
        longer = f"{line} | {part}" if line else f"    {part}"
        if line and len(longer.replace("[bold]", "").replace("[/]", "")) > WIDTH:
            yield line
            longer = f"    {part}"
        line = longer
    yield line


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
