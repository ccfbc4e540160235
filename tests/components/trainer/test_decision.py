"""The threshold between two classes, chosen for a goal."""

from __future__ import annotations

import numpy as np
import pytest

from components.errors import ConfigurationError
from components.models.decision import (
    COST,
    PRECISION,
    RECALL,
    Decision,
    DecisionGoal,
    decide,
    parse_goal,
)

NAMES = ("ham", "spam")
# By probability: 0.1 0.2 0.3 0.4 0.6 0.7 0.8 0.9.
LABELS = np.array([0, 0, 1, 0, 1, 0, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9], np.float32)


def brute_force(labels, probabilities, threshold):
    """Returns true and false positives, true and false negatives."""
    chosen = probabilities >= np.float32(threshold)
    return (
        int(np.sum(chosen & (labels == 1))),
        int(np.sum(chosen & (labels == 0))),
        int(np.sum(~chosen & (labels == 0))),
        int(np.sum(~chosen & (labels == 1))),
    )


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("precision >= 0.95", DecisionGoal(PRECISION, 0.95)),
        ("recall>=90%", DecisionGoal(RECALL, 0.9)),
        (" precision of very bad >= 1 ", DecisionGoal(PRECISION, 1.0, "very bad")),
        (
            "cost false_positive=1 false_negative=5",
            DecisionGoal(COST, false_positive=1.0, false_negative=5.0),
        ),
        (
            "cost false_negative=0.5 false_positive=2",
            DecisionGoal(COST, false_positive=2.0, false_negative=0.5),
        ),
    ],
)
def test_a_goal_is_read(text, goal):
    """A share or per cent, of the second class or a named one; costs in either order."""
    assert parse_goal(text) == goal


@pytest.mark.parametrize(
    "text",
    [
        "precision > 0.9", "accuracy >= 0.9", "precision >= 0", "precision >= 1.01", "recall >= .",
        "cost false_positive=1", "cost false_positive=1 false_positive=2",
        "cost false_positive=0 false_negative=1", "cost false_positive=nan false_negative=1",
        "cost false_positive=inf false_negative=1", "0.7",
    ],
)  # fmt: skip
def test_a_wish_that_means_nothing_lists_what_can_be_asked_for(text):
    """With an example of each."""
    with pytest.raises(ConfigurationError, match=r"expected 'precision >= 0\.95', 'recall >= 0"):
        parse_goal(text)


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("precision >= 1", 0.75),  # two of four spam
        ("precision >= 0.75", 0.5),  # three of four, as from 0.75 on, with more recall
        ("recall >= 1", 0.25),
        ("recall >= 0.7", 0.5),
        ("precision of ham >= 1", 0.25),
        ("recall of ham >= 1", 0.75),
        ("cost false_positive=1 false_negative=5", 0.25),
        ("cost false_positive=5 false_negative=1", 0.75),
        ("cost false_positive=1 false_negative=1", 0.5),  # as good as 0.25 and 0.75
    ],
)
def test_the_threshold_is_the_best_that_does_what_was_asked(text, threshold):
    """Half way between two probabilities."""
    decision = decide(parse_goal(text), LABELS, PROBABILITIES, NAMES)
    assert decision.threshold == pytest.approx(threshold)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_does_better(seed):
    """Against all of them, one by one, with ties among the probabilities."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, 200)
    probabilities = generator.beta(1 + labels, 2 - labels).astype(np.float32).round(2)
    found = decide(parse_goal("precision >= 0.8"), labels, probabilities, NAMES).threshold
    recalls = {}
    for threshold in {*np.unique(probabilities)[1:].tolist(), found}:
        hits, alarms, _, misses = brute_force(labels, probabilities, threshold)
        if hits / (hits + alarms) >= 0.8:
            recalls[threshold] = hits / (hits + misses)
    assert recalls[found] == max(recalls.values())


def test_a_threshold_that_none_reaches_names_the_best():
    """And asking for that one works."""
    labels = np.array([1, 0, 1, 0, 1, 0, 0, 1, 0])
    probabilities = np.linspace(0.1, 0.9, 9).astype(np.float32)
    with pytest.raises(
        ConfigurationError,
        match=r"no threshold reaches a precision of spam of 0\.95 on the 9 eval reviews; the best "
        r"is 0\.5000, from 0\.7500 on\. Ask for no more than that",
    ):
        decide(parse_goal("precision >= 0.95"), labels, probabilities, NAMES)
    decide(parse_goal("precision >= 0.5000"), labels, probabilities, NAMES)


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], "has 3 and 0 reviews"),
        ([0, 1, 0], [0.5, 0.5, 0.5], "tells 1 probabilities apart"),
        ([0, 1, 0], [0.5, np.nan, 0.5], "are no numbers"),
        ([], [], "has 0 and 0 reviews"),
    ],
)
def test_reviews_that_are_all_the_same_give_no_threshold(labels, probabilities, words):
    """Nor do probabilities that are none."""
    with pytest.raises(ConfigurationError, match=words):
        decide(
            parse_goal("recall >= 0.5"),
            np.array(labels, int),
            np.array(probabilities, np.float32),
            NAMES,
        )


def test_neighbours_among_float32_are_told_apart():
    """Between them is no number: the upper one is the threshold, which it reaches."""
    low = np.float32(0.7)
    high = np.nextafter(low, np.float32(1))
    decision = decide(parse_goal("precision >= 1"), np.array([0, 1]), np.array([low, high]), NAMES)
    assert decision.threshold == float(high) > float(low)


def test_more_than_two_classes_have_no_threshold():
    """The likeliest is decided on."""
    with pytest.raises(ConfigurationError, match="and there are 3: a, b, c"):
        parse_goal("recall >= 0.5").label_among(("a", "b", "c"))


def test_a_class_that_is_none_lists_those_there_are():
    """By their names."""
    with pytest.raises(ConfigurationError, match="names the class 'eggs'; there are ham, spam"):
        parse_goal("recall of eggs >= 0.5").label_among(NAMES)


def test_why_is_told_with_what_it_gives():
    """Threshold, goal, and both measures on eval."""
    decision = decide(parse_goal("precision >= 1"), LABELS, PROBABILITIES, NAMES)
    assert decision.because == (
        "decides on spam from 0.7500 on, for a precision of spam of at least 1: on 8 eval reviews "
        "its precision is 100.0%, its recall 50.0%"
    )
    assert Decision() == Decision(0.5, "")
