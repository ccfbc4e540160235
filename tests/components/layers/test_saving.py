"""Layers of ours keep their arguments: a model that is saved and read again answers the same."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from components.layers.bidirectional_lstm import BidirectionalLSTM
from components.layers.convolution import Convolution
from components.layers.front_padded_lstm import FrontPaddedLSTM
from components.layers.ngram_weights import NgramWeights
from components.layers.opinion_pool import OpinionPool
from components.layers.padding import leading_padding
from components.layers.per_token_prediction import PerTokenPrediction
from components.layers.region_embedding import RegionEmbedding
from components.layers.without_common_padding import WithoutCommonPadding
from components.layers.word_dropout import WordDropout
from components.models.registry import get_variant, variant_names

LENGTH, WORDS, PAD_ID = 12, 30, 3


def embed(token_ids):
    """Returns a vector of 4 numbers a word."""
    return keras.layers.Embedding(WORDS, 4)(token_ids)


def small_model():
    """Returns a model that pools: <int32>[batch, LENGTH] -> <float32>[batch, 1]."""
    token_ids = keras.Input((LENGTH,), dtype="int32")
    pooled = keras.layers.GlobalMaxPooling1D()(embed(token_ids))
    return keras.Model(token_ids, keras.layers.Dense(1)(pooled))


# Each with arguments that are not the defaults.
LAYERS = {
    "Convolution": lambda ids: Convolution(5, 3, padding="same", activation="relu")(embed(ids)),
    "PerTokenPrediction": lambda ids: PerTokenPrediction(small_model(), PAD_ID)(ids),
    "BidirectionalLSTM": lambda ids: BidirectionalLSTM(6, return_sequences=True)(
        embed(ids), padding=leading_padding(ids, PAD_ID)
    ),
    "FrontPaddedLSTM with options": lambda ids: FrontPaddedLSTM(6, masks_padding=True, dropout=0.2)(
        embed(ids), padding=leading_padding(ids, PAD_ID)
    ),
    "FrontPaddedLSTM": lambda ids: FrontPaddedLSTM(6, return_sequences=True)(
        embed(ids), leading_padding(ids, PAD_ID)
    ),
    "NgramWeights": lambda ids: NgramWeights(WORDS, 4, per_token=True, pad_id=PAD_ID, longest=3)(
        ids
    ),
    "OpinionPool": lambda ids: OpinionPool()([embed(ids), embed(ids)]),
    "RegionEmbedding": lambda ids: RegionEmbedding(WORDS, 5, 3, pad_id=PAD_ID)(ids),
    "WithoutCommonPadding": lambda ids: WithoutCommonPadding(4, PAD_ID)(ids),
    "WordDropout": lambda ids: embed(WordDropout(0.9, unknown_id=2, pad_id=PAD_ID, seed=5)(ids)),
}


def token_ids():
    """Returns two padded texts <int32>[2, LENGTH]."""
    ids = np.random.default_rng(1).integers(4, WORDS, size=(2, LENGTH)).astype(np.int32)
    ids[0, :5], ids[1, :9] = PAD_ID, PAD_ID
    return ids


def read_again(model, folder):
    """Returns `model`, with weights that matter, as Keras' own format keeps it."""
    generator = np.random.default_rng(3)
    model.set_weights([generator.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


@pytest.mark.parametrize("build", LAYERS.values(), ids=LAYERS)
def test_a_saved_layer_answers_the_same(build, tmp_path):
    """Its arguments and weights come back."""
    inputs = keras.Input((LENGTH,), dtype="int32")
    model = keras.Model(inputs, build(inputs))
    again = read_again(model, tmp_path)
    expected = model(token_ids())
    np.testing.assert_array_equal(again(token_ids()), expected)


@pytest.mark.parametrize("per_token", [False, True])
@pytest.mark.parametrize("name", variant_names())
def test_a_saved_variant_answers_the_same(name, per_token, tmp_path):
    """As `.keras`, for those who take a model out of the pipeline."""
    variant = get_variant(name)
    hyperparameters = next(iter(variant.presets.values()))
    model = variant.build(hyperparameters.without_noise(), per_token)
    ids = np.zeros((2, *model.input_shape[1:]), np.int32)
    ids[0, -20:] = np.arange(2, 22)
    again = read_again(model, tmp_path)
    np.testing.assert_allclose(again(ids), model(ids), atol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(rate):
    """Before a model is trained with it."""
    with pytest.raises(ValueError, match="expected a number from 0 up to but not including 1"):
        WordDropout(rate)


@pytest.mark.parametrize(
    "option", [{"use_bias": False}, {"return_state": True}, {"activation": "relu"}]
)
def test_the_fused_lstm_refuses_what_it_would_ignore(option):
    """An option of keras.layers.LSTM that the fused kernel does not compute is an error."""
    with pytest.raises(ValueError, match=f"FrontPaddedLSTM does not support {next(iter(option))}"):
        FrontPaddedLSTM(4, **option)


def test_a_length_that_pools_would_not_divide_is_refused():
    """Or the same words would share a pool in one batch and not in another."""
    with pytest.raises(ValueError, match="expected a divisor of the length, 12"):
        WithoutCommonPadding(5)(token_ids())


def test_pairs_are_told_apart_by_1_to_31_bits():
    """What the hash has to give."""
    with pytest.raises(ValueError, match="pair_bits is 32; expected a number from 1 to 31"):
        NgramWeights(10, pair_bits=32)


def test_a_run_has_one_word_at_least():
    """The message says what arrived."""
    with pytest.raises(ValueError, match="longest is 0; expected a number from 1 on"):
        NgramWeights(10, longest=0)
