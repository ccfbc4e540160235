"""Exports of a variant and of its yardstick, asked in sessions as TF-Serving makes them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.in_turns import in_turns, ratios
from benchmarks.real_reviews import Vocabulary, read_texts
from benchmarks.yardstick import stock_model
from components.models.registry import get_variant
from components.trainer.training import build_served_models
from serving.server.saved_model import SavedModel


class _TextModel(tf.Module):
    """A model with the graph that turns text into its token ids."""

    def __init__(self, model: keras.Model, vocabulary: Vocabulary):
        super().__init__()
        self.vocabulary = vocabulary
        self.weights = [weight.value for weight in model.weights]
        self.answer = tf.function(
            lambda text: {"probability": model(vocabulary.token_ids(text), training=False)},
            input_signature=[tf.TensorSpec([None], tf.string, name="text")],
            autograph=False,
        )


@contextlib.contextmanager
def exported(name: str, largest_batch: int) -> Iterator[tuple[dict[str, Path], list[bytes]]]:
    """Yields folders of the variant's export and the yardstick's, and real reviews to ask them."""
    texts = read_texts(max(1_024, 2 * largest_batch))
    with tempfile.TemporaryDirectory() as folder:
        yield _export_both(name, texts, Path(folder)), texts


def _export_both(name: str, texts: list[bytes], folder: Path) -> dict[str, Path]:
    """Writes the two, with the same weights."""
    stock = stock_model(name)
    generator = np.random.default_rng(0)
    stock.set_weights([generator.normal(0, 0.1, each.shape) for each in stock.get_weights()])
    variant = get_variant(name)
    ours, _ = build_served_models(variant, variant.presets[variant.default_preset], stock)
    vocabulary = Vocabulary(texts)
    folders = {}
    for way, model in {"ours": ours, "stock": stock}.items():
        module = _TextModel(model, vocabulary)
        folders[way] = folder / way
        tf.saved_model.save(
            module,
            str(folders[way]),
            signatures={"serving_default": module.answer},
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )
    return folders


@dataclass(frozen=True)
class Load:
    """How a session is asked.

    Attributes:
      clients: How many ask at once, each from a thread of its own.
      threads: Threads an operation (intra_op); two operations run at once (inter_op).
      batch: Reviews a question.
      turns: How often each way is asked.
    """

    clients: int
    threads: int
    batch: int
    turns: int


def measure_batches(
    folders: dict[str, Path],
    texts: list[bytes],
    batches: Iterable[int],
    load: Callable[[int], Load],
) -> dict[str, dict[str, float]]:
    """Returns what was measured of each batch size, see `measure`; `load` takes the size."""
    return {str(batch): measure(folders, texts, load(batch)) for batch in batches}


def measure(folders: dict[str, Path], texts: list[bytes], load: Load) -> dict[str, float]:
    """Returns the ratios, milliseconds of a turn, and the largest difference of probabilities."""
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=load.threads, inter_op_parallelism_threads=2
    )
    models = {way: SavedModel(folder, config) for way, folder in folders.items()}
    answers: dict[tuple[str, int], np.ndarray] = {}

    def run(way: str, start: int) -> None:
        signature = models[way].signatures["serving_default"]
        chosen = [texts[(start + place) % len(texts)] for place in range(load.batch)]
        feeds = {signature.inputs["text"].name: np.array(chosen, object)}
        (answer,) = models[way].run(feeds, [signature.outputs["probability"].name])
        answers[way, start] = answer

    with ThreadPoolExecutor(load.clients) as pool:

        def turn_of(way: str) -> Any:
            def turn(number: int) -> None:
                first = number * load.clients
                starts = [(first + client) * load.batch for client in range(load.clients)]
                list(pool.map(lambda start: run(way, start), starts))

            return turn

        ways = {way: turn_of(way) for way in models}
        for turn in ways.values():
            turn(0)
            turn(1)
        times = in_turns(ways, load.turns)
    for model in models.values():
        model.close()
    differences = [
        np.abs(answer - answers["stock", start]).max()
        for (way, start), answer in answers.items()
        if way == "ours"
    ]
    return {
        **ratios(times["ours"], times["stock"]),
        "largest difference": float(max(differences)),
    }
