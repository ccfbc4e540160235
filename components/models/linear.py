"""The linear variant: what the LSTMs have to beat to earn their cost.

Naive Bayes features in a logistic regression over words and pairs of words (Wang & Manning,
Baselines and Bigrams, 2012), from the same token ids, in the same pipeline and export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components import features
from components.hyperparameters import Hyperparameters
from components.models.registry import SAMPLE, TUNED, variant
from components.models.shape import IMDB_SHAPE, ModelShape

if TYPE_CHECKING:
    import keras
    import numpy as np

    from components.layers.ngram_weights import NgramWeights

# Pairs of words are told apart by a hash of so many bits; so are runs of three.
PAIR_BITS = 20
# Tokens whose n-grams are numbered at once, in whole reviews. They take some 100 bytes each.
CHUNK = 500_000
# L-BFGS needs some 20.
MAX_ITERATIONS = 200
# A long review adds up hundreds of weights. In float32 the sigmoid of 17 is 1, and the log loss
# of that probability is no number.
GREATEST_LOGIT = 16.0


def fit_linear(
    model: keras.Model, training: tuple[np.ndarray, np.ndarray], hyperparameters: Hyperparameters
) -> None:
    """Sets the weights of a model's `NgramWeights`: a convex problem, solved by L-BFGS.

    Args:
      model: Has such a layer; the weights of the others stay.
      training: `token_ids` <uint>[reviews, max_length] and `label` <int64>[reviews].
      hyperparameters: `regularization` is used.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from components import progress
    from components.layers.ngram_weights import NgramWeights

    def report(done: int, stage: str) -> None:
        progress.report(progress.Progress(done, 2, "steps", stage, {}))

    token_ids, labels = training
    report(0, "counting words and pairs")
    (layer,) = (layer for layer in model.layers if isinstance(layer, NgramWeights))
    held = _ngrams_held(token_ids, layer)
    report(1, "fitting the weights")
    ratios = log_count_ratios(held, labels)
    regression = LogisticRegression(
        C=1.0 / hyperparameters.regularization, max_iter=MAX_ITERATIONS
    ).fit(held.multiply(ratios).tocsr(), labels)
    weights = regression.coef_[0] * ratios
    layer.set_weights([weights.astype(np.float32), np.float32(regression.intercept_[0])])
    report(2, "fitting the weights")


@variant(
    "linear",
    summary="logistic regression over words and pairs of words, no embedding",
    takes=("regularization", "ngrams"),
    presets={TUNED: Hyperparameters(regularization=10.0), SAMPLE: Hyperparameters()},
    solve=fit_linear,
    uses_gradient_descent=False,
)
def build_linear(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """One weight a word, and one a hash of a pair: 1,053,577 parameters."""
    import keras

    from components.models import inputs

    token_ids = inputs.token_ids_input(shape)
    answer = keras.layers.Activation("sigmoid")(
        log_odds(token_ids, hyperparameters, shape, per_token)
    )
    return keras.Model(token_ids, answer, name="linear")


def log_odds(
    token_ids: Any,
    hyperparameters: Hyperparameters,
    shape: ModelShape,
    per_token: bool = False,
    trainable: bool = True,
) -> Any:
    """Returns the linear model's log odds of token ids <int32>[batch, max_length].

    Returns:
      <float32>[batch, 1], or after each token, [batch, max_length, 1].
    """
    import keras

    from components.layers.ngram_weights import NgramWeights

    sums = NgramWeights(
        shape.vocabulary_size,
        PAIR_BITS,
        per_token,
        features.PAD_ID,
        longest=hyperparameters.ngrams,
        trainable=trainable,
    )(token_ids)
    return keras.ops.clip(sums, -GREATEST_LOGIT, GREATEST_LOGIT)


def _ngrams_held(token_ids: np.ndarray, layer: NgramWeights) -> Any:
    """Returns which review holds which n-gram: a sparse matrix <float32>[reviews, ngrams]."""
    import numpy as np
    import scipy.sparse

    parts = []
    step = max(CHUNK // token_ids.shape[1], 1)
    for start in range(0, len(token_ids), step):
        ngrams = layer.ngram_ids(token_ids[start : start + step].astype(np.int32)).numpy()
        ngrams = ngrams.reshape(len(ngrams), -1)
        reviews, places = np.nonzero(ngrams != layer.pad_id)
        ones = np.ones(len(reviews), np.float32)
        parts.append(
            scipy.sparse.csr_matrix(
                (ones, (reviews, ngrams[reviews, places])), shape=(len(ngrams), layer.ngrams)
            )
        )
    return scipy.sparse.vstack(parts, format="csr")


def log_count_ratios(held: Any, labels: np.ndarray) -> np.ndarray:
    """Returns the logarithm of how much more likely an n-gram is in a positive review.

    Each n-gram counts once more in either class than it is held: Laplace's smoothing.
    """
    import numpy as np

    positive, negative = (
        1.0 + np.asarray(held[labels == label].sum(axis=0)).ravel()
        for label in (features.POSITIVE, features.NEGATIVE)
    )
    return np.log((positive / positive.sum()) / (negative / negative.sum())).astype(np.float32)
