"""The export: what it answers to, what it holds, and that it answers as the model does."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from tests.components.serialized import serialized_example

TEXTS = ["a great film", "not good at all. " * 200, "", "zzyzx", "caf\u00e9 <br /> \u4e2d\u6587"]


def serialized(texts):
    """Returns the texts as serialized tf.Examples."""
    return tf.constant([serialized_example(text) for text in texts])


@pytest.fixture(scope="module")
def served(exported_model):
    """The export, loaded."""
    return tf.saved_model.load(str(exported_model))


@pytest.fixture(scope="module")
def expected(exported_model, transform_output):
    """What the Keras model says of TEXTS, without any signature: <float32>[texts]."""
    model = get_variant("lstm").build(Hyperparameters())
    model.load_weights(str(exported_model / "keras.weights.h5"))
    token_ids = transform_output.transform_features_layer()({features.TEXT: tf.constant(TEXTS)})
    return model(token_ids[features.TOKEN_IDS], training=False).numpy()[:, 0]


def test_there_are_six_signatures_with_the_types_of_the_contract(served):
    """Names, dtypes and ranks are what clients were promised."""
    described = {
        name: {
            output: (tensor.dtype.name, tensor.shape.rank)
            for output, tensor in signature.structured_outputs.items()
        }
        for name, signature in served.signatures.items()
    }
    verdict = {"probability": ("float32", 1), "sentiment": ("string", 1)}
    assert described == {
        "serving_default": verdict,
        "predict_text": verdict,
        "classify": {"classes": ("string", 2), "scores": ("float32", 2)},
        "trace_text": {"tokens": ("string", 2), "probability": ("float32", 2)},
        "transform_features": {"token_ids": ("int64", 2)},
        "bulk_inference": {"probability": ("float32", 2), "sentiment": ("string", 2)},
    }


def test_text_and_examples_give_the_models_probability(served, expected):
    """Each way in ends at the same number, to 1e-6."""
    by_text = served.signatures["predict_text"](text=tf.constant(TEXTS))
    by_example = served.signatures["serving_default"](examples=serialized(TEXTS))
    classified = served.signatures["classify"](inputs=serialized(TEXTS))
    for probability in (
        by_text["probability"],
        by_example["probability"],
        classified["scores"][:, 1],
    ):
        np.testing.assert_allclose(probability, expected, atol=1e-6)


def test_the_verdict_is_positive_from_one_half_on(served, expected):
    """`sentiment` names the more probable class."""
    sentiment = served.signatures["predict_text"](text=tf.constant(TEXTS))["sentiment"].numpy()
    names = [b"positive" if probability >= 0.5 else b"negative" for probability in expected]
    assert sentiment.tolist() == names


def test_classes_and_scores_stand_in_one_order(served):
    """`classes` names the columns of `scores`, which sum to 1."""
    classified = served.signatures["classify"](inputs=serialized(TEXTS))
    assert classified["classes"].numpy().tolist() == [[b"negative", b"positive"]] * len(TEXTS)
    np.testing.assert_allclose(classified["scores"].numpy().sum(axis=1), 1.0, atol=1e-6)


def test_the_trace_ends_at_the_verdict_and_names_the_words(served, expected):
    """After the last token it is the model's answer; padding has no tokens."""
    trace = served.signatures["trace_text"](text=tf.constant(TEXTS))
    np.testing.assert_allclose(trace["probability"][:, -1], expected, atol=1e-6)
    assert trace["tokens"].shape == (len(TEXTS), features.MAX_LENGTH)
    assert trace["tokens"][0].numpy().tolist() == [b""] * 497 + [b"a", b"great", b"film"]


def test_the_trace_at_a_word_is_the_verdict_on_the_text_up_to_it(served):
    """Belief after n words does not depend on later ones: checked on a full window."""
    words = [f"w{index}" for index in range(features.MAX_LENGTH - 1)]
    trace = served.signatures["trace_text"](text=tf.constant([" ".join(["good", *words])]))
    other = served.signatures["trace_text"](text=tf.constant([" ".join(["good", *words[::-1]])]))
    np.testing.assert_allclose(trace["probability"][0, 0], other["probability"][0, 0])


def test_an_empty_batch_gives_an_empty_answer(served):
    """No text, no verdict, no error."""
    answer = served.signatures["predict_text"](text=tf.constant([], tf.string))
    assert answer["probability"].shape == (0,)


def test_nothing_but_the_weights_and_the_vocabulary_is_saved(exported_model):
    """No optimizer state, no seed, no second model: 213,301 numbers."""
    variables = tf.train.list_variables(str(exported_model / "variables" / "variables"))
    shapes = [shape for name, shape in variables if not name.startswith("_CHECKPOINTABLE")]
    assert sum(int(np.prod(shape)) for shape in shapes) == 213_301
    assert [path.name for path in (exported_model / "assets").iterdir()] == [features.VOCABULARY]


def test_a_fresh_process_gives_the_same_probabilities(exported_model, expected):
    """Nothing is found by luck in the memory of the process that exported."""
    script = (
        "import json, sys, tensorflow as tf\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        "texts = tf.constant(json.loads(sys.argv[2]))\n"
        "answer = model.signatures['predict_text'](text=texts)['probability']\n"
        "print(json.dumps(answer.numpy().tolist()))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(exported_model), json.dumps(TEXTS)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answers = json.loads(result.stdout.splitlines()[-1])
    np.testing.assert_allclose(answers, expected, atol=1e-6)
