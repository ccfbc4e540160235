"""What the client's calls return."""

from __future__ import annotations

from dataclasses import dataclass

from serving.client.messages import Metadata, Signature, TensorSpec, VersionStatus

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
class Prediction:
    """What the model says of a review.

    Attributes:
      probability: That the review is positive, 0 to 1.
      sentiment: "positive" or "negative".
      model_version: The version that answered.
      text: The review; None where a serialized tf.Example was sent.
    """

    probability: float
    sentiment: str
    model_version: int | None
    text: str | None = None


@dataclass(frozen=True)
class Classification:
    """The score of each class, as TF-Serving's Classify API answers."""

    text: str
    scores: dict[str, float]
    model_version: int | None


@dataclass(frozen=True)
class Trace:
    """What the model believes after each word of a review that it reads.

    Attributes:
      words: The words without padding: the last 500 at most.
      probabilities: That the review is positive, read up to and with each of the words.
    """

    text: str
    words: tuple[str, ...]
    probabilities: tuple[float, ...]
    model_version: int | None
