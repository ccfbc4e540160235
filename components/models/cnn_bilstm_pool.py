"""The best recurrent variants found without pre-training and without outside data.

They read regions of three words by a convolution over one-hot words, have two LSTMs read the
strongest of every five regions, from either end, and let the strongest response to each feature
anywhere in the review decide, beside the sum of its words' vectors (after Johnson & Zhang,
Supervised and Semi-Supervised Text Categorization using LSTM for Region Embeddings, 2016).
There is no vector of a word between word and region, and weights decay: with such vectors and
without decay a network knows the movies of its training reviews better, and other movies less.

Their prediction after a token is the one for the review truncated there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components import features
from components.hyperparameters import Hyperparameters
from components.models.linear import fit_linear, linear_log_odds
from components.models.registry import SAMPLE, TUNED, variant
from components.models.shape import IMDB_SHAPE, ModelShape

if TYPE_CHECKING:
    import keras

REGION_SIZE = 3
POOL_SIZE = 5
# The lowest value that an LSTM can give.
LOWEST = -1.0

LAYERS = (
    "embedding_units",
    "filters",
    "lstm_units",
    "word_dropout",
    "dropout",
    "output_dropout",
)
TUNED_HYPERPARAMETERS = Hyperparameters(
    epochs=6,
    learning_rate=2e-3,
    schedule="cosine",
    clip_norm=1.0,
    weight_decay=0.5,
    weight_averaging=0.998,
    embedding_units=64,
    lstm_units=64,
    filters=256,
    word_dropout=0.3,
    dropout=0.5,
    output_dropout=0.6,
)
SAMPLE_HYPERPARAMETERS = TUNED_HYPERPARAMETERS.overridden(
    epochs=7, batch_size=32, weight_averaging=0.9
)


@variant(
    "cnn_bilstm_pool",
    summary="RegionEmbedding(256, 3), MaxPooling1D(5), Bidirectional(LSTM(64)), maximum over time",
    takes=LAYERS,
    presets={TUNED: TUNED_HYPERPARAMETERS, SAMPLE: SAMPLE_HYPERPARAMETERS},
)
def build_cnn_bilstm_pool(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """Regions of words, bidirectional LSTM and a bag of words; padding takes no part."""
    import keras

    from components.layers.per_token_prediction import predict_per_token
    from components.models import inputs

    token_ids = inputs.token_ids_input(shape)
    answer = inputs.probability(_features(token_ids, hyperparameters, shape), shape)
    model = keras.Model(token_ids, answer, name="cnn_bilstm_pool")
    return predict_per_token(model) if per_token else model


@variant(
    "cnn_bilstm_linear",
    summary="the mean of the log odds of cnn_bilstm_pool and of linear",
    takes=(*LAYERS, "regularization", "ngrams"),
    presets={
        TUNED: TUNED_HYPERPARAMETERS.overridden(regularization=10.0),
        SAMPLE: SAMPLE_HYPERPARAMETERS,
    },
    solve=fit_linear,
)
def build_cnn_bilstm_linear(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """Two models that make different errors, each fitted without the other.

    Such ensembles of a recurrent and a linear model: Mesnil et al., Ensemble of Generative and
    Discriminative Techniques for Sentiment Analysis of Movie Reviews, 2015.
    """
    import keras

    from components.layers.opinion_pool import OpinionPool
    from components.layers.per_token_prediction import predict_per_token
    from components.models import inputs

    token_ids = inputs.token_ids_input(shape)
    read = keras.layers.Dense(shape.answers)(_features(token_ids, hyperparameters, shape))
    log_odds = linear_log_odds(token_ids, hyperparameters, shape, trainable=False)
    pooled = OpinionPool()([read, log_odds])
    answer = keras.layers.Activation(inputs.activation(shape), dtype="float32")(pooled)
    model = keras.Model(token_ids, answer, name="cnn_bilstm_linear")
    return predict_per_token(model) if per_token else model


def _features(token_ids: Any, hyperparameters: Hyperparameters, shape: ModelShape) -> Any:
    """Returns the features of a review for the last layer: <float32>[batch, features]."""
    import keras

    from components.layers.bidirectional_lstm import BidirectionalLSTM
    from components.layers.padding import leading_padding
    from components.layers.region_embedding import RegionEmbedding
    from components.layers.without_common_padding import WithoutCommonPadding
    from components.layers.word_dropout import WordDropout
    from components.models import inputs

    layers, ops = keras.layers, keras.ops
    # Pools are counted from the end, so that the same words share one whatever the batch.
    words = inputs.padded_to_multiple(token_ids, shape, POOL_SIZE)
    words = WithoutCommonPadding(POOL_SIZE, features.PAD_ID)(words)
    padding = leading_padding(words, features.PAD_ID)
    is_word = ops.expand_dims(ops.cast(ops.not_equal(words, features.PAD_ID), "float32"), -1)
    words = WordDropout(
        hyperparameters.word_dropout, features.OUT_OF_VOCABULARY_ID, features.PAD_ID
    )(words)
    embedded = inputs.embed(words, shape, hyperparameters.embedding_units) * is_word
    bag_of_words = ops.sum(embedded, axis=1) / ops.sqrt(ops.sum(is_word, axis=1) + 1.0)

    regions = RegionEmbedding(
        shape.vocabulary_size, hyperparameters.filters, REGION_SIZE, features.PAD_ID
    )(words)
    strongest = layers.MaxPooling1D(POOL_SIZE)(ops.relu(regions) * is_word)
    has_word = ops.greater(layers.MaxPooling1D(POOL_SIZE)(is_word), 0.0)
    read = BidirectionalLSTM(hyperparameters.lstm_units, return_sequences=True)(
        layers.SpatialDropout1D(hyperparameters.dropout)(strongest),
        padding=padding // POOL_SIZE,
    )
    review = layers.Concatenate()(
        [
            bag_of_words,
            ops.max(ops.where(has_word, read, LOWEST), axis=1),
            ops.max(ops.where(has_word, strongest, 0.0), axis=1),
        ]
    )
    return layers.Dropout(hyperparameters.output_dropout)(review)
