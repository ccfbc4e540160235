"""What the client's calls return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.client.messages import Metadata, Signature, TensorSpec, VersionStatus
from serving.predictions import Classification, Prediction

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
class Trace:
    """The model's prediction after each word of a text.

    With more than two classes, `scores` holds a probability for each word and class: 500 words and
    1,000 classes take 16 MB of memory.

    Attributes:
      text: The text.
      words: The words that the model reads, without padding: the last 500 at most, unless the
        model was made for more.
      probabilities: One for each word: with two classes, that the text up to this word belongs to
        the second one; with more, to `label`.
      model_version: The version that answered; None where nobody says.
      label: With more than two classes, the name of the one that is likeliest at the end of the
        text. With two, None.
      scores: With more than two classes, the probabilities for each word, by class, in the order
        of the classes. With two, None.
    """

    text: str
    words: tuple[str, ...]
    probabilities: tuple[float, ...]
    model_version: int | None
    label: str | None = None
    scores: Mapping[str, tuple[float, ...]] | None = field(default=None, hash=False)
