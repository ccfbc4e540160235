"""The linear variant: what the LSTMs have to beat to earn their cost.

Naive Bayes features in a logistic regression over words and pairs of words (Wang & Manning,
Baselines and Bigrams, 2012), from the same token ids, in the same pipeline and export. With more
than two classes there is one such regression for each, of that class against all others.
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

# Pairs of words are told apart by a hash of so many bits, or of fewer where there are many classes:
# all pairs of all classes have at most so many weights, 134 MB. So are runs of three.
PAIR_BITS = 20
MOST_PAIR_WEIGHTS = 2**25
# Tokens whose n-grams are numbered at once, in whole reviews. They take some 100 bytes each.
CHUNK = 500_000
# Below this share of n-grams that occur, as in some thousand reviews, the solver is given no
# others: it is tens of times faster.
SPARSE_SHARE = 0.25
# L-BFGS needs some 20.
MAX_ITERATIONS = 200
# A long review adds up hundreds of weights. In float32 the sigmoid of 17 is 1, and the log loss
# of that probability is no number.
GREATEST_LOGIT = 16.0


def fit_linear(
    model: keras.Model, training: tuple[np.ndarray, np.ndarray], hyperparameters: Hyperparameters
) -> None:
    """Sets the weights of a model's `NgramWeights`: convex problems, solved by L-BFGS.

    There is one with two classes, and with more, one for each class, the one after the other: the
    solver needs memory for the weights of one class.

    Args:
      model: Has such a layer; the weights of the others stay.
      training: `token_ids` <uint>[reviews, max_length] and `label` <int64>[reviews].
      hyperparameters: `regularization` and `class_weights` are used.
    """
    import numpy as np

    from components import progress
    from components.layers.ngram_weights import NgramWeights
    from components.models.class_weights import class_weights

    token_ids, labels = training
    (layer,) = (layer for layer in model.layers if isinstance(layer, NgramWeights))
    fitted = (features.POSITIVE,) if layer.answers == 1 else tuple(range(layer.answers))

    def report(done: int, stage: str) -> None:
        progress.report(progress.Progress(done, 1 + len(fitted), "steps", stage, {}))

    report(0, "counting words and pairs")
    held = _ngrams_held(token_ids, layer)
    columns: Any = slice(None)
    occurring = np.flatnonzero(np.bincount(held.indices, minlength=layer.ngrams))
    unseen = 0
    if len(fitted) > 1 or len(occurring) < layer.ngrams * SPARSE_SHARE:
        # N-grams that no review holds would cost each step of the solver the same again.
        columns = occurring
        held = held[:, columns]
        unseen = layer.ngrams - len(occurring) if len(fitted) == 1 else 0
    by_class = class_weights(labels, max(layer.answers, 2), hyperparameters.class_weights)
    # Of a class against all others, too, each review counts what its own class does.
    counts = None if by_class is None else by_class[labels]
    weights = np.zeros((layer.ngrams, len(fitted)), np.float32)
    biases = np.zeros(len(fitted), np.float32)
    for place, label in enumerate(fitted):
        report(1 + place, "fitting the weights")
        weights[columns, place], biases[place] = _fitted(
            held, labels == label, hyperparameters.regularization, counts, unseen
        )
    shapes = [weight.shape for weight in layer.weights]
    layer.set_weights([weights.reshape(shapes[0]), biases.reshape(shapes[1])])
    report(1 + len(fitted), "fitting the weights")


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
    """One weight a word, and one a hash of a pair: 1,053,577 parameters with two classes.

    With more, so many for each class; `pair_bits` says how many hashes there are then.
    """
    import keras

    from components.models import inputs

    token_ids = inputs.token_ids_input(shape)
    log_odds = linear_log_odds(token_ids, hyperparameters, shape, per_token)
    answer = keras.layers.Activation(inputs.activation(shape))(log_odds)
    return keras.Model(token_ids, answer, name="linear")


def linear_log_odds(
    token_ids: Any,
    hyperparameters: Hyperparameters,
    shape: ModelShape,
    per_token: bool = False,
    trainable: bool = True,
) -> Any:
    """Returns the log odds that the linear model gives token ids <int32>[batch, max_length].

    Returns:
      <float32>[batch, answers], or after each token, [batch, max_length, answers]: the log odds
      of the second of two classes. With more, the logarithm of each class's probability against
      all others; a softmax makes them sum to 1.
    """
    import keras

    from components.layers.ngram_weights import NgramWeights

    sums = NgramWeights(
        shape.vocabulary_size,
        pair_bits(shape.answers),
        per_token,
        features.PAD_ID,
        shape.answers,
        longest=hyperparameters.ngrams,
        trainable=trainable,
    )(token_ids)
    log_odds = keras.ops.clip(sums, -GREATEST_LOGIT, GREATEST_LOGIT)
    return log_odds if shape.is_binary else keras.ops.log_sigmoid(log_odds)


def pair_bits(answers: int) -> int:
    """Returns the bits of a pair's hash: PAIR_BITS for up to 32 answers, 15 for 1,000."""
    return min(PAIR_BITS, (MOST_PAIR_WEIGHTS // answers).bit_length() - 1)


def _fitted(
    held: Any,
    is_of_class: np.ndarray,
    regularization: float,
    counts: np.ndarray | None,
    unseen: int,
) -> tuple[np.ndarray, float]:
    """Returns weights <float64>[ngrams] and bias of the class against all other reviews.

    Args:
      held: Which review holds which n-gram, <float32>[reviews, ngrams].
      is_of_class: <bool>[reviews].
      regularization: The weight of the squared weights.
      counts: How much each review counts, <float32>[reviews]; None for all alike.
      unseen: N-grams beside those of `held`, see `log_count_ratios`.
    """
    import numpy as np
    import scipy.sparse
    from sklearn.linear_model import LogisticRegression

    if is_of_class.all() or not is_of_class.any():
        # A class that was named, and has no review: no word speaks for it.
        return np.zeros(held.shape[1]), GREATEST_LOGIT if is_of_class.all() else -GREATEST_LOGIT
    ratios = log_count_ratios(held, is_of_class, unseen)
    scaled = scipy.sparse.csr_matrix(
        (held.data * ratios[held.indices], held.indices, held.indptr), shape=held.shape
    )
    regression = LogisticRegression(C=1.0 / regularization, max_iter=MAX_ITERATIONS).fit(
        scaled, is_of_class, sample_weight=counts
    )
    return regression.coef_[0] * ratios, float(regression.intercept_[0])


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


def log_count_ratios(held: Any, is_of_class: np.ndarray, unseen: int = 0) -> np.ndarray:
    """Returns the logarithm of how much more likely an n-gram is in a review of the class.

    Each n-gram counts once more in the class, and in all others, than it is held: Laplace's
    smoothing.

    Args:
      held: Which review holds which n-gram, <float32>[reviews, ngrams].
      is_of_class: <bool>[reviews].
      unseen: How many n-grams no review holds, which count in the smoothing.
    """
    import numpy as np

    inside, outside = (
        1.0 + np.asarray(held[chosen].sum(axis=0)).ravel() for chosen in (is_of_class, ~is_of_class)
    )
    ratio = (inside / (inside.sum() + unseen)) / (outside / (outside.sum() + unseen))
    return np.log(ratio).astype(np.float32)
