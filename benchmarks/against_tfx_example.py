"""How long does a run take, and how much memory, compared with TFX's IMDB example on this machine?

    IMDB_ARCHIVE=... python -m benchmarks.against_tfx_example [--output FILE]

Both read the same 50,000 reviews, from nothing. The example trains 500 steps of 10 reviews and
evaluates 5,000; we train three epochs of 25,000 reviews and evaluate 25,000: whole runs differ in
what they do, the three data steps do not.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measurement, machine, measure, step_seconds
from components.dataset.archive import read_archive
from components.dataset.records import Review

TARGETS = {
    "cold run, seconds": 600.0,
    "ExampleGen + StatisticsGen + Transform, seconds": 95.0,
    "peak memory, GB": 4.0,
    "cached run, seconds": 40.0,
    "sentiment --help, seconds": 0.3,
}
_DATA_STEPS = {
    "ours": ("ReviewExampleGen", "StatisticsGen", "Transform"),
    "example": ("CsvExampleGen", "StatisticsGen", "Transform"),
}


def main() -> None:
    """Measures, prints a table, and writes it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args()
    if not os.environ.get("IMDB_ARCHIVE"):
        sys.exit("Set IMDB_ARCHIVE to aclImdb_v1.tar.gz, the reviews' archive.")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        figures = _measure(Path(folder))
    print(markdown_table(figures))
    if options.output:
        command = "python -m benchmarks.against_tfx_example"
        text = json.dumps({"command": command, "machine": machine(), **figures}, indent=2)
        options.output.write_text(text + "\n", encoding="utf-8")


def _measure(work: Path) -> dict[str, Any]:
    sentiment = str(Path(sys.executable).with_name("sentiment"))
    command = [sentiment, "run", "--data", "imdb", "--model", "lstm", "--root", str(work / "ours")]
    cold = _succeeded(measure(command, work))
    ours = step_seconds(work / "ours" / "metadata.db")
    cached = _succeeded(measure(command, work))
    start_ups = [_succeeded(measure([sentiment, "--help"], work)).seconds for _ in range(10)]

    _write_csv(Path(os.environ["IMDB_ARCHIVE"]), work / "example" / "data" / "imdb.csv")
    example = _succeeded(
        measure(
            [sys.executable, "-m", "benchmarks.tfx_imdb_example", str(work / "example")],
            Path(__file__).parents[1],
        )
    )
    theirs = step_seconds(work / "example" / "metadata.db")
    return {
        "figures": {
            "cold run, seconds": [cold.seconds, example.seconds],
            "ExampleGen + StatisticsGen + Transform, seconds": [
                sum(ours[step] for step in _DATA_STEPS["ours"]),
                sum(theirs[step] for step in _DATA_STEPS["example"]),
            ],
            "peak memory, GB": [cold.peak_bytes / 1e9, example.peak_bytes / 1e9],
            "lines printed": [len(each.output.splitlines()) for each in (cold, example)],
            "cached run, seconds": [cached.seconds, None],
            "sentiment --help, seconds": [min(start_ups), None],
            "training, reviews a second": [75_000 / ours["Trainer"], 5_000 / theirs["Trainer"]],
        },
        "steps": {"ours": ours, "example": theirs},
    }


def _succeeded(measurement: Measurement) -> Measurement:
    if measurement.exit_code:
        sys.exit(f"exit code {measurement.exit_code}:\n{measurement.output[-2_000:]}")
    return measurement


def _write_csv(archive: Path, path: Path) -> None:
    """Writes the reviews as the example expects them: columns text and label."""
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for review in read_archive(str(archive)):
            if isinstance(review, Review):
                rows.writerow([review.text.decode(), review.label])


def markdown_table(figures: Mapping[str, Any]) -> str:
    """Returns the figures as a table, with the targets next to them."""
    rows = ["| | this project | TFX's example | target |", "|---|---|---|---|"]
    for name, (ours, theirs) in figures["figures"].items():
        target = f"at most {TARGETS[name]:g}" if name in TARGETS else ""
        shown = "" if theirs is None else f"{theirs:,.4g}"
        rows.append(f"| {name} | {ours:,.4g} | {shown} | {target} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
