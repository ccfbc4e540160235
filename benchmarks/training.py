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

import keras
import numpy as np
import tensorflow as tf

from benchmarks import recording
from benchmarks.in_turns import in_turns, ratios, shown_ratios
from benchmarks.real_reviews import Vocabulary, read_texts
from benchmarks.yardstick import stock_model
from components.models.registry import REFERENCE, get_variant

BATCH = 64
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
    texts = read_texts(BATCH * (options.steps + 1))
    token_ids = Vocabulary(texts).token_ids(tf.constant(texts)).numpy()
    generator = np.random.default_rng(0)
    order = generator.permutation(len(token_ids)).reshape(-1, BATCH)
    batches = [
        (token_ids[rows], generator.integers(0, 2, (BATCH, 1)).astype(np.float32)) for rows in order
    ]
    return {name: measure_variant(name, batches) for name in options.models}


def measure_variant(name: str, batches: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Returns the figures of a variant; the first batch only warms up."""
    variant = get_variant(name)
    models = {"ours": variant.build(variant.presets[REFERENCE]), "stock": stock_model(name)}
    models["ours"].set_weights(models["stock"].get_weights())
    for model in models.values():
        model.compile(keras.optimizers.Adam(), "binary_crossentropy", jit_compile=False)
        model.train_on_batch(*batches[0])

    def step_of(model: keras.Model) -> Any:
        return lambda turn: model.train_on_batch(*batches[1 + turn])

    ways = {way: step_of(model) for way, model in models.items()}
    times = in_turns(ways, len(batches) - 1)
    return ratios(times["ours"], times["stock"])


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
