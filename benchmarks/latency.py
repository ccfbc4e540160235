"""How long does the exported graph take from raw text to probability, against plain Keras?

    IMDB_ARCHIVE=... python -m benchmarks.latency [--model NAME] [--busy] [--output FILE]

Both have the same weights, tokenize in the graph and are asked the same real reviews in turns, in
sessions as TF-Serving makes them: of 1 and of 2 threads an operation, for one client and for four
at once. Differences of the probabilities are checked, and the largest is told.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.in_turns import add_flags, check_quiet, in_turns, ratios, shown_ratios
from benchmarks.measuring import machine
from benchmarks.real_reviews import Vocabulary, read_texts
from benchmarks.yardstick import stock_model
from components.models.registry import get_variant
from components.trainer.training import served_models
from serving.server.saved_model import SavedModel

BATCHES = (1, 8, 16, 32, 64, 128, 512)
TURNS = {1: 60, 8: 20, 16: 14, 32: 10, 64: 8, 128: 6, 512: 4}
TARGETS = {1: 0.15, 8: 0.35, 16: 0.35, 32: 0.35, 64: 0.33, 128: 0.33, 512: 0.33}
CLIENTS = (1, 4)
THREADS = (1, 2)


def main() -> None:
    """Measures, prints a table, and writes it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="lstm", help="default: %(default)s")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--threads", type=int, nargs="+", default=THREADS)
    add_flags(parser)
    options = parser.parse_args()
    load = check_quiet(options.busy)
    texts = read_texts(max(1_024, 2 * max(options.batches)))
    with tempfile.TemporaryDirectory() as folder:
        folders = export_both(options.model, texts, Path(folder))
        figures = {
            f"{clients} clients, {threads} threads an operation, batches of {batch}": measure(
                folders, texts, clients, threads, batch
            )
            for threads in options.threads
            for clients in options.clients
            for batch in options.batches
        }
    print(markdown_table(figures, load))
    if options.output:
        results = {"machine": {**machine(), "load average before": load}, "figures": figures}
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


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


def export_both(name: str, texts: list[bytes], folder: Path) -> dict[str, Path]:
    """Writes the variant's export and the yardstick's, with the same weights."""
    stock = stock_model(name)
    generator = np.random.default_rng(0)
    stock.set_weights([generator.normal(0, 0.1, each.shape) for each in stock.get_weights()])
    variant = get_variant(name)
    ours, _ = served_models(variant, variant.presets[variant.default_preset], stock)
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


def measure(
    folders: dict[str, Path], texts: list[bytes], clients: int, threads: int, batch: int
) -> dict[str, float]:
    """Returns the figures of a session for so many clients at once."""
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=2
    )
    models = {way: SavedModel(folder, config) for way, folder in folders.items()}
    answers: dict[tuple[str, int], np.ndarray] = {}

    def run(way: str, start: int) -> None:
        signature = models[way].signatures["serving_default"]
        chosen = [texts[(start + place) % len(texts)] for place in range(batch)]
        feeds = {signature.inputs["text"].name: np.array(chosen, object)}
        (answer,) = models[way].run(feeds, [signature.outputs["probability"].name])
        answers[way, start] = answer

    with ThreadPoolExecutor(clients) as pool:

        def turn_of(way: str) -> Any:
            def turn(number: int) -> None:
                starts = [(number * clients + client) * batch for client in range(clients)]
                list(pool.map(lambda start: run(way, start), starts))

            return turn

        ways = {way: turn_of(way) for way in models}
        for turn in ways.values():
            turn(0)
            turn(1)
        times = in_turns(ways, TURNS.get(batch, 8))
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
        "target": TARGETS.get(batch, 1.0),
    }


def markdown_table(figures: dict[str, dict[str, float]], load: float) -> str:
    """Returns the ratios as a table, with the targets next to them."""
    rows = [
        "| | ours, ms | ours / stock, time | processor time | target | difference |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, values in figures.items():
        rows.append(
            f"| {name} | {values['wall: ours, ms']:.1f} | {shown_ratios(values)} | "
            f"{values['target']:.2f} | {values['largest difference']:.0e} |"
        )
    return "\n".join([*rows, "", f"Load average before: {load:.1f}."])


if __name__ == "__main__":
    main()
