"""How long does a cold `make run` take, against three epochs of plain Keras' `lstm` alone?

    IMDB_ARCHIVE=... python -m benchmarks.cold_run [--reviews N] [--epochs N] [--turns N] [--busy]

Ours is the whole run: reading, statistics, gates, Transform, training, evaluation, a trial in a
server, and the push. Of Keras it is `fit` alone, of the same `lstm`, on the training reviews that
are in memory as token ids. In turns, each time from nothing and in processes of their own. With
--reviews, both take so many, half of them for training.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import recording
from benchmarks.archive import archive_path
from benchmarks.measuring import Measurement, measure, succeeded
from benchmarks.review_files import write_reviews

TARGETS = {
    "cold run / three epochs of plain Keras": 0.85,
    "peak memory, GB": 4.0,
    "cached run, s": 40.0,
    "sentiment --help, s": 0.3,
}
_ALL_REVIEWS = 50_000
_NOT_BLESSED = 3
_STARTS = 5
_PROJECT = Path(__file__).parents[1]


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("cold_run", __doc__)
    parser.add_argument("--reviews", type=int, help="default: IMDB's archive, as it is")
    parser.add_argument("--epochs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--turns", type=int, default=1, help="default: %(default)s")
    options = parser.parse_args()
    archive_path()
    recording.measure_and_record(options, lambda: measure_all(options), markdown_table)


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of each turn, and those of a cached run and of the command's start."""
    turns = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        command = _command(options, work)
        for turn in range(options.turns):
            ways = [
                functools.partial(_run, [*command, f"--root={work / str(turn)}"]),
                functools.partial(_fit, (options.reviews or _ALL_REVIEWS) // 2, options.epochs),
            ]
            found: dict[str, float] = {}
            for way in ways[:: -1 if turn % 2 else 1]:
                found |= way()
            print(f"turn {turn + 1}: {json.dumps(found)}", file=sys.stderr, flush=True)
            turns.append(found)
        cached = _ended(measure([*command, f"--root={work / '0'}"], _PROJECT))
        starts = [
            succeeded(measure([command[0], "--help"], _PROJECT)).seconds for _ in range(_STARTS)
        ]
    return {
        "reviews": options.reviews or _ALL_REVIEWS,
        "epochs": options.epochs,
        "turns": turns,
        "cached run, s": cached.seconds,
        "sentiment --help, s": min(starts),
    }


def _command(options: argparse.Namespace, work: Path) -> list[str]:
    """Returns what `make run` runs; of fewer reviews, with their file."""
    data = "imdb"
    if options.reviews:
        data = str(work / "reviews.csv")
        write_reviews(Path(data), options.reviews)
    sentiment = str(Path(sys.executable).with_name("sentiment"))
    return [sentiment, "run", f"--data={data}", "--model=lstm", f"--epochs={options.epochs}"]


def _run(command: list[str]) -> dict[str, float]:
    run = _ended(measure(command, _PROJECT))
    return {
        "run, s": run.seconds,
        "run, processor, s": run.processor,
        "peak memory, GB": run.peak_bytes / 1e9,
        "lines printed": len(run.output.splitlines()),
    }


def _ended(run: Measurement) -> Measurement:
    """Returns it; a model of few reviews need not be blessed."""
    return run if run.exit_code == _NOT_BLESSED else succeeded(run)


def _fit(reviews: int, epochs: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.stock_fit", str(reviews), str(epochs)]
    fit = succeeded(measure(command, _PROJECT))
    told = json.loads(fit.output.splitlines()[-1])
    return {"Keras, fit, s": told["fit, seconds"], "Keras, all of its process, s": fit.seconds}


def markdown_table(results: recording.Results) -> str:
    """Returns the figures as a table, with the targets next to them."""
    figures = results["figures"]
    turns = figures["turns"]
    ratios = [turn["run, s"] / turn["Keras, fit, s"] for turn in turns]
    epochs = {1: "one epoch", 3: "three epochs"}.get(
        figures["epochs"], f"{figures['epochs']} epochs"
    )
    spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else " (one turn)"
    shown = {
        "cold run, s": f"{_median(turns, 'run, s'):.0f}",
        f"{epochs} of plain Keras, `fit` alone, s": f"{_median(turns, 'Keras, fit, s'):.0f}",
        f"cold run / {epochs} of plain Keras": f"{statistics.median(ratios):.2f}{spread}",
        "processor time of the run, s": f"{_median(turns, 'run, processor, s'):.0f}",
        "peak memory, GB": f"{max(turn['peak memory, GB'] for turn in turns):.2f}",
        "lines printed": f"{turns[0]['lines printed']}",
        "cached run, s": f"{figures['cached run, s']:.1f}",
        "sentiment --help, s": f"{figures['sentiment --help, s']:.2f}",
    }
    return recording.table_with_targets(f"{figures['reviews']:,} reviews", shown, TARGETS)


def _median(turns: list[dict[str, float]], name: str) -> float:
    return statistics.median(turn[name] for turn in turns)


if __name__ == "__main__":
    main()
