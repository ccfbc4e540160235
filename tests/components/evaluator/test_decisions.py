"""What a model decided on, read from its answer."""

from __future__ import annotations

import numpy as np

from components.evaluator.decisions import DECISION, AnswerReader

OF_TWO = AnswerReader("probability", ("ham", "spam"))


def test_a_model_of_two_classes_says_itself_what_it_decided_on():
    """Whatever its threshold is."""
    outputs = {
        "probability": np.array([0.2, 0.3, 0.9], np.float32),
        "sentiment": np.array([b"ham", b"spam", b"spam"], object),
    }
    assert OF_TWO.decisions(outputs).tolist() == [0, 1, 1]
    np.testing.assert_array_equal(OF_TWO.scores(outputs)[:, 1], outputs["probability"])
    np.testing.assert_array_equal(OF_TWO.scores(outputs)[:, 0], 1 - outputs["probability"])


def test_a_model_that_does_not_say_decides_at_one_half():
    """The second class, from 0.5 itself on."""
    alone = np.array([[0.49], [0.5], [0.51]], np.float32)
    assert OF_TWO.decisions({"probability": alone}).tolist() == [0, 1, 1]
    assert AnswerReader().decisions(alone).tolist() == [0, 1, 1]


def test_of_equal_scores_the_first_is_decided_on():
    """As the export does."""
    scores = np.array([[0.25, 0.25, 0.5], [0.4, 0.4, 0.2]], np.float32)
    reader = AnswerReader("scores", ("a", "b", "c"))
    assert reader.decisions({"scores": scores, "classes": None}).tolist() == [2, 0]


def test_outputs_that_are_not_known_stay_as_they_are():
    """Another trainer's model may answer anything."""
    unknown = {"logits": np.array([1.0])}
    assert OF_TWO.with_decision(unknown) is unknown
    found = OF_TWO.with_decision({"probability": np.array([0.7])})
    assert found[DECISION].tolist() == [1]
