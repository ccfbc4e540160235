"""What a model says of one review, wherever it is asked: in this process or by a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """What the model says of a review.

    Attributes:
      probability: That the review is positive, 0 to 1; the model's float32.
      sentiment: "positive" or "negative".
      model_version: The version that answered; None where nobody says.
      text: The review; None where the caller has it, or sent a serialized tf.Example.
    """

    probability: float
    sentiment: str
    model_version: int | None = None
    text: str | None = None
