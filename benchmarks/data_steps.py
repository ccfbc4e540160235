"""How long do the data steps take, and how much memory, compared with TFX's own IMDB example?

    IMDB_ARCHIVE=... python -m benchmarks.data_steps [--reviews N] [--turns N] [--busy]

Both read the same reviews, count statistics and turn text into token ids, in turns, each time from
nothing and in processes of their own. Ours reads IMDB's archive; the example reads the CSV file
that it asks for. With --reviews, both read a CSV file of so many.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import our_steps, recording, tfx_imdb_example
from benchmarks.archive import archive_path
from benchmarks.review_files import write_reviews
from benchmarks.steps import StepFigures

# Ours and the example's, by the name under which they are compared.
COMPARED = {
    "ExampleGen": ("ReviewExampleGen", "CsvExampleGen"),
    "StatisticsGen": ("StatisticsGen", "StatisticsGen"),
    "Transform": ("Transform", "Transform"),
}
TARGET = 0.55
_ALL_REVIEWS = 50_000
_WAYS = OURS, EXAMPLE = ("ours", "example")


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("data_steps", __doc__)
    parser.add_argument("--reviews", type=int, help="default: IMDB's archive, as it is")
    parser.add_argument("--turns", type=int, default=2, help="default: %(default)s")
    options = parser.parse_args()
    archive_path()
    recording.measure_and_record(options, lambda: measure(options), markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns what each step took, by way and turn."""
    turns: list[dict[str, dict[str, Any]]] = []
    for turn in range(options.turns):
        taken = {}
        for way in _WAYS[:: 1 if turn % 2 else -1]:
            with tempfile.TemporaryDirectory() as folder:
                found = _run(way, Path(folder), options.reviews)
            taken[way] = {step: asdict(figures) for step, figures in found.items()}
            total = sum(figures.seconds for figures in found.values())
            print(f"turn {turn + 1}: {way}: {total:.1f} s", file=sys.stderr, flush=True)
        turns.append(taken)
    return {"reviews": options.reviews or _ALL_REVIEWS, "turns": turns}


def _run(way: str, folder: Path, reviews: int | None) -> dict[str, StepFigures]:
    table = folder / "data" / "reviews.csv"
    if way == OURS:
        if reviews:
            write_reviews(table, reviews)
        data = str(table) if reviews else "imdb"
        # However few reviews there are.
        flags = [f"--data={data}", "--model=linear"]
        return our_steps.measured(folder / "root", our_steps.DATA_STEPS, *flags)
    write_reviews(folder / "reviews.csv", reviews or _ALL_REVIEWS)
    _write_for_example(folder / "reviews.csv", table)
    return tfx_imdb_example.measured(folder)


def _write_for_example(reviews: Path, path: Path) -> None:
    """Writes the two columns that the example knows."""
    path.parent.mkdir(parents=True)
    with (
        reviews.open(encoding="utf-8", newline="") as source,
        path.open("w", encoding="utf-8", newline="") as target,
    ):
        rows = csv.writer(target)
        rows.writerow(["text", "label"])
        rows.writerows([row["text"], row["label"]] for row in csv.DictReader(source))


def markdown_table(results: recording.Results) -> str:
    """Returns medians, and the median ratio of each step with its range."""
    turns = results["figures"]["turns"]
    rows = [
        f"| {results['figures']['reviews']:,} reviews | ours, s | TFX's example, s "
        "| ours / example, time | processor time | ours, GB | example, GB | target |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name, steps in [*COMPARED.items(), ("together", ())]:
        pairs = {
            kind: [_pair(turn, steps, kind) for turn in turns]
            for kind in ("seconds", "processor", "peak")
        }
        ours, example = (statistics.median(side) for side in zip(*pairs["seconds"], strict=True))
        peaks = (max(side) / 1e9 for side in zip(*pairs["peak"], strict=True))
        target = "" if steps else f"at most {TARGET:.2f}"
        rows.append(
            f"| {name} | {ours:.1f} | {example:.1f} | {_ratio(pairs['seconds'])} | "
            f"{_ratio(pairs['processor'])} | {' | '.join(f'{peak:.1f}' for peak in peaks)} "
            f"| {target} |"
        )
    return "\n".join(rows)


def totals(results: recording.Results) -> list[tuple[float, float]]:
    """Returns the seconds of all compared steps, ours and the example's, of each turn."""
    return [_pair(turn, (), "seconds") for turn in results["figures"]["turns"]]


def _pair(turn: dict[str, Any], steps: tuple[str, ...], kind: str) -> tuple[float, float]:
    """Returns ours and the example's figure of a step; of all compared ones, if none is named."""
    pairs = [
        (turn[OURS][ours][kind], turn[EXAMPLE][theirs][kind])
        for ours, theirs in ([steps] if steps else COMPARED.values())
    ]
    combine = max if kind == "peak" else sum
    ours, theirs = (combine(side) for side in zip(*pairs, strict=True))
    return ours, theirs


def _ratio(pairs: list[tuple[float, float]]) -> str:
    found = [ours / theirs for ours, theirs in pairs]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


if __name__ == "__main__":
    main()
