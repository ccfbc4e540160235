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
    options = parser.parse_args()
    recording.measure_and_record(options, lambda: measure(options), markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of each variant."""
    from benchmarks.training_steps import measure_variant, random_batches

    batches = random_batches(options.steps)
    return {name: measure_variant(name, batches) for name in options.models}


def markdown_table(results: recording.Results) -> str:
    """Returns the ratios as a table, with the targets next to them."""
    rows = [
        "| training step, batches of 64 | ours, ms | plain Keras, ms | ours / Keras, time "
        "| processor time | target |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, values in results["figures"].items():
        rows.append(
            f"| `{name}` | {values['wall: ours, ms']:.0f} | {values['wall: stock, ms']:.0f} | "
            f"{shown_ratios(values)} | at most {TARGETS[name]:.2f} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    main()
