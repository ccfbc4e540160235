"""How many reviews a second does one session answer to several clients, against plain Keras?

    IMDB_ARCHIVE=... python -m benchmarks.throughput [--clients N] [--batches N ...] [--busy]

As TF-Serving runs a model: one session, which all clients share, with one and with two threads an
operation. Both models have the same weights and are asked the same real reviews in turns.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import recording
from benchmarks.in_turns import shown_ratios

TURNS = {1: 60, 8: 20, 16: 12, 32: 8, 64: 6, 128: 5}
# Keras / ours, as it is usually told of throughput.
TARGETS = {1: 6.0, 8: 4.0, 16: 3.5, 32: 3.0, 64: 3.0, 128: 3.0}


def main() -> None:
    """Measures, prints a table, and records it."""
    parser = recording.parser_of("throughput", __doc__)
    parser.add_argument("--model", default="lstm", help="default: %(default)s")
    parser.add_argument("--batches", type=int, nargs="+", default=list(TURNS))
    parser.add_argument("--clients", type=int, default=4, help="at once; default: %(default)s")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="an operation")
    parser.add_argument("--turns", type=int, help="of each batch size; by default 60 to 5")
    recording.run(parser, measure, markdown_table)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of each number of threads and batch size."""
    from benchmarks.sessions import Load, exported, measure_batches

    def load(threads: int, batch: int) -> Load:
        turns = options.turns or TURNS.get(batch, 8)
        return Load(options.clients, threads, batch, turns)

    with exported(options.model, max(options.batches)) as export:
        by_threads = {
            str(threads): measure_batches(*export, options.batches, partial(load, threads))
            for threads in options.threads
        }
    return {"clients": options.clients, "by threads": by_threads}


def markdown_table(results: recording.Results) -> str:
    """Returns reviews a second and the ratios as a table, with the targets next to them."""
    clients = results["figures"]["clients"]
    names = ["threads an operation", f"reviews a question, of {clients} clients"]
    rates = ["ours, reviews/s", "plain Keras, reviews/s", "Keras / ours, time", "target"]
    rows = []
    for threads, by_batch in results["figures"]["by threads"].items():
        for batch, values in by_batch.items():
            reviews = 1e3 * clients * int(batch)
            target = f"at least {TARGETS[int(batch)]:g}" if int(batch) in TARGETS else ""
            milliseconds = (values[f"wall: {way}, ms"] for way in ("ours", "stock"))
            ours, stock = (f"{reviews / each:,.0f}" for each in milliseconds)
            faster = f"{1 / values['wall: ratio']:.1f}"
            rows.append([threads, batch, ours, stock, faster, target, *shown_ratios(values)])
    return recording.markdown_of(names, [*rates, "ours / Keras, time", "processor time"], rows)


if __name__ == "__main__":
    main()
