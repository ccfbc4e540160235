"""How do time and memory of each step grow with the number of reviews?

    IMDB_ARCHIVE=... python -m benchmarks.scaling [--reviews N] [--times N ...] [--busy]

The pipeline runs up to the Evaluator on one, four and sixteen times the reviews, as a CSV file in
which every copy of a review is a text of its own; `lstm` is trained for one epoch. A step's time
is told per review that it reads, its memory as the peak of each kind of process.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import our_steps, recording
from benchmarks.review_files import write_reviews

_STEPS = (*our_steps.DATA_STEPS, "Trainer", "LatestBlessedModel", "Evaluator")
FIT = "Trainer, an epoch of fit alone"
# The share of the reviews that a step reads; a half of them is train, the other test.
READ = {
    "ReviewExampleGen": 1.0,
    "StatisticsGen": 1.0,
    "Transform": 0.5,
    "Trainer": 0.5,
    FIT: 0.5,
    "Evaluator": 0.5,
}
_ALL_REVIEWS = 50_000


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("scaling", __doc__)
    parser.add_argument(
        "--reviews",
        type=int,
        default=_ALL_REVIEWS,
        help="of the smallest size; default: %(default)s",
    )
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16], help="sizes")
    parser.add_argument("--model", default="lstm", help="default: %(default)s")
    recording.run(parser, measure, markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns what each step took, by size."""

    def measure_size(times: int, folder: Path) -> dict[str, Any]:
        return _measure_size(options.reviews * times, options.model, folder)

    sizes = our_steps.by_size(options.times, measure_size)
    return {"model": options.model, "sizes": sizes}


def _measure_size(reviews: int, model: str, folder: Path) -> dict[str, Any]:
    table = folder / "reviews.csv"
    write_reviews(table, reviews)
    # One mode for all sizes: that of large data.
    mode = "--beam-mode=multi_processing"
    flags = [f"--data={table}", f"--model={model}", "--epochs=1", mode]
    taken = our_steps.measured(folder / "root", _STEPS, *flags)
    (record,) = (folder / "root").rglob("training.json")
    fit = json.loads(record.read_text(encoding="utf-8"))["seconds"]
    return {
        "reviews": reviews,
        "bytes": table.stat().st_size,
        "bytes written": sum(
            file.stat().st_size for file in (folder / "root").rglob("*") if file.is_file()
        ),
        "steps": {step: asdict(figures) for step, figures in taken.items()},
        "fit, s": fit,
    }


def seconds_per_million(size: Mapping[str, Any]) -> dict[str, float]:
    """Returns, by step, the seconds that a million reviews which it reads would take.

    Args:
      size: What was measured of a size.
    """
    seconds = {step: figures["seconds"] for step, figures in size["steps"].items()}
    seconds[FIT] = size["fit, s"]
    return {
        step: 1e6 * seconds[step] / (share * size["reviews"])
        for step, share in READ.items()
        if step in seconds
    }


def markdown_table(results: recording.Results) -> str:
    """Returns the time per million reviews, its growth, and the memory of each step by size."""
    sizes = results["figures"]["sizes"]
    smallest = seconds_per_million(next(iter(sizes.values())))
    rows = [
        "| step | reviews | s | s per million reviews read | as a share of the smallest size's "
        "| processor s per million | all processes, GB | the main one, GB | a worker, GB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for step, share in READ.items():
        for size in sizes.values():
            rows.append(_row(step, share * size["reviews"], size, smallest))
    written = ", ".join(
        f"{size['bytes written'] / size['reviews'] / 1e3:.1f} KB of {size['reviews']:,}"
        for size in sizes.values()
    )
    return "\n".join([*rows, "", f"Written by all steps together, a review: {written}."])


def _row(step: str, read: float, size: Mapping[str, Any], smallest: Mapping[str, float]) -> str:
    million = seconds_per_million(size)[step]
    cells = [f"{million * read / 1e6:,.1f}", f"{million:,.0f}", f"{million / smallest[step]:.2f}"]
    if step == FIT:
        cells += [""] * 4
    else:
        figures = size["steps"][step]
        cells.append(f"{1e6 * figures['processor'] / read:,.0f}")
        cells += [f"{figures[kind] / 1e9:.2f}" for kind in ("peak", "main")]
        cells.append(f"{figures['worker'] / 1e9:.2f}" if figures["worker"] else "")
    return f"| {step} | {read:,.0f} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
