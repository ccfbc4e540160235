"""Training steps of a variant and of its yardstick, in turns."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.in_turns import in_turns, ratios
from benchmarks.real_reviews import Vocabulary, read_texts
from benchmarks.yardstick import stock_model
from components.models.registry import REFERENCE, get_variant

BATCH = 64


def random_batches(steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns so many batches, and one to warm up with: token ids of real reviews, random labels.

    They are <int32>[BATCH, length] and <float32>[BATCH, 1].
    """
    texts = read_texts(BATCH * (steps + 1))
    token_ids = Vocabulary(texts).token_ids(tf.constant(texts)).numpy()
    generator = np.random.default_rng(0)
    order = generator.permutation(len(token_ids)).reshape(-1, BATCH)
    return [
        (token_ids[rows], generator.integers(0, 2, (BATCH, 1)).astype(np.float32)) for rows in order
    ]


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
