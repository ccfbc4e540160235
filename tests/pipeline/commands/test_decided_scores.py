"""The scores of two classes beside what the model decided on."""

from __future__ import annotations

import numpy as np

from pipeline.commands import predict
from pipeline.scoring import model as scoring
from serving.predictions import Classification, Prediction


class DecidesAtAThird:
    """A model whose probability is the text's own, and that decides on spam from 1/3 on."""

    has_two_classes = True

    def predict(self, texts):
        """Answers as an export does."""
        values = [float(np.float32(float(text))) for text in texts]
        return [Prediction(value, "spam" if value >= 1 / 3 else "ham", 7) for value in values]

    def classify(self, texts):
        """Answers the scores alone."""
        values = [np.float32(float(text)) for text in texts]
        return [
            Classification(
                str(text), {"ham": float(np.float32(1) - value), "spam": float(value)}, 7
            )
            for text, value in zip(texts, values, strict=True)
        ]


def test_with_scores_the_models_own_decision_is_told():
    """Not the likeliest class."""
    told = predict._with_scores(DecidesAtAThird(), ["0.25", "0.375"])
    assert [each.sentiment for each in told] == ["ham", "spam"]
    assert told[1].scores == {"ham": 0.625, "spam": 0.375}


def test_files_are_scored_by_the_models_own_decision():
    """With the scores that `classify` answers, to the last bit."""
    texts = [b"0.25", b"0.375", b"0.1"]
    told = scoring._asked(texts, DecidesAtAThird(), ["ham", "spam"])
    assert [each.sentiment for each in told] == ["ham", "spam", "ham"]
    expected = [each.scores for each in DecidesAtAThird().classify(texts)]
    assert [each.scores for each in told] == expected
