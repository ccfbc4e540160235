"""How long does a training step take, against plain Keras?

    IMDB_ARCHIVE=... python -m benchmarks.training [--models NAME ...] [--steps N] [--busy]

Both have the same weights and take the same random batches of 64 real reviews, in turns, in one
process, two processors to each step.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import recording
from benchmarks.in_turns import shown_ratios

TARGETS = {
    "lstm": 0.40,
    "cnn_lstm": 0.45,
    "lstm_dropout": 0.70,
    "lstm_recurrent_dropout": 0.60,
}


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("training", __doc__)
    parser.add_argument("--models", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--steps", type=int, default=40, help="default: %(default)s")
    recording.run(parser, measure, markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of each variant."""
    from benchmarks.training_steps import measure_variant, random_batches

    batches = random_batches(options.steps)
    return {name: measure_variant(name, batches) for name in options.models}


def markdown_table(results: recording.Results) -> str:
    """Returns the ratios as a table, with the targets next to them."""
    times = ["ours, ms", "plain Keras, ms", "ours / Keras, time", "processor time"]
    rows = []
    for name, values in results["figures"].items():
        ours, stock = (f"{values[f'wall: {way}, ms']:.0f}" for way in ("ours", "stock"))
        target = f"at most {TARGETS[name]:.2f}"
        rows.append([f"`{name}`", ours, stock, *shown_ratios(values), target])
    return recording.markdown_of(["training step, batches of 64"], [*times, "target"], rows)


if __name__ == "__main__":
    main()
