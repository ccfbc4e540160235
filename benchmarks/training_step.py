"""How long does a training step take, against plain Keras?

    IMDB_ARCHIVE=... python -m benchmarks.training_step [--steps N] [--busy] [--output FILE]

Both have the same weights and take the same random batches of 64 real reviews, in turns, in one
process, two processors to each step.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.in_turns import add_flags, check_quiet, in_turns, ratios, shown_ratios
from benchmarks.measuring import machine
from benchmarks.real_reviews import Vocabulary, read_texts
from benchmarks.yardstick import stock_model
from components.models.registry import REFERENCE, get_variant

BATCH = 64
VARIANTS = ("lstm", "cnn_lstm", "lstm_dropout", "lstm_recurrent_dropout")
TARGETS = {
    "lstm": 0.40,
    "cnn_lstm": 0.45,
    "lstm_dropout": 0.70,
    "lstm_recurrent_dropout": 0.60,
}


def main() -> None:
    """Measures, prints a table, and writes it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=40, help="default: %(default)s")
    add_flags(parser)
    options = parser.parse_args()
    load = check_quiet(options.busy)
    texts = read_texts(BATCH * options.steps)
    token_ids = Vocabulary(texts).token_ids(tf.constant(texts)).numpy()
    generator = np.random.default_rng(0)
    order = generator.permutation(len(token_ids)).reshape(-1, BATCH)
    batches = [
        (token_ids[rows], generator.integers(0, 2, (BATCH, 1)).astype(np.float32)) for rows in order
    ]
    figures = {name: measure(name, batches) for name in VARIANTS}
    print(markdown_table(figures, load))
    if options.output:
        results = {"machine": {**machine(), "load average before": load}, "figures": figures}
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measure(name: str, batches: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
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


def markdown_table(figures: dict[str, dict[str, float]], load: float) -> str:
    """Returns the ratios as a table, with the targets next to them."""
    rows = [
        "| training step | ours / stock, time | processor time | target |",
        "|---|---:|---:|---:|",
    ]
    for name, values in figures.items():
        rows.append(f"| `{name}` | {shown_ratios(values)} | {TARGETS[name]:.2f} |")
    return "\n".join([*rows, "", f"Load average before: {load:.1f}."])


if __name__ == "__main__":
    main()
