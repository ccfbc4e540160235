"""The threshold of a model of two classes: 0.5, or the one that serves a goal best."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import features
from components.errors import ConfigurationError
from components.models.class_list import class_list, short

if TYPE_CHECKING:
    import numpy as np

PRECISION, RECALL, COST = "precision", "recall", "cost"
_CHOICES = (
    "'precision >= 0.95', 'recall >= 0.9', either for a class as in 'precision of NAME >= 0.95', "
    "or 'cost false_positive=1 false_negative=5'"
)
_TARGET = re.compile(r"(precision|recall)(?:\s+of\s+(\S.*?))?\s*>=\s*([0-9.]+)\s*(%?)")
_COST = re.compile(r"cost\s+(false_positive|false_negative)=(\S+)\s+(\w+)=(\S+)")


@dataclass(frozen=True)
class DecisionGoal:
    """What a threshold is to achieve: a precision, a recall, or the least cost of mistakes.

    Attributes:
      kind: PRECISION, RECALL or COST.
      least: The least precision or recall, above 0 to 1.
      class_name: The class that it is of; "" for the second.
      false_positive: Cost of taking a review of the first class for one of the second.
      false_negative: Cost of the other mistake.
    """

    kind: str
    least: float = 0.0
    class_name: str = ""
    false_positive: float = 0.0
    false_negative: float = 0.0

    def label_among(self, classes: Sequence[str]) -> int:
        """Returns the label of the class that precision or recall is of.

        Raises:
          ConfigurationError: There are more than two classes, or none of this name.
        """
        if len(classes) != len(features.CLASSES):
            raise ConfigurationError(
                "`decide` chooses a threshold between two classes, and there are "
                f"{len(classes):,}: {class_list(classes)}. Among more, the likeliest is decided "
                "on; leave `decide` out, or take two classes by `labels` or `map_labels`."
            )
        if not self.class_name:
            return features.POSITIVE
        if self.class_name not in classes:
            raise ConfigurationError(
                f"`decide` names the class '{short(self.class_name)}'; there are "
                f"{class_list(classes)}."
            )
        return list(classes).index(self.class_name)


@dataclass(frozen=True)
class Decision:
    """The rule by which a model of two classes decides.

    Attributes:
      threshold: The second class is decided on from this probability on; a float32.
      because: Why, in a sentence; "" where nobody asked for another than 0.5.
    """

    threshold: float = features.DECISION_THRESHOLD
    because: str = ""


def parse_goal(text: str) -> DecisionGoal:
    """Reads the setting `decide`.

    Raises:
      ConfigurationError: It cannot be read; lists what can.
    """
    if target := _TARGET.fullmatch(text.strip()):
        kind, class_name, least, percent = target.groups()
        value = _number(least) / (100 if percent else 1)
        if 0 < value <= 1:
            return DecisionGoal(kind, value, class_name or "")
    if cost := _COST.fullmatch(text.strip()):
        first, first_cost, second, second_cost = cost.groups()
        costs = {first: _number(first_cost), second: _number(second_cost)}
        if set(costs) == {"false_positive", "false_negative"} and min(costs.values()) > 0:
            return DecisionGoal(
                COST,
                false_positive=costs["false_positive"],
                false_negative=costs["false_negative"],
            )
    raise ConfigurationError(
        f"`decide` is '{short(text)}'; expected {_CHOICES}. A share is above 0 and at most 1, a "
        "cost above 0."
    )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return -1.0
    return value if value < float("inf") else -1.0


@dataclass(frozen=True)
class _Outcomes:
    """What each threshold gives; all arrays are [thresholds].

    Attributes:
      thresholds: <float32>, rising.
      right: How many reviews of (first, second) class are judged right.
      decided: How often (first, second) is decided on.
      sizes: How many reviews (first, second) has.
    """

    thresholds: np.ndarray
    right: tuple[np.ndarray, np.ndarray]
    decided: tuple[np.ndarray, np.ndarray]
    sizes: tuple[int, int]

    def precision(self, label: int) -> np.ndarray:
        return self.right[label] / self.decided[label]

    def recall(self, label: int) -> np.ndarray:
        return self.right[label] / self.sizes[label]


def decide(
    goal: DecisionGoal, labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> Decision:
    """Chooses the threshold that serves a goal best, on reviews that the model was not trained on.

    Of the thresholds that reach the precision asked for, the one with the most recall is chosen,
    and the other way round; of equally good ones, the nearest to 0.5. A threshold by which all
    these reviews are of one class is never chosen. It lies half way between two probabilities, so
    that rounding errors on another machine change no decision.

    Args:
      goal: What the threshold is for.
      labels: <int64>[reviews].
      probabilities: <float32>[reviews], those of the second class.
      classes: The names of both.

    Raises:
      ConfigurationError: No threshold reaches it, and how far one comes; or the reviews, or their
        probabilities, are too much the same to choose.
    """
    import numpy as np

    label = goal.label_among(classes)
    outcomes = _outcomes(labels, probabilities)
    if goal.kind == COST:
        mistakes = [outcomes.sizes[each] - outcomes.right[each] for each in (0, 1)]
        worth = -(goal.false_positive * mistakes[0] + goal.false_negative * mistakes[1])
        allowed = np.ones(len(worth), bool)
    else:
        asked, other = outcomes.precision(label), outcomes.recall(label)
        worth = other
        if goal.kind == RECALL:
            asked, worth = other, asked
        allowed = asked >= goal.least
        if not allowed.any():
            best = int(np.argmax(asked))
            reached = _rounded_down(float(asked[best]))
            raise ConfigurationError(
                f"`decide`: no threshold reaches a {goal.kind} of {classes[label]} of "
                f"{goal.least:g} on the {len(labels):,} eval reviews; the best is "
                f"{reached:.4f}, from {float(outcomes.thresholds[best]):.4f} on. "
                "Ask for no more than that, or train a better model."
            )
    distance = np.abs(outcomes.thresholds - features.DECISION_THRESHOLD)
    places = np.flatnonzero(allowed)
    place = places[np.lexsort((distance[places], -worth[places]))[0]]
    return Decision(
        float(outcomes.thresholds[place]), _because(goal, outcomes, int(place), label, classes)
    )


def _outcomes(labels: np.ndarray, probabilities: np.ndarray) -> _Outcomes:
    """Counts for each threshold between two different probabilities.

    Raises:
      ConfigurationError: There is none, or one of the classes has no reviews.
    """
    import numpy as np

    sizes = tuple(int(np.sum(labels == label)) for label in (0, 1))
    if not np.isfinite(probabilities).all():
        raise ConfigurationError(
            "`decide`: the model's probabilities on the eval reviews are no numbers; no threshold "
            "can be chosen."
        )
    order = np.argsort(probabilities, kind="stable")
    values, is_second = probabilities[order].astype(np.float32), labels[order] == 1
    firsts = np.flatnonzero(np.diff(values)) + 1
    if 0 in sizes or not len(firsts):
        raise ConfigurationError(
            f"`decide`: the eval split has {sizes[0]:,} and {sizes[1]:,} reviews of the two "
            f"classes, and the model tells {len(firsts) + 1:,} probabilities apart; to choose a "
            "threshold, there must be some of both, and two. Keep more reviews for eval by "
            "`validation_fraction`."
        )
    below = np.cumsum(is_second)[firsts - 1]
    return _Outcomes(
        thresholds=np.array(list(_between(values[firsts - 1], values[firsts])), np.float32),
        right=(firsts - below, sizes[1] - below),
        decided=(firsts, len(labels) - firsts),
        sizes=(sizes[0], sizes[1]),
    )


def _between(lower: np.ndarray, upper: np.ndarray) -> Iterator[float]:
    """Yields a float32 above each lower and at most each upper number: 0.5, or the middle."""
    import numpy as np

    for low, high in zip(lower, upper, strict=True):
        if low < features.DECISION_THRESHOLD <= high:
            yield features.DECISION_THRESHOLD
            continue
        middle = np.float32((float(low) + float(high)) / 2)
        yield float(middle if middle > low else high)


def _because(
    goal: DecisionGoal, outcomes: _Outcomes, place: int, label: int, classes: Sequence[str]
) -> str:
    reviews = sum(outcomes.sizes)
    threshold = float(outcomes.thresholds[place])
    asked = f"a {goal.kind} of {short(classes[label])} of at least {goal.least:g}"
    if goal.kind == COST:
        asked = (
            f"the least cost, {goal.false_positive:g} a false {short(classes[1])} and "
            f"{goal.false_negative:g} a false {short(classes[0])}"
        )
    precision = float(outcomes.precision(label)[place])
    recall = float(outcomes.recall(label)[place])
    return (
        f"decides on {short(classes[1])} from {threshold:.4f} on, for {asked}: on {reviews:,} eval "
        f"reviews its precision is {precision:.1%}, its recall {recall:.1%}"
    )


def _rounded_down(share: float) -> float:
    """Returns a share that is reached when it is asked for, to four digits."""
    return int(share * 10_000) / 10_000
