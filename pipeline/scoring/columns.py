"""The columns of an answer in a file: their names, and the values of a prediction."""

from __future__ import annotations

from collections.abc import Sequence

from serving.predictions import Prediction

SCORE_PREFIX = "score_"


def names_of_columns(*, has_two_classes: bool, scored: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the names of the columns.

    >>> names_of_columns(has_two_classes=False, scored=["billing", "refund"])
    ('probability', 'label', 'model_version', 'score_billing', 'score_refund')

    Args:
      has_two_classes: Whether the model has two classes; the name of one is its `sentiment`.
      scored: The classes whose probabilities were asked for.
    """
    name = "sentiment" if has_two_classes else "label"
    return ("probability", name, "model_version", *(f"{SCORE_PREFIX}{each}" for each in scored))


def values_of_columns(
    prediction: Prediction, version: int | None, scored: Sequence[str] = ()
) -> tuple[float | int | str | None, ...]:
    """Returns the values of the columns; None for the score of a class that was not answered."""
    scores = prediction.scores or {}
    return (prediction.probability, prediction.label, version, *map(scores.get, scored))
