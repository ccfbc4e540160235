"""What the two stacks answer for one model is asked by every signature, and compared."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

from scripts.stack_answers import TEXTS, ask, compare
from tests.sharing import pushed_root

ANSWERS = {"films": {"predict_text": [[0.25], [0.75]], "classify": [[0.75, 0.25], [0.25, 0.75]]}}


def changed(signature: str, answers: list[list[float]]) -> dict:
    """Returns the answers with others of one signature."""
    other = copy.deepcopy(ANSWERS)
    other["films"][signature] = answers
    return other


def test_a_served_model_answers_for_every_text_by_three_signatures(
    exported_model, tmp_path_factory
):
    """The same probability of the second class each time, blank texts too."""
    answers = ask(pushed_root(tmp_path_factory, exported_model, "films", 3))
    assert list(answers) == ["films"]
    predicted, classified = answers["films"]["predict_text"], answers["films"]["classify"]
    assert len(predicted) == len(TEXTS) == len(classified)
    for same in (answers["films"]["serving_default"], [scores[1:] for scores in classified]):
        np.testing.assert_allclose(same, predicted, rtol=0, atol=1e-6)
    assert compare(answers, answers) == {"films": 0.0}


def test_the_greatest_difference_is_told():
    """Over signatures, texts and classes."""
    other = changed("classify", [[0.75, 0.25], [0.25, 0.750008]])
    assert compare(ANSWERS, other) == {"films": pytest.approx(8e-6, rel=1e-3)}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (changed("classify", [[0.75, 0.25], [0.25, 0.75002]]), "differ by more than 1e-05"),
        (changed("predict_text", [[0.25], [float("nan")]]), "differ by more than 1e-05"),
        (changed("predict_text", [[0.25]]), "films, predict_text: (2, 1) and (1, 1) probabilities"),
        (changed("trace_text", [[0.25]]), "on one stack"),
        ({}, "answered for ['films'], the other for []"),
    ],
)
def test_other_answers_are_an_error(other, message):
    """Too far away, not a number, missing, or of another model."""
    with pytest.raises(ValueError, match=re.escape(message)):
        compare(ANSWERS, other)


def test_a_model_that_says_the_same_of_every_text_proves_nothing():
    """An export whose weights are lost would be equal on both stacks."""
    same = {"films": {"predict_text": [[0.5], [0.5]]}}
    with pytest.raises(ValueError, match="says the same of every text"):
        compare(same, same)


def test_a_root_without_a_pushed_model_is_an_error(tmp_path):
    """It says what to run first."""
    (tmp_path / "serving_model").mkdir()
    with pytest.raises(LookupError, match="Run the pipeline with --root"):
        ask(tmp_path)
