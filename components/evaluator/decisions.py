"""What a model decided on, as a label: read from its own answer, whatever its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from components import features

# The decision's place among a model's outputs, where the extractors of this package put it.
DECISION = "decision"
# What the export calls the decision between two classes.
_NAME = "sentiment"


@dataclass(frozen=True)
class AnswerReader:
    """Reads the answers of one model.

    Attributes:
      prediction_key: The output that TFMA measures: of two classes a probability <float32>[reviews]
        of the second, else scores <float32>[reviews, classes]; "" where there is one output alone.
      classes: Names of the model's classes, by label.
    """

    prediction_key: str = ""
    classes: tuple[str, ...] = features.CLASSES

    def scores(self, outputs: Any) -> np.ndarray:
        """Returns a score of each class: <float32>[reviews, classes], of two [1 - p, p]."""
        found = outputs[self.prediction_key] if isinstance(outputs, Mapping) else outputs
        scores = np.asarray(found, np.float32)
        scores = scores.reshape(len(scores), -1)
        return scores if scores.shape[1] > 1 else np.hstack([1 - scores, scores])

    def decisions(self, outputs: Any) -> np.ndarray:
        """Returns the labels that the model decided on: <int64>[reviews].

        Between two classes it says so itself; a model that does not, decides at DECISION_THRESHOLD.
        Among more, the greatest score decides, of equals the first, as the export does.
        """
        scores = self.scores(outputs)
        if scores.shape[1] > len(features.CLASSES):
            return scores.argmax(axis=1).astype(np.int64)
        if isinstance(outputs, Mapping) and _NAME in outputs:
            names = np.asarray(outputs[_NAME]).reshape(-1)
            return (names == self.classes[features.POSITIVE].encode()).astype(np.int64)
        return (scores[:, features.POSITIVE] >= features.DECISION_THRESHOLD).astype(np.int64)

    def with_decision(self, outputs: Any) -> Any:
        """Returns outputs by name with DECISION among them; others as they are."""
        if not isinstance(outputs, Mapping) or self.prediction_key not in outputs:
            return outputs
        return {**outputs, DECISION: self.decisions(outputs)}
