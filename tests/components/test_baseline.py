"""Which blessed model a candidate is measured against."""

from __future__ import annotations

from tfx.types import standard_artifacts

from components.baseline import LatestBlessedPredecessor


def model(artifact_id):
    """A model with that id."""
    artifact = standard_artifacts.Model()
    artifact.id = artifact_id
    return artifact


def blessing(artifact_id, of, blessed=True):
    """A verdict on the model of id `of`."""
    artifact = standard_artifacts.ModelBlessing()
    artifact.id = artifact_id
    artifact.set_int_custom_property("blessed", int(blessed))
    artifact.set_int_custom_property("current_model_id", of)
    return artifact


def resolve(candidate, models, blessings):
    """Returns the ids of the resolved model and blessing."""
    resolved = LatestBlessedPredecessor().resolve_artifacts(
        None, {"model": models, "model_blessing": blessings, "candidate": [candidate]}
    )
    assert resolved["candidate"] == [candidate]
    return [a.id for a in resolved["model"]], [a.id for a in resolved["model_blessing"]]


def test_the_first_candidate_has_no_baseline():
    """There is nothing to be worse than."""
    assert resolve(model(1), [model(1)], []) == ([], [])


def test_a_candidate_is_not_its_own_baseline():
    """So that a second run asks the Evaluator the same question, and finds it in the cache."""
    assert resolve(model(1), [model(1)], [blessing(2, of=1)]) == ([], [])


def test_a_refused_model_is_no_baseline():
    """Only what was blessed counts."""
    models = [model(1), model(3), model(5)]
    verdicts = [blessing(2, of=1), blessing(4, of=3, blessed=False)]
    assert resolve(model(5), models, verdicts) == ([1], [2])


def test_the_latest_blessing_counts():
    """Also when an older model was blessed anew."""
    models = [model(1), model(3), model(6)]
    verdicts = [blessing(2, of=1), blessing(4, of=3), blessing(5, of=1)]
    assert resolve(model(6), models, verdicts) == ([1], [5])


def test_a_blessed_model_that_is_gone_is_no_baseline():
    """Its files were deleted: ML Metadata does not list it any more."""
    assert resolve(model(6), [model(1), model(6)], [blessing(2, of=1), blessing(4, of=3)]) == (
        [1],
        [2],
    )
