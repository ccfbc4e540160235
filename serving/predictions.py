"""What a model says of one text, wherever it is asked: in this process or by a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Prediction:
    """What the model says of a text: `label` and `confidence`, whatever its classes are.

        >>> of_two = Prediction(0.25, "ham")  # the classes ham and spam
        >>> of_two.label, of_two.confidence, of_two.sentiment, of_two.probability
        ('ham', 0.75, 'ham', 0.25)
        >>> of_three = Prediction(0.625, label="billing")
        >>> of_three.label, of_three.confidence, of_three.sentiment
        ('billing', 0.625, None)

    Attributes:
      probability: 0 to 1, the model's float32. With two classes, that of the second class, such as
        "positive"; with more, that of `label`.
      sentiment: With two classes, the name of the one that the model decided on: the second from
        0.5 on, or from the threshold that the model was made with. With more, None.
      model_version: The version that answered; None where nobody says.
      text: The text; None where the caller has it, or sent a serialized tf.Example.
      label: The name of the class that the model decided on; with more than two, the likeliest.
      scores: The probability of each class, by name, in the order of the classes; None where it
        was not asked for, see `Classification`.
    """

    probability: float
    sentiment: str | None = None
    model_version: int | None = None
    text: str | None = None
    label: str = ""
    scores: Mapping[str, float] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Takes the label from the sentiment, if there is one."""
        if self.sentiment is not None:
            object.__setattr__(self, "label", self.sentiment)

    @property
    def confidence(self) -> float:
        """The probability of `label`; of the likelier class, where another threshold decided."""
        if self.sentiment is None:
            return self.probability
        return max(self.probability, 1 - self.probability)


@dataclass(frozen=True)
class Classification:
    """The probability of each class of a text, as TF-Serving's Classify API answers.

    It tells the likeliest class. A model of two classes that was made with a threshold of its own
    may decide on the other one: its decision is in a `Prediction`.

        >>> scores = {"billing": 0.25, "refund": 0.125, "shipping": 0.625}
        >>> classification = Classification("Where is my parcel?", scores, model_version=7)
        >>> classification.label
        'shipping'
        >>> classification.likeliest(2)
        [('shipping', 0.625), ('billing', 0.25)]

    Attributes:
      text: The text.
      scores: By class, such as "negative" and "positive", in the order of the classes; they add up
        to 1.
      model_version: The version that answered; None where nobody says.
    """

    text: str
    scores: dict[str, float]
    model_version: int | None

    @property
    def label(self) -> str:
        """The name of the likeliest class."""
        return self.prediction.label

    def likeliest(self, count: int = 3) -> list[tuple[str, float]]:
        """Returns the likeliest classes with their probabilities; of equals, the first ones."""
        return likeliest(self.scores, count)

    @property
    def prediction(self) -> Prediction:
        """The likeliest class as a prediction, with the scores."""
        if len(self.scores) == 2:
            (first, _), (second, probability) = self.scores.items()
            sentiment = second if probability >= 0.5 else first
            return Prediction(
                probability, sentiment, self.model_version, self.text, scores=self.scores
            )
        ((label, probability),) = self.likeliest(1)
        return Prediction(
            probability, None, self.model_version, self.text, label=label, scores=self.scores
        )


def likeliest(scores: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    """Returns the classes with the highest scores, the highest first; of equals, the first ones."""
    return sorted(scores.items(), key=lambda item: -item[1])[:count]
