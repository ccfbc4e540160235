"""The export: what it answers to, what it holds, and that it answers as the model does."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.hyperparameters import Hyperparameters
from components.models.decision import Decision
from components.models.registry import get_variant
from components.models.shape import ModelShape
from components.trainer import signatures, training
from tests.components.serialized import serialized_example
from tests.fresh_process import told_by

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


def test_a_threshold_moves_the_decision_and_nothing_else(transform_output):
    """In all signatures that decide; the probability itself is decided on as the second class."""
    variant = get_variant("linear")
    hyperparameters = variant.presets[variant.default_preset]
    model = variant.build(hyperparameters)
    generator = np.random.default_rng(3)
    model.set_weights([generator.normal(0, 1, weight.shape) for weight in model.weights])
    models = training.build_served_models(variant, hyperparameters, model)
    usual = signatures.ServedModel(*models, transform_output)
    probability = usual.predict_text(tf.constant(TEXTS))["probability"].numpy()
    threshold = float(np.sort(probability)[-2])
    assert threshold != 0.5
    moved = signatures.ServedModel(*models, transform_output, decision=Decision(threshold))
    decided = [b"positive" if each >= threshold else b"negative" for each in probability]
    assert decided.count(b"positive") == 2
    for answer in (
        moved.predict_text(tf.constant(TEXTS)),
        moved.predict_examples(serialized(TEXTS)),
        moved.infer_in_bulk(serialized(TEXTS)),
    ):
        np.testing.assert_array_equal(np.ravel(answer["probability"]), probability)
        assert np.ravel(answer["sentiment"]).tolist() == decided
    np.testing.assert_array_equal(
        moved.classify(serialized(TEXTS))["scores"], usual.classify(serialized(TEXTS))["scores"]
    )


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


def test_token_ids_are_those_of_transforms_graph(served, transform_output):
    """Its own look-up of the same words: known and unknown, too many, none, and any bytes."""
    texts = [*TEXTS, "A film, a FILM<br />a\0film é’", "the " * 501 + "film", "\u0301 #\u20e3 ½"]
    expected = transform_output.transform_features_layer()({features.TEXT: tf.constant(texts)})
    ids = served.signatures["transform_features"](examples=serialized(texts))
    np.testing.assert_array_equal(ids[features.TOKEN_IDS], expected[features.TOKEN_IDS])
    assert len(np.unique(expected[features.TOKEN_IDS])) > 3


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
        "import tensorflow as tf\n"
        "model, texts = arguments\n"
        "model, texts = tf.saved_model.load(model), tf.constant(texts)\n"
        "answer = model.signatures['predict_text'](text=texts)['probability']\n"
        "print(json.dumps(answer.numpy().tolist()))\n"
    )
    answers = told_by(script, str(exported_model), TEXTS, timeout=120)
    np.testing.assert_allclose(answers, expected, atol=1e-6)


@pytest.fixture(scope="module")
def of_three(transform_output, tmp_path_factory):
    """The export of a model of three classes, loaded, and its own probabilities of TEXTS."""
    classes = ("billing, €", "delivery/late", "other")
    variant = get_variant("linear")
    hyperparameters = variant.presets["sample"]
    shape = ModelShape(classes=3)
    model = variant.build(hyperparameters, shape=shape)
    generator = np.random.default_rng(3)
    model.set_weights([generator.normal(0, 1.0, weight.shape) for weight in model.weights])
    directory = str(tmp_path_factory.mktemp("three"))
    exported = training.build_served_models(variant, hyperparameters, model, shape)
    signatures.export(*exported, transform_output, directory, classes)
    token_ids = transform_output.transform_features_layer()({features.TEXT: tf.constant(TEXTS)})
    probability = model(token_ids[features.TOKEN_IDS], training=False).numpy()
    return tf.saved_model.load(directory), classes, probability


def test_the_signatures_of_many_classes_have_the_types_of_the_contract(of_three):
    """The likeliest class by its name, and all of them where clients ask to classify."""
    described = {
        name: {
            output: (tensor.dtype.name, tensor.shape.rank)
            for output, tensor in signature.structured_outputs.items()
        }
        for name, signature in of_three[0].signatures.items()
    }
    verdict = {"probability": ("float32", 1), "label": ("string", 1)}
    assert described == {
        "serving_default": verdict,
        "predict_text": verdict,
        "classify": {"classes": ("string", 2), "scores": ("float32", 2)},
        "trace_text": {"tokens": ("string", 2), "probability": ("float32", 3)},
        "transform_features": {"token_ids": ("int64", 2)},
        "bulk_inference": {"probability": ("float32", 2), "label": ("string", 2)},
    }


def test_the_likeliest_of_many_classes_is_named(of_three):
    """With its probability, whichever way a text comes in; of equals the first."""
    served, classes, probability = of_three
    names = [classes[place].encode() for place in probability.argmax(axis=1)]
    assert len(set(names)) > 1
    answers = served.signatures
    for verdict in (
        answers["predict_text"](text=tf.constant(TEXTS)),
        answers["serving_default"](examples=serialized(TEXTS)),
        answers["bulk_inference"](examples=serialized(TEXTS)),
    ):
        assert verdict["label"].numpy().ravel().tolist() == names
        likeliest = verdict["probability"].numpy().ravel()
        np.testing.assert_allclose(likeliest, probability.max(axis=1), atol=1e-6)
    classified = answers["classify"](inputs=serialized(TEXTS))
    assert classified["classes"].numpy().tolist() == [[n.encode() for n in classes]] * len(TEXTS)
    np.testing.assert_allclose(classified["scores"], probability, atol=1e-6)
    trace = answers["trace_text"](text=tf.constant(TEXTS))["probability"]
    np.testing.assert_allclose(trace[:, -1], probability, atol=1e-6)
    empty = answers["predict_text"](text=tf.constant([], tf.string))
    assert empty["label"].shape == empty["probability"].shape == (0,)
    none = answers["classify"](inputs=tf.constant([], tf.string))
    assert none["classes"].shape == none["scores"].shape == (0, 3)


def test_of_equally_likely_classes_the_first_is_named(transform_output):
    """A model that knows nothing says the same each time."""
    variant = get_variant("linear")
    hyperparameters, shape = variant.presets["sample"], ModelShape(classes=3)
    models = (variant.build(hyperparameters, each, shape) for each in (False, True))
    served = signatures.ServedModel(*models, transform_output, ("c", "a", "b"))
    verdict = served.predict_text(tf.constant(TEXTS))
    assert verdict["label"].numpy().tolist() == [b"c"] * len(TEXTS)
    np.testing.assert_allclose(verdict["probability"], 1 / 3, atol=1e-6)


def test_two_classes_of_other_names_are_named(transform_output):
    """The second is the one whose probability is given."""
    variant = get_variant("linear")
    hyperparameters = variant.presets["sample"]
    model, per_token = (variant.build(hyperparameters, each) for each in (False, True))
    model.set_weights([np.zeros(weight.shape) for weight in model.weights[:-1]] + [np.float32(-2)])
    served = signatures.ServedModel(model, per_token, transform_output, ("ham", "spam"))
    verdict = served.predict_text(tf.constant(TEXTS[:1]))
    assert verdict["sentiment"].numpy().tolist() == [b"ham"]
    assert float(verdict["probability"][0]) == pytest.approx(1 / (1 + np.exp(2)))
    classified = served.classify(serialized(TEXTS[:1]))
    assert classified["classes"].numpy().tolist() == [[b"ham", b"spam"]]
