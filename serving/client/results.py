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
