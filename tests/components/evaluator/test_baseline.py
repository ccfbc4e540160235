"""Which blessed model a candidate is measured against."""

from __future__ import annotations

import json
from pathlib import Path

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts

from components import notices
from components.evaluator.baseline import LatestBlessedPredecessor
from components.hyperparameters import Hyperparameters
from components.infra_validator.outcome import Outcome
from components.models.training_record import TrainingRecord

Event = metadata_store_pb2.Event


@pytest.fixture
def store():
    """ML Metadata in memory, without a verdict of the infra validation."""
    connection = metadata_store_pb2.ConnectionConfig()
    connection.fake_database.SetInParent()
    return mlmd.MetadataStore(connection)


@pytest.fixture
def heard():
    """What the person who started the run is told."""
    told = []
    with notices.listening(told.append):
        yield told


@pytest.fixture
def model(tmp_path, store):
    """Makes a model with that id, and its files."""
    (model_type,) = [store.put_artifact_type(standard_artifacts.Model()._artifact_type)]
    known = 0

    def make(artifact_id, parts=("saved_model.pb", "variables.index", "variables.data-0-of-1")):
        nonlocal known
        while known < artifact_id:
            (known,) = store.put_artifacts([metadata_store_pb2.Artifact(type_id=model_type)])
        artifact = standard_artifacts.Model()
        artifact.id, artifact.uri = artifact_id, str(tmp_path / str(artifact_id))
        export = tmp_path / str(artifact_id) / "Format-Serving"
        for part in parts:
            path = export / ("" if part == "saved_model.pb" else "variables") / part
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return artifact

    return make


@pytest.fixture
def tried(store):
    """Records what an infra validation made of the model of that id."""

    def record(model_id, outcome):
        blessing = standard_artifacts.InfraBlessing()
        if outcome:
            outcome.write(blessing)
        blessing.type_id = store.put_artifact_type(blessing._artifact_type)
        execution_type = metadata_store_pb2.ExecutionType(name="InfraValidator")
        type_id = store.put_execution_type(execution_type)
        (execution_id,) = store.put_executions([metadata_store_pb2.Execution(type_id=type_id)])
        (blessing_id,) = store.put_artifacts([blessing.mlmd_artifact])
        ways = ((model_id, Event.INPUT), (blessing_id, Event.OUTPUT))
        store.put_events(
            [Event(artifact_id=of, execution_id=execution_id, type=way) for of, way in ways]
        )

    return record


def blessing(artifact_id, of, blessed=True):
    """A verdict on the model of id `of`."""
    artifact = standard_artifacts.ModelBlessing()
    artifact.id = artifact_id
    artifact.set_int_custom_property("blessed", int(blessed))
    artifact.set_int_custom_property("current_model_id", of)
    return artifact


@pytest.fixture
def resolve(store):
    """Returns the ids of the resolved model and blessing."""

    def resolve_all(candidate, models, blessings):
        resolved = LatestBlessedPredecessor().resolve_artifacts(
            store, {"model": models, "model_blessing": blessings, "candidate": [candidate]}
        )
        assert resolved["candidate"] == [candidate]
        return [a.id for a in resolved["model"]], [a.id for a in resolved["model_blessing"]]

    return resolve_all


def test_the_first_candidate_has_no_baseline(resolve, model):
    """There is nothing to be worse than."""
    assert resolve(model(1), [model(1)], []) == ([], [])


def test_a_candidate_is_not_its_own_baseline(resolve, model):
    """So that a second run asks the Evaluator the same question, and finds it in the cache."""
    assert resolve(model(1), [model(1)], [blessing(2, of=1)]) == ([], [])


def test_a_refused_model_is_no_baseline(resolve, model):
    """Only what was blessed counts."""
    models = [model(1), model(3), model(5)]
    verdicts = [blessing(2, of=1), blessing(4, of=3, blessed=False)]
    assert resolve(model(5), models, verdicts) == ([1], [2])


def test_the_latest_blessing_counts(resolve, model, heard):
    """Also when an older model was blessed anew."""
    models = [model(1), model(3), model(6)]
    verdicts = [blessing(2, of=1), blessing(4, of=3), blessing(5, of=1)]
    assert resolve(model(6), models, verdicts) == ([1], [5])
    assert not heard


def test_a_blessing_that_folds_were_asked_about_gives_way_to_their_verdict(store, resolve, model):
    """The Evaluator's own asks for little then; an earlier blessing of the model stands."""
    models, candidate = [model(1), model(3)], model(9)
    steps = {
        name: store.put_execution_type(metadata_store_pb2.ExecutionType(name=name))
        for name in ("Evaluator", "CrossValidator", "InfraValidator")
    }

    def done(step, *ways):
        execution = metadata_store_pb2.Execution(type_id=steps[step])
        (execution_id,) = store.put_executions([execution])
        store.put_events(
            [Event(artifact_id=of, execution_id=execution_id, type=way) for of, way in ways]
        )

    # Blessed without folds, and tried in a server, which takes the blessing as well.
    done("Evaluator", (1, Event.INPUT), (4, Event.OUTPUT))
    done("InfraValidator", (1, Event.INPUT), (4, Event.INPUT))
    done("Evaluator", (3, Event.INPUT), (5, Event.OUTPUT))
    done("CrossValidator", (3, Event.INPUT), (5, Event.INPUT), (6, Event.OUTPUT))
    by_evaluator = [blessing(4, of=1), blessing(5, of=3)]
    assert resolve(candidate, models, [*by_evaluator, blessing(6, of=3)]) == ([3], [6])
    refused = blessing(6, of=3, blessed=False)
    assert resolve(candidate, models, [*by_evaluator, refused]) == ([1], [4])


def test_a_blessed_model_that_metadata_does_not_list_is_no_baseline(resolve, model):
    """Only what is given can be chosen."""
    models = [model(1), model(6)]
    verdicts = [blessing(2, of=1), blessing(4, of=3)]
    assert resolve(model(6), models, verdicts) == ([1], [2])


@pytest.mark.parametrize(
    "left", [(), ("saved_model.pb",), ("variables.index", "variables.data-0-of-1")]
)
def test_a_blessed_model_whose_files_are_gone_is_passed_over_and_told(
    resolve, model, heard, tmp_path, left
):
    """All of them or some; the one that was blessed before takes its place."""
    models = [model(1), model(3, parts=left), model(5)]
    verdicts = [blessing(2, of=1), blessing(4, of=3)]
    assert resolve(model(5), models, verdicts) == ([1], [2])
    assert heard == [
        f"Passed over as the last blessed model, since its files are gone: {tmp_path / '3'}; the "
        "one blessed before takes its place."
    ]


def test_with_all_blessed_models_gone_there_is_no_baseline(resolve, model, heard):
    """The run goes on as the first one did."""
    models = [model(1, parts=()), model(3, parts=()), model(5)]
    assert resolve(model(5), models, [blessing(2, of=1), blessing(4, of=3)]) == ([], [])
    (told,) = heard
    assert told.endswith("/3 and 1 blessed before it; no other is left.")


def test_a_model_that_a_server_refused_is_no_baseline(resolve, model, tried, heard):
    """Though the gate blessed it; the latest trial counts, and one that was none does not."""
    models = [model(1), model(3), model(5)]
    verdicts = [blessing(2, of=1), blessing(4, of=3)]
    tried(1, Outcome("embedded", answers=3))
    assert resolve(model(5), models, verdicts) == ([3], [4])
    tried(3, Outcome("binary", refusal="The server did not load it."))
    tried(3, None)
    assert resolve(model(5), models, verdicts) == ([1], [2])
    tried(3, Outcome("embedded", answers=3))
    assert resolve(model(5), models, verdicts) == ([3], [4])
    assert not heard


def test_a_model_of_other_classes_is_passed_over_and_told(store, model, heard):
    """Also where only the names differ; another trainer's model says nothing of its classes."""
    three = ("bad", "fair", "good")
    models = [model(number) for number in (1, 2, 3, 4)]
    for number, classes in ((1, three), (2, ("good", "bad")), (3, ("bad", "good"))):
        export = Path(models[number - 1].uri) / "Format-Serving"
        TrainingRecord("lstm", Hyperparameters(), 1.0, 1, classes).write(str(export))
    blessings = [blessing(10 + number, number) for number in (1, 2, 3)]

    def resolved(classes, blessings=blessings):
        channels = {"model": models, "model_blessing": blessings, "candidate": []}
        strategy = LatestBlessedPredecessor(**json.loads(json.dumps({"classes": classes})))
        return [found.id for found in strategy.resolve_artifacts(store, channels)["model"]]

    assert resolved(("bad", "good")) == [3]
    assert heard == []
    assert resolved(three) == [1]
    assert heard.pop() == (
        "The last blessed model tells other classes apart (bad, good), and is not compared with; "
        "an earlier one takes its place."
    )
    assert resolved(("no", "yes")) == []
    assert heard.pop().endswith("and is not compared with; there is none.")
    assert resolved(three, [*blessings, blessing(20, 4)]) == [4]
