"""Variants of other sizes than IMDB's: lengths that no pool divides, vocabularies of any size."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.models.registry import SAMPLE, get_variant, variant_names
from components.models.shape import ModelShape
from components.trainer import signatures, training
from components.transform.token_settings import TokenSettings
from tests.fresh_process import told_by

from .transforming import analyze, reference_tokens
from .variants import GROUPS

LENGTH, WORDS = 37, 50
SHAPE = ModelShape(WORDS, LENGTH)
TOKENS = TokenSettings(WORDS, LENGTH, tokens="characters", emoji=True)
TEXTS = ["a great film 👍🏽", "so dull, so badly acted that I left. " * 3, "", "很好", "x" * LENGTH]


def small(name):
    """Returns the variant, and hyperparameters of small layers without noise."""
    variant = get_variant(name)
    sizes = {"embedding_units": 4, "filters": 6, "lstm_units": 5, "ngrams": 3}
    taken = {size: value for size, value in sizes.items() if size in variant.takes}
    return variant, variant.presets[SAMPLE].overridden(**taken)


def built(name, shape, per_token=False):
    """Returns a variant's model with weights from which words make a difference."""
    variant, hyperparameters = small(name)
    model = variant.build(hyperparameters.without_noise(), per_token, shape)
    generator = np.random.default_rng(6)
    model.set_weights([generator.normal(0, 0.4, weight.shape) for weight in model.weights])
    return model


@functools.cache
def graphs(name):
    """Returns a variant's model of SHAPE and its per-token model, as graphs."""
    specification = tf.TensorSpec([None, LENGTH], tf.int32)
    return tuple(
        tf.function(built(name, SHAPE, each), input_signature=[specification], autograph=False)
        for each in (False, True)
    )


def reviews(*lengths, length=LENGTH):
    """Returns token ids <int32>[lengths, length], padded in front."""
    generator = np.random.default_rng(5)
    token_ids = np.zeros((len(lengths), length), np.int32)
    for row, words in zip(token_ids, lengths, strict=True):
        row[length - words :] = generator.integers(1, WORDS, size=words)
    return token_ids


@pytest.mark.parametrize("name", variant_names())
def test_a_batch_changes_no_answer_and_the_last_word_counts(name):
    """Pools leave no word over, and the same words share one in every batch."""
    answer, _ = graphs(name)
    token_ids = reviews(0, 1, 2, 7, 8, 36, LENGTH)
    together = answer(token_ids).numpy()
    one_by_one = np.concatenate([answer(row[np.newaxis]) for row in token_ids])
    np.testing.assert_allclose(one_by_one, together, atol=2e-6)
    other = token_ids.copy()
    other[1:, -1] = other[1:, -1] % (WORDS - 1) + 1
    assert np.abs(answer(other).numpy() - together)[1:].min() > 1e-6
    assert answer(reviews()).shape == (0, 1)


@pytest.mark.parametrize("name", variant_names())
def test_the_prediction_after_a_token_is_that_for_the_review_truncated_there(name):
    """Of a full review and of a short one; padding in front stands for what is missing.

    An LSTM without a mask reads on from padding: for it, the padding is a part of the review.
    """
    answer, per_token = graphs(name)
    token_ids = reviews(21, LENGTH)
    predictions = per_token(token_ids).numpy()[:, :, 0]
    np.testing.assert_allclose(predictions[:, -1], answer(token_ids)[:, 0], atol=2e-6)
    if name.startswith("lstm"):
        return
    for cut in (1, 2, 5, 20):
        truncated = np.pad(token_ids, ((0, 0), (cut, 0)))[:, :LENGTH]
        np.testing.assert_allclose(
            predictions[:, -1 - cut], answer(truncated)[:, 0], atol=2e-6, err_msg=str(cut)
        )


@pytest.mark.parametrize("name", variant_names())
@pytest.mark.parametrize("length", [1, 2])
def test_the_shortest_texts_have_an_answer(name, length):
    """Shorter than any pool, region or run of words."""
    shape = ModelShape(3, length)
    token_ids = np.array([[0] * length, [2] * length], np.int32)
    for per_token in (False, True):
        answers = built(name, shape, per_token)(token_ids).numpy()
        assert np.isfinite(answers).all() and np.ptp(answers) > 0


SCRIPT = """
import tensorflow as tf
# It takes longer to optimize these graphs than to run them once.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
directories, texts = arguments
answers = {}
for name, directory in directories.items():
    served = tf.saved_model.load(directory).signatures
    verdict = served["predict_text"](text=tf.constant(texts))["probability"]
    trace = served["trace_text"](text=tf.constant(texts))
    tokens = [[token.decode() for token in row] for row in trace["tokens"].numpy()]
    last = trace["probability"].numpy()[:, -1].tolist()
    answers[name] = [verdict.numpy().tolist(), last, tokens, list(trace["probability"].shape)]
print(json.dumps(answers))
"""


def exported(group, folder):
    """Exports variants that read characters; returns by name folder and answers to TEXTS."""
    output = analyze(TEXTS * 2, folder, TOKENS)
    token_ids = output.transform_features_layer()({features.TEXT: tf.constant(TEXTS)})
    made = {}
    for name in group:
        variant, hyperparameters = small(name)
        model = built(name, SHAPE)
        served = training.build_served_models(variant, hyperparameters, model, SHAPE)
        signatures.export(*served, output, str(folder / name), tokens=TOKENS)
        made[name] = folder / name, model(token_ids[features.TOKEN_IDS]).numpy()[:, 0].tolist()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_an_export_of_characters_answers_as_its_model_in_a_fresh_process(group, tmp_path):
    """Of every variant: verdict and trace, which names the characters that the model reads."""
    exports = exported(group, tmp_path)
    directories = {name: str(directory) for name, (directory, _) in exports.items()}
    answers = told_by(SCRIPT, directories, TEXTS, timeout=600)
    expected_tokens = []
    for text in TEXTS:
        last = reference_tokens(text, TOKENS)[-LENGTH:]
        expected_tokens.append([""] * (LENGTH - len(last)) + last)
    for name, (_, expected) in exports.items():
        verdict, last_prediction, tokens, shape = answers[name]
        np.testing.assert_allclose(verdict, expected, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(last_prediction, expected, atol=1e-6, err_msg=name)
        assert tokens == expected_tokens
        assert shape == [len(TEXTS), LENGTH]
