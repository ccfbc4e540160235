"""From how much data on are Beam's worker processes worth their start?

    IMDB_ARCHIVE=... python -m benchmarks.beam_modes [--reviews N ...] [--until STEP] [--busy]

All of Beam's steps, with the Trainer between them that the Evaluator needs, or the first of them,
run on files of several sizes: in one process, and in as many as there are processors, in turns.
The table says which is the shorter, what the workers cost in processor time, and what
`--beam-mode auto` takes.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import our_steps, recording
from benchmarks.review_files import write_reviews
from pipeline.beam_mode import are_worth_their_start

MODES = ALONE, SEVERAL = ("in_memory", "multi_processing")
BEAM_STEPS = ("ReviewExampleGen", "StatisticsGen", "Transform", "Evaluator")
_STEPS = (*our_steps.DATA_STEPS, "Trainer", "LatestBlessedModel", "Evaluator")
_SIZES = (12_500, 50_000, 200_000)


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("beam_modes", __doc__)
    parser.add_argument("--reviews", type=int, nargs="+", default=_SIZES, help="sizes")
    parser.add_argument("--until", choices=BEAM_STEPS, default="Evaluator", help="the last step")
    parser.add_argument("--turns", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--model", default="linear", help="default: %(default)s")
    recording.run(parser, measure, markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns what each step took, by size, turn and mode."""

    def measure_size(reviews: int, folder: Path) -> dict[str, Any]:
        table = folder / "reviews.csv"
        write_reviews(table, reviews)
        turns = [
            {
                mode: _run(folder / f"{turn}-{mode}", table, mode, options)
                for mode in MODES[:: 1 if turn % 2 else -1]
            }
            for turn in range(options.turns)
        ]
        return {"bytes": table.stat().st_size, "turns": turns}

    return {"model": options.model, "sizes": our_steps.by_size(options.reviews, measure_size)}


def _run(root: Path, table: Path, mode: str, options: argparse.Namespace) -> dict[str, Any]:
    flags = [f"--data={table}", f"--model={options.model}", f"--beam-mode={mode}"]
    steps = _STEPS[: _STEPS.index(options.until) + 1]
    taken = our_steps.measured(root, steps, *flags)
    return {step: asdict(figures) for step, figures in taken.items() if step in BEAM_STEPS}


def markdown_table(results: recording.Results) -> str:
    """Returns the time of both modes, by size and step; the median ratio with its range."""
    rows = [
        "| reviews | MB | step | one process, s | several, s | several / one, time "
        "| processor time | auto takes |",
        "|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    for reviews, size in results["figures"]["sizes"].items():
        several = are_worth_their_start(size["bytes"], results["machine"]["processors"])
        measured = tuple(size["turns"][0][ALONE])
        for name, steps in [*((step, (step,)) for step in measured), ("together", measured)]:
            alone, together = (
                statistics.median(_total(turn[mode], steps, "seconds") for turn in size["turns"])
                for mode in MODES
            )
            ratios = " | ".join(
                _ratio(size["turns"], steps, kind) for kind in ("seconds", "processor")
            )
            rows.append(
                f"| {int(reviews):,} | {size['bytes'] / 1e6:.1f} | {name} | {alone:.1f} | "
                f"{together:.1f} | {ratios} | {'several' if several else 'one'} |"
            )
    return "\n".join(rows)


def _total(taken: Mapping[str, Any], steps: tuple[str, ...], kind: str) -> float:
    return sum(taken[step][kind] for step in steps)


def _ratio(turns: list[dict[str, Any]], steps: tuple[str, ...], kind: str) -> str:
    found = [
        _total(turn[SEVERAL], steps, kind) / _total(turn[ALONE], steps, kind) for turn in turns
    ]
    spread = f" ({min(found):.2f} to {max(found):.2f})" if len(found) > 1 else ""
    return f"{statistics.median(found):.2f}{spread}"


if __name__ == "__main__":
    main()
