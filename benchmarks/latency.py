"""How long does the exported graph take from raw text to probability, against plain Keras?

    IMDB_ARCHIVE=... python -m benchmarks.latency [--batches N ...] [--turns N] [--busy]

Both have the same weights, tokenize in the graph and are asked the same real reviews in turns, by
one client. Differences of the probabilities are checked, and the largest is told.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import recording
from benchmarks.in_turns import shown_ratios

TURNS = {1: 200, 8: 40, 32: 20, 128: 10, 512: 6}
TARGETS = {1: 0.15, 8: 0.35, 32: 0.35, 128: 0.33, 512: 0.33}


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("latency", __doc__)
    parser.add_argument("--model", default="lstm", help="default: %(default)s")
    parser.add_argument("--batches", type=int, nargs="+", default=list(TURNS))
    parser.add_argument("--threads", type=int, default=2, help="an operation; default: %(default)s")
    parser.add_argument("--turns", type=int, help="of each batch size; by default 200 to 6")
    recording.run(parser, measure, markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of each batch size."""
    from benchmarks.sessions import Load, exported, measure_batches

    def load(batch: int) -> Load:
        return Load(1, options.threads, batch, options.turns or TURNS.get(batch, 8))

    with exported(options.model, max(options.batches)) as export:
        return measure_batches(*export, options.batches, load)


def markdown_table(results: recording.Results) -> str:
    """Returns the ratios as a table, with the targets next to them."""
    times = ["ours, ms", "plain Keras, ms", "ours / Keras, time", "processor time"]
    rows = []
    for batch, values in results["figures"].items():
        target = f"at most {TARGETS[int(batch)]:.2f}" if int(batch) in TARGETS else ""
        ours, stock = (f"{values[f'wall: {way}, ms']:.1f}" for way in ("ours", "stock"))
        difference = f"{values['largest difference']:.0e}"
        rows.append([batch, ours, stock, *shown_ratios(values), target, difference])
    return recording.markdown_of(
        ["reviews at once"], [*times, "target", "largest difference"], rows
    )


if __name__ == "__main__":
    main()
