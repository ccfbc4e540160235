"""Attributions by small real exports; all variants' are in `test_exported_variants`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from pipeline.results.insight import attributions
from tests.serving import models

DOUBLE = float(np.log(2))


@pytest.fixture(scope="module")
def three_classes(tmp_path_factory) -> str:
    """Each word "a", "b" or "c" doubles the odds of one class, from equal ones on."""
    words = {"a": {0: DOUBLE}, "b": {1: DOUBLE}, "c": {2: DOUBLE}}
    folder = tmp_path_factory.mktemp("three")
    return str(models.save_classes(folder, models.TICKET_CLASSES, words))


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory) -> str:
    """A model of ham and spam that reads the last 20 words."""
    folder = tmp_path_factory.mktemp("two")
    return str(models.save_classes(folder, models.SPAM_CLASSES, models.SPAM_WORDS))


def test_of_many_classes_the_log_odds_of_one_are_told(three_classes):
    """By hand: after "a", the odds of the first are 2 to 2, after "b", 2 to 3."""
    texts = [b"a: x, b", b"", b"c"]
    found = attributions.attribute(three_classes, texts, [0, 1, 2])
    assert found.reason == ""
    first, empty, third = found.texts
    assert (first.text, first.unread, first.label) == ("a: x, b", 0, 0)
    assert [each.token for each in first.tokens] == ["a", "x", "b"]
    expected = np.log([2 / 2, 2 / 2, 2 / 3])
    changes = [each.change for each in first.tokens]
    np.testing.assert_allclose(np.log(1 / 2) + np.cumsum(changes), expected, atol=1e-6)
    assert [first.text[slice(*each.place)] for each in first.tokens] == ["a", "x", "b"]
    assert first.log_odds == pytest.approx(np.log(2 / 3), abs=1e-6)
    assert empty.tokens == ()
    assert empty.log_odds == empty.empty_log_odds == pytest.approx(np.log(1 / 2), abs=1e-6)
    assert sum(each.change for each in third.tokens) == pytest.approx(np.log(2), abs=1e-6)


def test_of_a_long_text_the_end_is_told(two_classes):
    """What stands before the last 20 words is not read, and left out."""
    text = "Never read. " * 300 + "lunch, cash for any winner! " * 4
    (found,) = attributions.attribute(two_classes, [text.encode()], [1]).texts
    assert len(found.tokens) == 20
    assert found.unread == 12 * 300
    assert found.text == text[found.unread :]
    assert [found.text[slice(*each.place)] for each in found.tokens[:3]] == ["lunch", "cash", "for"]
    assert [round(each.change, 3) for each in found.tokens[:5]] == [-2, 1, 0, 0, 2]
    assert found.empty_log_odds == 0
    total = sum(each.change for each in found.tokens)
    assert total == pytest.approx(found.log_odds)
    assert total == pytest.approx(4.0, abs=1e-4)
    (other,) = attributions.attribute(two_classes, [text.encode()], [0]).texts
    assert other.log_odds == pytest.approx(-4.0, abs=1e-4)


def test_certain_probabilities_have_log_odds():
    """1 and 0 in float32 are not infinitely sure; others are as exact as they are given."""
    scores = np.array([[0.0, 1.0], [0.25, 0.75]], np.float32)
    found = attributions.log_odds(scores, 1)
    assert found[0] == pytest.approx(24 * np.log(2))
    assert found[1] == pytest.approx(np.log(3))
    np.testing.assert_allclose(attributions.log_odds(scores, 0), -found)


def test_a_model_that_cannot_tell_is_told(tmp_path):
    """Without the signature, with another one of that name, or no model at all."""
    none = attributions.attribute(str(models.save_half_plus(tmp_path / "half")), [b"a"], [1])
    assert none.texts is None
    assert "no signature 'trace_text'" in none.reason
    assert "it has: serving_default" in none.reason
    module = tf.Module()
    module.trace = tf.function(
        lambda text: {"tokens": text},
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
        autograph=False,
    )
    tf.saved_model.save(module, str(tmp_path / "odd"), signatures={"trace_text": module.trace})
    odd = attributions.attribute(str(tmp_path / "odd"), [b"a"], [1])
    assert odd.texts is None
    assert "gives tokens (None,); expected tokens [batch, length]" in odd.reason
    gone = attributions.attribute(str(tmp_path / "gone"), [b"a"], [1])
    assert gone.texts is None
    assert gone.reason.startswith("The model cannot be loaded: ")
