"""Small real models with the signatures of an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from components import features
from tests.components.serialized import serialized_example


def text_spec(name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], tf.string, name=name)


def parsed(examples):
    """The texts of serialized tf.Examples."""
    specification = {features.TEXT: tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_example(examples, specification)[features.TEXT]


def save(module: tf.Module, directory: Path, verdict: Callable, classify: Callable) -> Path:
    """Writes a module whose signatures say of texts what `verdict` and `classify` say."""

    def function(python_function, name):
        return tf.function(python_function, input_signature=[text_spec(name)], autograph=False)

    module.signatures_of_ours = {
        "predict_text": function(lambda text: verdict(text), "text"),
        "serving_default": function(lambda examples: verdict(parsed(examples)), "examples"),
        "classify": function(classify, "inputs"),
    }
    tf.saved_model.save(module, str(directory), signatures=module.signatures_of_ours)
    return directory


def save_lengths(directory: Path, shift: float = 0.0, rounds: int = 0) -> Path:
    """Writes a model by which long texts are positive: 1 - 1 / (characters + 2), and `shift`.

    `rounds` of a matrix product come before each answer.
    """
    module = tf.Module()
    module.shift = tf.Variable(shift)

    def verdict(text):
        length = tf.cast(tf.strings.length(text, "UTF8_CHAR"), tf.float32)
        _, wait = tf.while_loop(
            lambda index, _: index < rounds,
            lambda index, product: (index + 1, product @ product),
            (0, tf.zeros([256, 256])),
            parallel_iterations=1,
        )
        probability = 1.0 - 1.0 / (length + 2.0) + module.shift + wait[0, 0]
        is_positive = tf.cast(probability >= 0.5, tf.int32)
        return {
            "probability": probability,
            "sentiment": tf.gather(tf.constant(features.CLASSES), is_positive),
        }

    def classify(inputs):
        probability = verdict(parsed(inputs))["probability"]
        return {
            "classes": tf.tile([features.CLASSES], [tf.size(probability), 1]),
            "scores": tf.stack([1.0 - probability, probability], axis=1),
        }

    return save(module, directory, verdict, classify)


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory) -> Callable[..., Path]:
    """Writes a model of `save_lengths`, once for all that ask for the same."""
    root = tmp_path_factory.mktemp("candidates")
    made: dict[tuple[tuple[str, float], ...], Path] = {}

    def save(**options: float) -> Path:
        key = tuple(sorted(options.items()))
        if key not in made:
            made[key] = save_lengths(root / str(len(made)), **options)
        return made[key]

    return save


@pytest.fixture(scope="session")
def examples() -> list[bytes]:
    """Serialized tf.Examples of three reviews."""
    return [serialized_example(text) for text in ("a great film", "so-so", "Ein schöner Film")]


def save_of_three(
    directory: Path, shift: float = 0.0, names: tuple[str, ...] = ("a", "b", "c")
) -> Path:
    """Writes a model of three classes: the more characters, the likelier the last one."""
    module = tf.Module()
    module.shift = tf.Variable(shift)

    def scores(text):
        length = tf.cast(tf.strings.length(text, "UTF8_CHAR"), tf.float32)
        last = 1.0 - 1.0 / (length + 2.0) + module.shift
        rest = (1.0 - last) / 2.0
        return tf.stack([rest, rest, last], axis=1)

    def verdict(text):
        found = scores(text)
        label = tf.gather(tf.constant(list(names)), tf.argmax(found, axis=1))
        return {"label": label, "probability": tf.reduce_max(found, axis=1)}

    def classify(inputs):
        found = scores(parsed(inputs))
        return {"classes": tf.tile([list(names)], [tf.shape(found)[0], 1]), "scores": found}

    return save(module, directory, verdict, classify)
