"""The README's table of speed: a few of the figures that are recorded, in one row."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import data_steps, recording

# What is measured / against what, and the ratio with our own time.
_Cells = Iterator[tuple[str, str]]


def markdown_table(folder: Path = recording.RESULTS) -> str:
    """Returns ratios of the benchmarks that are recorded; what is not is left out."""
    columns = [
        column
        for part, cells in _PARTS.items()
        if (results := recording.recorded(part, folder))
        for column in cells(results)
    ]
    if not columns:
        return recording.NOT_MEASURED
    names, ratios = zip(*columns, strict=True)
    return "\n".join(
        [
            f"| ours / another's, time | {' | '.join(names)} |",
            f"|---|{'---:|' * len(columns)}",
            f"| ratio (ours) | {' | '.join(ratios)} |",
        ]
    )


def _latency(results: recording.Results) -> _Cells:
    for batch, name in (("1", "one review"), ("128", "128 reviews")):
        if values := results["figures"].get(batch):
            ours = f"{values['wall: ratio']:.2f} ({values['wall: ours, ms']:.1f} ms)"
            yield f"text to probability, {name} / plain Keras", ours


def _training(results: recording.Results) -> _Cells:
    if values := results["figures"].get("lstm"):
        ours = f"{values['wall: ratio']:.2f} ({values['wall: ours, ms']:.0f} ms)"
        yield "training step, `lstm` / plain Keras", ours


def _data_steps(results: recording.Results) -> _Cells:
    pairs = data_steps.totals(results)
    ratio = statistics.median(ours / other for ours, other in pairs)
    seconds = statistics.median(ours for ours, _ in pairs)
    yield "data steps / TFX's IMDB example", f"{ratio:.2f} ({seconds:.0f} s)"


def _cold_run(results: recording.Results) -> _Cells:
    figures = results["figures"]
    seconds = statistics.median(turn["run, s"] for turn in figures["turns"])
    ratio = statistics.median(turn["run, s"] / turn["Keras, fit, s"] for turn in figures["turns"])
    other = f"{figures['epochs']} epochs of plain Keras' `fit`"
    yield f"a whole first run / {other}", f"{ratio:.2f} ({seconds:.0f} s)"


_PARTS: dict[str, Callable[[recording.Results], _Cells]] = {
    "latency": _latency,
    "training": _training,
    "data_steps": _data_steps,
    "cold_run": _cold_run,
}
