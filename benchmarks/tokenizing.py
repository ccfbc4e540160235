"""How much of the time from raw text to probability does tokenizing take, and are the ids right?

    IMDB_ARCHIVE=... python -m benchmarks.tokenizing [--model NAME] [--reviews N] [--busy]

The graph up to the token ids, and the whole one, answer the same real reviews in turns, in sessions
as TF-Serving makes them. What a session costs that only takes the texts is taken off both. Then the
words of all reviews of the archive are compared with those of a plain Python reference.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks import recording
from benchmarks.in_turns import Times, in_turns
from benchmarks.real_reviews import Vocabulary, read_texts
from components.models.registry import get_variant
from components.trainer.training import build_served_models
from components.transform import preprocessing
from serving.server.saved_model import SavedModel
from tests.components.transforming import reference_words

BATCHES = (1, 8, 32, 128)
TURNS = {1: 200, 8: 60, 32: 30, 128: 12}
THREADS = (1, 2)
WAYS = TEXT_ONLY, TOKEN_IDS, PROBABILITY = ("text_only", "token_ids", "probability")
ALL_REVIEWS = 50_000
COMPARED_AT_ONCE = 500


def main() -> None:
    """Measures, compares, prints a table, and records it."""
    parser = recording.parser_of("tokenizing", __doc__)
    parser.add_argument("--model", default="lstm", help="default: %(default)s")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--threads", type=int, nargs="+", default=THREADS)
    parser.add_argument("--reviews", type=int, default=ALL_REVIEWS, help="default: %(default)s")
    recording.run(parser, measure_all, markdown_table)


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures of each load, and how many reviews have the reference's words."""
    texts = read_texts(options.reviews, every=1)
    chosen = texts[:: len(texts) // 4_000 or 1]
    with tempfile.TemporaryDirectory() as folder:
        export(options.model, chosen, folder)
        loads = {
            f"{threads} threads an operation, batches of {batch}": measure(
                folder, chosen, threads, batch
            )
            for threads in options.threads
            for batch in options.batches
        }
    return {"loads": loads, "reviews with the reference's words": compare(texts)}


class _TextModel(tf.Module):
    """A model with the graph that turns text into its token ids, and parts of both."""

    def __init__(self, model: keras.Model, vocabulary: Vocabulary):
        super().__init__()
        self.vocabulary = vocabulary
        self.weights = [weight.value for weight in model.weights]
        ways = {
            TEXT_ONLY: tf.size,
            TOKEN_IDS: vocabulary.token_ids,
            PROBABILITY: lambda text: model(vocabulary.token_ids(text), training=False),
        }
        self.functions = {name: _of_text(way) for name, way in ways.items()}


def _of_text(way: Callable[[tf.Tensor], tf.Tensor]) -> tf.types.experimental.PolymorphicFunction:
    return tf.function(
        lambda text: {"answer": way(text)},
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
        autograph=False,
    )


def export(name: str, texts: list[bytes], folder: str) -> None:
    """Writes the variant with random weights, and parts of its graph as further signatures."""
    variant = get_variant(name)
    hyperparameters = variant.presets[variant.default_preset]
    model, _ = build_served_models(variant, hyperparameters, variant.build(hyperparameters))
    module = _TextModel(model, Vocabulary(texts))
    tf.saved_model.save(
        module,
        folder,
        signatures=module.functions,
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )


def measure(folder: str, texts: list[bytes], threads: int, batch: int) -> dict[str, float]:
    """Returns the figures of a session: microseconds a review, and the share of tokenizing."""
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=2
    )
    model = SavedModel(folder, config)

    def run(way: str, number: int) -> None:
        signature = model.signatures[way]
        chosen = [texts[(number * batch + place) % len(texts)] for place in range(batch)]
        feeds = {signature.inputs["text"].name: np.array(chosen, object)}
        model.run(feeds, [signature.outputs["answer"].name])

    ways = {way: (lambda number, way=way: run(way, number)) for way in WAYS}
    for way in WAYS:
        run(way, 0)
    times = in_turns(ways, TURNS.get(batch, 12))
    model.close()
    return _figures(times, batch)


def _figures(times: dict[str, Times], batch: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    for kind in ("wall", "processor"):
        text_only, token_ids, probability = (
            1e6 * statistics.median(getattr(times[way], kind)) / batch for way in WAYS
        )
        figures |= {
            f"{kind}: text only, us a review": text_only,
            f"{kind}: tokenizing, us a review": token_ids - text_only,
            f"{kind}: text to probability, us a review": probability - text_only,
            f"{kind}: share of tokenizing": (token_ids - text_only) / (probability - text_only),
        }
    return figures


def compare(texts: Sequence[bytes]) -> int:
    """Returns how many texts it compared; ends the program at one with other words."""
    tokenize = tf.function(
        preprocessing.tokenize, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
    )
    for start in range(0, len(texts), COMPARED_AT_ONCE):
        some = texts[start : start + COMPARED_AT_ONCE]
        for text, words in zip(some, tokenize(tf.constant(some)).to_list(), strict=True):
            expected = [word.encode() for word in reference_words(text.decode())]
            if words != expected:
                sys.exit(f"Other words than the reference's.\n{text!r}\n{words}\n{expected}")
    return len(texts)


def markdown_table(results: recording.Results) -> str:
    """Returns the processor time and the shares as a table."""
    figures = results["figures"]
    rows = [
        "| | tokenizing, us a review | text to probability | share, processor time | share, time |",
        "|---|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {name} | {values['processor: tokenizing, us a review']:.0f} | "
        f"{values['processor: text to probability, us a review']:.0f} | "
        f"{values['processor: share of tokenizing']:.2f} | "
        f"{values['wall: share of tokenizing']:.2f} |"
        for name, values in figures["loads"].items()
    ]
    compared = figures["reviews with the reference's words"]
    return "\n".join([*rows, "", f"The words of {compared:,} reviews are the reference's."])


if __name__ == "__main__":
    main()
