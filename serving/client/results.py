"""What the client's calls return."""

from __future__ import annotations

from dataclasses import dataclass

from serving.client.messages import Metadata, Signature, TensorSpec, VersionStatus
from serving.predictions import Prediction

__all__ = [
    "Classification",
    "Metadata",
    "Prediction",
    "Signature",
    "TensorSpec",
    "Trace",
    "VersionStatus",
]


@dataclass(frozen=True)
class Classification:
    """The score of each class, as TF-Serving's Classify API answers.

    Attributes:
      text: The review.
      scores: By class, "negative" and "positive"; they add up to 1.
      model_version: The version that answered; None where nobody says.
    """

    text: str
    scores: dict[str, float]
    model_version: int | None


@dataclass(frozen=True)
class Trace:
    """The model's prediction after each word of a review.

    Attributes:
      text: The review.
      words: The words that the model reads, without padding: the last 500 at most.
      probabilities: For each word, that the review up to this word is positive.
      model_version: The version that answered; None where nobody says.
    """

    text: str
    words: tuple[str, ...]
    probabilities: tuple[float, ...]
    model_version: int | None
