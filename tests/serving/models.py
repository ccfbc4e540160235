"""Small real SavedModels, one for each thing a server must get right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

REVIEW_LENGTH = 20
WORD_WEIGHTS = {
    "superb": 2.0, "great": 1.0, "film": 0.0, "the": 0.0, "is": 0.0, "dull": -1.0, "awful": -2.0,
}  # fmt: skip

TICKET_CLASSES = ("billing", "refund", "shipping")
TICKET_WORDS = {
    "charged": {0: 2.0}, "invoice": {0: 1.0}, "money": {1: 1.0, 0: 0.5}, "back": {1: 1.0},
    "parcel": {2: 2.0}, "late": {2: 1.0}, "please": {},
}  # fmt: skip
SPAM_CLASSES = ("ham", "spam")
SPAM_WORDS = {"winner": {1: 2.0}, "cash": {1: 1.0}, "lunch": {0: 2.0}, "please": {}}


def _function(*specs: tf.TensorSpec):
    return tf.function(input_signature=specs, autograph=False)


def _any(dtype: tf.DType, name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], dtype, name=name)


def save_half_plus(directory: Path, constant: float = 2.0) -> Path:
    """Writes a model of a variable: `x` float32 [batch] -> `y` = x / 2 + constant."""
    module = tf.Module()
    module.constant = tf.Variable(constant, name="constant")

    @_function(_any(tf.float32, "x"))
    def half_plus(x):
        return {"y": x * 0.5 + module.constant}

    module.half_plus = half_plus
    tf.saved_model.save(module, str(directory), signatures={"serving_default": half_plus})
    return directory


def save_echo(directory: Path) -> Path:
    """Writes a model of strings: `text` -> itself, as it is and under a name for bytes."""

    @_function(_any(tf.string, "text"))
    def echo(text):
        return {"text": tf.identity(text)}

    @_function(_any(tf.string, "text"))
    def both(text):
        return {"raw_bytes": tf.identity(text), "text": tf.identity(text)}

    _save(directory, serving_default=echo, both=both)
    return directory


def save_examples(directory: Path) -> Path:
    """Writes a model of tf.Examples with one float feature `x`: classify and regress."""
    specification = {"x": tf.io.FixedLenFeature([], tf.float32)}

    @_function(_any(tf.string, "inputs"))
    def classify(inputs):
        x = tf.io.parse_example(inputs, specification)["x"]
        return {
            "classes": tf.tile([["small", "large"]], [tf.size(x), 1]),
            "scores": tf.stack([1.0 - x, x], axis=1),
        }

    @_function(_any(tf.string, "inputs"))
    def regress(inputs):
        return {"outputs": tf.io.parse_example(inputs, specification)["x"] * 2.0}

    @_function(_any(tf.string, "inputs"))
    def scores_only(inputs):
        x = tf.io.parse_example(inputs, specification)["x"]
        return {"scores": tf.stack([1.0 - x, x], axis=1)}

    @_function(_any(tf.string, "examples"))
    def other_name(examples):
        return {"scores": tf.strings.length(examples)}

    _save(
        directory,
        serving_default=other_name, classify=classify, regress=regress, scores_only=scores_only,
    )  # fmt: skip
    return directory


def save_two_inputs(directory: Path) -> Path:
    """Writes a model of `a` and `b`, float32 [batch] each -> `difference` and `sum`."""

    @_function(_any(tf.float32, "a"), _any(tf.float32, "b"))
    def combine(a, b):
        return {"difference": a - b, "sum": a + b}

    @_function(_any(tf.float32, "a"), _any(tf.float32, "b"))
    def scalar(a, b):
        return {"none": tf.reduce_sum(a), "rows": b}

    @_function(_any(tf.float32, "a"), _any(tf.float32, "b"))
    def mixed(a, b):
        return {"rows": b, "twice": tf.concat([a, a], 0)}

    _save(directory, serving_default=combine, scalar=scalar, mixed=mixed)
    return directory


def save_types(directory: Path) -> Path:
    """Writes a model with a signature for each data type, named after it: `x` -> `y` = x."""

    def identity(dtype: tf.DType):
        @_function(_any(dtype, "x"))
        def same(x):
            return {"y": tf.identity(x)}

        return same

    types = ("bool", "int8", "int32", "int64", "uint8", "uint64", "float32", "float64", "float16")
    _save(
        directory,
        serving_default=identity(tf.int64), **{name: identity(tf.as_dtype(name)) for name in types}
    )  # fmt: skip
    return directory


def save_slow(directory: Path, rounds: int = 3000) -> Path:
    """Writes a model that takes a while: `x` float32 [batch] -> `y` = x."""

    @_function(_any(tf.float32, "x"))
    def slow(x):
        matrix = tf.fill([64, 64], 1.0 / 64) + tf.zeros([64, 64]) * x[0]
        _, product = tf.while_loop(
            lambda index, _: index < rounds,
            lambda index, product: (index + 1, product @ matrix),
            (0, matrix),
            parallel_iterations=1,
        )
        return {"y": x + 0.0 * product[0, 0]}

    _save(directory, serving_default=slow)
    return directory


def save_sentiment(directory: Path, *signatures: str) -> Path:
    """Writes a model of reviews whose belief is known: sigmoid of the sum of WORD_WEIGHTS so far.

    It has the signatures of a pushed model that the page asks for, or those that are named, and
    reads the last REVIEW_LENGTH words.
    """
    module = tf.Module()
    module.ids = _table(list(WORD_WEIGHTS), tf.range(2, 2 + len(WORD_WEIGHTS), dtype=tf.int64), 1)
    module.weights = _table(list(WORD_WEIGHTS), tf.constant(list(WORD_WEIGHTS.values())), 0.0)

    def words_of(text):
        lower = tf.strings.regex_replace(tf.strings.lower(text, "utf-8"), r"<br\s*/?>", " ")
        words = tf.strings.split(tf.strings.regex_replace(lower, r"[^\p{L}\p{Nd}']+", " "))
        backwards = words[:, -REVIEW_LENGTH:][:, ::-1].to_tensor("", shape=[None, REVIEW_LENGTH])
        return backwards[:, ::-1]

    @_function(_any(tf.string, "text"))
    def trace_text(text):
        words = words_of(text)
        return {
            "tokens": words,
            "probability": tf.sigmoid(tf.cumsum(module.weights.lookup(words), axis=1)),
        }

    @_function(_any(tf.string, "text"))
    def predict_text(text):
        probability = trace_text(text)["probability"][:, -1]
        names = tf.constant(["negative", "positive"])
        return {
            "probability": probability,
            "sentiment": tf.gather(names, tf.cast(probability >= 0.5, tf.int32)),
        }

    @_function(_any(tf.string, "examples"))
    def predict_examples(examples):
        text = tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})
        return predict_text(text["text"])

    @_function(_any(tf.string, "inputs"))
    def classify(inputs):
        probability = predict_examples(inputs)["probability"]
        return {"scores": tf.stack([1.0 - probability, probability], axis=1)}

    @_function(_any(tf.string, "examples"))
    def transform_features(examples):
        text = tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})
        words = words_of(text["text"])
        ids = tf.where(words == "", tf.constant(0, tf.int64), module.ids.lookup(words))
        return {"token_ids": ids}

    all_of_them = {
        "serving_default": predict_examples,
        "predict_text": predict_text,
        "classify": classify,
        "trace_text": trace_text,
        "transform_features": transform_features,
    }
    _save(directory, module, **{name: all_of_them[name] for name in signatures or all_of_them})
    return directory


def save_classes(
    directory: Path,
    names: Sequence[str],
    words: Mapping[str, Mapping[int, float]],
    length: int = REVIEW_LENGTH,
    threshold: float = 0.5,
) -> Path:
    """Writes a model of any classes with all signatures of a pushed one, and its model card.

    Its probabilities are known: the softmax of the sum of the words' weights so far.

    Args:
      directory: The version's folder.
      names: Of the classes; two give a model that answers the probability of the second.
      words: For each word its weights by class; other words, and other classes, have 0.
      length: Words that it reads: the last ones.
      threshold: From which probability on the second of two is decided on.
    """
    model = _Classes(names, words, length, threshold)
    _save(
        directory, model,
        serving_default=model.predict_examples, predict_text=model.predict_text,
        classify=model.classify, trace_text=model.trace_text,
        transform_features=model.transform_features, bulk_inference=model.infer_in_bulk,
    )  # fmt: skip
    card = {"variant": "tiny", "classes": list(names), "test_metrics": {"accuracy": 0.875}}
    if threshold != 0.5:
        card["decision"] = {"threshold": threshold, "because": "it was asked for"}
    (directory / "model_card.json").write_text(json.dumps(card))
    return directory


class _Classes(tf.Module):
    """The model of `save_classes`."""

    def __init__(self, names, words, length, threshold=0.5):
        super().__init__()
        self.names, self.length, self.threshold = list(names), length, threshold
        self.ids = _table(list(words), tf.range(2, 2 + len(words), dtype=tf.int64), 1)
        weights = np.zeros([2 + len(words), len(names)], np.float32)
        for row, by_class in enumerate(words.values(), start=2):
            for column, weight in by_class.items():
                weights[row, column] = weight
        self.weights = tf.Variable(weights)

    @_function(_any(tf.string, "text"))
    def predict_text(self, text):
        return self._verdict(self._scores_of(text))

    @_function(_any(tf.string, "examples"))
    def predict_examples(self, examples):
        return self._verdict(self._scores_of(_text_of(examples)))

    @_function(_any(tf.string, "examples"))
    def infer_in_bulk(self, examples):
        answer = self._verdict(self._scores_of(_text_of(examples)))
        return {name: output[:, None] for name, output in answer.items()}

    @_function(_any(tf.string, "inputs"))
    def classify(self, inputs):
        scores = self._scores_of(_text_of(inputs))
        return {"classes": tf.tile([self.names], [tf.shape(scores)[0], 1]), "scores": scores}

    @_function(_any(tf.string, "text"))
    def trace_text(self, text):
        sums = tf.cumsum(tf.gather(self.weights, self._ids_of(text)), axis=1)
        scores = tf.nn.softmax(sums)
        return {
            "tokens": self._words_of(text),
            "probability": scores[:, :, 1] if len(self.names) == 2 else scores,
        }

    @_function(_any(tf.string, "examples"))
    def transform_features(self, examples):
        return {"token_ids": self._ids_of(_text_of(examples))}

    def _words_of(self, text):
        split = tf.strings.split(tf.strings.regex_replace(text, r"[^\p{L}\p{Nd}']+", " "))
        backwards = split[:, -self.length :][:, ::-1].to_tensor("", shape=[None, self.length])
        return backwards[:, ::-1]

    def _ids_of(self, text):
        found = self._words_of(text)
        ids = tf.where(found == "", tf.constant(0, tf.int64), self.ids.lookup(found))
        # TensorFlow warns on standard error of a softmax whose rank it cannot tell.
        return tf.ensure_shape(ids, [None, self.length])

    def _scores_of(self, text):
        return tf.nn.softmax(tf.reduce_sum(tf.gather(self.weights, self._ids_of(text)), axis=1))

    def _verdict(self, scores):
        names = tf.constant(self.names)
        if len(self.names) == 2:
            best = tf.cast(scores[:, 1] >= self.threshold, tf.int32)
            return {"probability": scores[:, 1], "sentiment": tf.gather(names, best)}
        label = tf.gather(names, tf.argmax(scores, axis=1))
        return {"probability": tf.reduce_max(scores, axis=1), "label": label}


def _text_of(examples):
    return tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})["text"]


def save_wide(directory: Path, width: int = 20_000) -> Path:
    """Writes a model that makes much of a text: `text` -> `probability`, by way of 80 KB a row."""

    @_function(_any(tf.string, "text"))
    def predict_text(text):
        lengths = tf.cast(tf.strings.length(text), tf.float32)
        wide = tf.sin(lengths[:, None] * tf.linspace(0.0, 1.0, width)[None])
        probability = tf.sigmoid(tf.reduce_mean(wide, axis=1))
        return {
            "probability": probability,
            "sentiment": tf.where(probability >= 0.5, "positive", "negative"),
        }

    _save(directory, predict_text=predict_text, serving_default=predict_text)
    return directory


def _table(keys: list[str], values: tf.Tensor, default: float) -> tf.lookup.StaticHashTable:
    initializer = tf.lookup.KeyValueTensorInitializer(tf.constant(keys), values)
    return tf.lookup.StaticHashTable(initializer, default)


def _save(directory: Path, module: tf.Module | None = None, **signatures) -> None:
    module = module or tf.Module()
    for name, function in signatures.items():
        setattr(module, f"call_{name}", function)
    tf.saved_model.save(module, str(directory), signatures=signatures)
