"""Pushing: all of a version, or nothing of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.cross_validator.artifact import CrossValidationArtifact
from components.cross_validator.figures import CrossValidation
from components.errors import PushError
from components.evaluator import gate
from components.example_gen.reading_report import ReadingReport, ReadingReportArtifact
from components.hyperparameters import Hyperparameters
from components.infra_validator import warmup
from components.infra_validator.outcome import Outcome
from components.models.training_record import TrainingRecord
from components.pusher import publish as publishing
from components.pusher import pushed_version
from components.pusher.executor import Executor
from components.pusher.pushed_data import PushedData, data_of_newest
from components.transform.token_settings import IMDB_TOKENS, TokenSettings
from serving import versions
from serving.client import Client
from serving.server.flags import Flags
from serving.server.server import Server
from tests.components.other_trainer import save_other_model


@pytest.fixture
def model(tmp_path):
    """A folder with the files of a SavedModel."""
    directory = tmp_path / "model"
    (directory / "variables").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(b"graph")
    (directory / "variables" / "variables.data-00000-of-00001").write_bytes(b"weights" * 1_000)
    return directory


@pytest.fixture
def base(tmp_path):
    """The folder that TF-Serving watches."""
    return tmp_path / "serving_model" / "reviews"


def publish(model, base, **more):
    """Publishes, and returns the version's folder."""
    return Path(publishing.publish(str(model), str(base), **more))


def contents(directory):
    """Returns the bytes of every file below a folder, by relative path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_version_is_a_copy_of_the_model_named_by_the_time(model, base):
    """Every file arrives; the number is the second of the push."""
    before = int(time.time())
    version = publish(model, base)
    assert before <= int(version.name) <= time.time()
    assert contents(version) == contents(model)
    assert [path.name for path in base.iterdir()] == [version.name]


def test_a_later_push_has_a_larger_number_within_the_same_second_and_after_a_clock_change(
    model, base
):
    """TF-Serving serves the largest number: the newest push must have it."""
    (base / "99999999999").mkdir(parents=True)
    names = [int(publish(model, base).name) for _ in range(3)]
    assert names == [100000000000, 100000000001, 100000000002]


@pytest.mark.parametrize("name", ["9223372036854775808", "٣", "1e3", "-5", "a"])
def test_names_that_no_server_reads_as_a_version_do_not_count(model, base, name):
    """TF-Serving reads signed numbers of 64 bits."""
    (base / name).mkdir(parents=True)
    assert int(publish(model, base).name) <= time.time()


def test_beyond_the_largest_number_nothing_is_pushed(model, base):
    """One below there is room for one push; then the folder in the way is named."""
    (base / str(2**63 - 2)).mkdir(parents=True)
    last = publish(model, base)
    assert int(last.name) == 2**63 - 1
    assert versions.look_up(base).complete == {2**63 - 1: str(last)}
    with pytest.raises(PushError, match="9223372036854775807 has the largest number that a server"):
        publish(model, base)
    assert sorted(path.name for path in base.iterdir()) == [str(2**63 - 2), last.name]


def test_a_full_disk_leaves_nothing_and_says_how_much_is_needed(model, base, monkeypatch):
    """The versions that were there stay; nothing half-written is left."""
    earlier = publish(model, base)

    def full_disk(source, destination):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full_disk)
        with pytest.raises(PushError, match=r"The disk is full: the model needs 0\.0 MB"):
            publish(model, base)
    assert [path.name for path in base.iterdir()] == [earlier.name]


def test_a_file_in_the_way_is_named(model, tmp_path):
    """The message says where it could not push, and why."""
    (tmp_path / "in_the_way").write_text("")
    with pytest.raises(PushError, match=r"could not be pushed to .*in_the_way.*: (Not a|File ex)"):
        publish(model, tmp_path / "in_the_way")


def test_kill_9_in_the_middle_shows_no_version_and_the_next_push_cleans_up(model, base):
    """A version appears by one rename, after its last byte."""
    script = (
        "import os, shutil, signal, sys\n"
        "from components.pusher.publish import publish\n"
        "copy = shutil.copyfile\n"
        "def die_after_one_file(source, destination):\n"
        "    copy(source, destination)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "shutil.copyfile = die_after_one_file\n"
        "publish(sys.argv[1], sys.argv[2])\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(model), str(base)], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    left = [path.name for path in base.iterdir()]
    assert left and not any(name.isdecimal() for name in left)
    version = publish(model, base)
    assert [path.name for path in base.iterdir()] == [version.name]


def test_pushes_at_the_same_time_are_versions_of_their_own(base, tmp_path, monkeypatch):
    """Each is whole, and of one model."""
    monkeypatch.setattr(publishing, "flush_to_disk", lambda path: time.sleep(0.02))
    pushed = {}

    def push(name):
        for file in ("saved_model.pb", "variables/variables.index"):
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(name)
        pushed[name] = publish(tmp_path / name, base)

    threads = [threading.Thread(target=push, args=name) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pushed.values())) == 4
    assert sorted(base.iterdir()) == sorted(pushed.values())
    for name, version in pushed.items():
        assert set(contents(version).values()) == {name.encode()}
        assert len(contents(version)) == 2


@pytest.fixture(scope="module")
def evaluation_folder(tmp_path_factory):
    """What the Evaluator leaves of four reviews, three of which were judged rightly."""
    import pandas as pd
    import tensorflow_model_analysis as tfma

    folder = str(tmp_path_factory.mktemp("evaluation"))
    config = gate.eval_config(min_accuracy=0.5, max_regression=0.1)
    config.model_specs[0].CopyFrom(
        type(config.model_specs[0])(label_key="label", prediction_key="prediction")
    )
    del config.slicing_specs[1:]
    for metric in config.metrics_specs[0].metrics:
        del metric.per_slice_thresholds[:]
    frame = pd.DataFrame({"label": [0.0, 0.0, 1.0, 1.0], "prediction": [0.1, 0.6, 0.8, 0.9]})
    tfma.analyze_raw_data(frame, config, output_path=folder)
    return folder


def infra_blessing_of(outcome):
    """Returns what the InfraValidator leaves."""
    blessing = standard_artifacts.InfraBlessing()
    blessing.set_int_custom_property("blessed", int(not outcome.refusal))
    outcome.write(blessing)
    return blessing


def pushed_model_of(
    model, base, blessed, tmp_path, evaluation_folder, infra=None, is_ours=True, folds=None
):
    """Runs the executor as Pusher does and returns its artifact."""
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "trained")
    shutil.copytree(model, tmp_path / "trained" / "Format-Serving")
    if is_ours:
        TrainingRecord("lstm", Hyperparameters(epochs=2), 1.5, 7).write(
            str(tmp_path / "trained" / "Format-Serving")
        )
        IMDB_TOKENS.write(str(tmp_path / "trained" / "Format-Serving"))
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(tmp_path / "blessing")
    blessing.set_int_custom_property("blessed", int(blessed))
    (tmp_path / "blessing").mkdir()
    (tmp_path / "blessing" / ("BLESSED" if blessed else "NOT_BLESSED")).write_text("")
    measured, report = standard_artifacts.ModelEvaluation(), ReadingReportArtifact()
    measured.uri, report.uri = evaluation_folder, str(tmp_path / "report")
    ReadingReport({"train": {"0": 3, "1": 4}, "test": {"0": 2, "1": 2}}, leaks=1).write(report.uri)
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(tmp_path / "pushed_model" / "1")
    os.makedirs(pushed.uri)
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(base))
    )
    facts = {
        "data": "films",
        "origin": {"path": "/data/films.csv", "digest": "d"},
        "gate": {"min_accuracy": 0.5},
        "source_fingerprint": {"Trainer": "f"},
    }
    Executor().Do(
        {
            "model": [artifact],
            "model_blessing": [blessing],
            **({"evaluation": [measured], "report": [report]} if is_ours else {}),
            **({"infra_blessing": [infra_blessing_of(infra)]} if infra else {}),
            **({"cross_validation": [folds]} if folds else {}),
        },
        {"pushed_model": [pushed]},
        {
            "push_destination": proto_utils.proto_to_json(destination),
            "facts": json.dumps(facts),
        },
    )
    return pushed


def test_a_model_that_is_not_blessed_is_not_pushed(model, base, tmp_path, evaluation_folder):
    """Nothing is written, and the artifact says so."""
    pushed = pushed_model_of(model, base, False, tmp_path, evaluation_folder)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not base.exists()


def test_a_model_that_failed_in_a_server_is_not_pushed(model, base, tmp_path, evaluation_folder):
    """Though the gate blessed it."""
    refused = Outcome("embedded", refusal="The server did not load it.")
    pushed = pushed_model_of(model, base, True, tmp_path, evaluation_folder, refused)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not base.exists()


def test_the_artifact_of_a_push_tells_of_the_version(model, base, tmp_path, evaluation_folder):
    """Once that is deleted it tells of none: a cached push is never a lie."""
    pushed = pushed_model_of(model, base, True, tmp_path, evaluation_folder)
    (version,) = base.iterdir()
    assert json.loads((version / "model_card.json").read_text())["infra_validation"] is None
    assert pushed.get_string_custom_property("pushed_destination") == str(version)
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert contents(model).items() <= contents(version).items()
    assert pushed_version.version_of(pushed.uri) == str(version)
    assert pushed_version.is_there(pushed.uri)
    shutil.rmtree(version)
    assert not pushed_version.is_there(pushed.uri)


def test_the_card_has_the_figures_of_the_folds(model, base, tmp_path, evaluation_folder):
    """Without the confusion counts, which grow with the classes; without folds, there are none."""
    folds = CrossValidationArtifact()
    folds.uri = str(tmp_path / "folds")
    os.makedirs(folds.uri)
    decisions = [[(0, 0)] * 3 + [(1, 0)], [(0, 0), (1, 1), (1, 1), (1, 0)]]
    CrossValidation.of_decisions(decisions, classes=2).write(folds.uri)
    pushed_model_of(model, base, True, tmp_path, evaluation_folder, folds=folds)
    (version,) = base.iterdir()
    found = json.loads((version / "model_card.json").read_text())["cross_validation"]
    assert found["accuracy"] == 0.75 and found["examples"] == 8
    assert found["folds"] == [
        {"examples": 4, "accuracy": 0.75, "macro_f1": pytest.approx(3 / 7)},
        {"examples": 4, "accuracy": 0.75, "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2)},
    ]
    assert found["accuracy_margin"] == pytest.approx(0.258, abs=0.01)


def test_a_pushed_version_says_what_it_is_and_is_warm_before_it_serves(
    exported_model, base, tmp_path, evaluation_folder, caplog
):
    """Its card holds what was measured; the embedded server replays all of its requests."""
    served = Outcome("embedded", answers=114)
    pushed_model_of(exported_model, base, True, tmp_path, evaluation_folder, served)
    (version,) = base.iterdir()
    card = json.loads((version / "model_card.json").read_text())
    assert card["data"]["reviews"] == {"train": {"0": 3, "1": 4}, "test": {"0": 2, "1": 2}}
    assert (card["name"], card["data"]["name"], card["variant"]) == ("reviews", "films", "lstm")
    assert data_of_newest(str(base)) == PushedData("films", "/data/films.csv", "d")
    assert card["hyperparameters"]["epochs"] == 2
    assert card["tokens"] == {
        "vocabulary_size": 5_000,
        "max_length": 500,
        "min_word_count": 1,
        "tokens": "words",
        "emoji": False,
    }
    assert card["test_metrics"]["accuracy"] == 0.75
    assert card["gate"] == {"min_accuracy": 0.5}
    assert card["larger_class"] == {"name": None, "share": 0.5}
    assert card["infra_validation"] == {"engine": "embedded", "answers": 114}
    assert card["classes"] == ["negative", "positive"]
    assert card["class_metrics"] == {
        "negative": {"precision": 1.0, "recall": 0.5, "reviews": 2},
        "positive": {"precision": pytest.approx(2 / 3), "recall": 1.0, "reviews": 2},
    }
    assert card["source_fingerprint"] == {"Trainer": "f"}

    flags = Flags(port=-1, rest_api_port=0, model_name="reviews", model_base_path=str(base))
    server = Server(flags)
    with caplog.at_level("INFO", logger="serving.server.loading"):
        server.start()
    try:
        assert f"Warmed up reviews version {version.name} by 18 requests" in caplog.text
        with Client(f"localhost:{server.grpc_port}", model="reviews") as client:
            assert client.status()[0].state == "AVAILABLE"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("max_length", "expected"), [(40, [0, 5, 40, 80, 200]), (1, [0, 1, 2, 5, 200])]
)
def test_warm_up_is_as_long_as_the_model_reads(max_length, expected):
    """And longer, and shorter."""
    reviews = warmup.reviews_for(TokenSettings(max_length=max_length))
    assert [len(review.split()) for review in reviews] == expected


@pytest.mark.parametrize("takes_text", [False, True])
def test_another_trainers_model_is_pushed_with_a_card_of_what_is_known(
    base, tmp_path, caplog, takes_text
):
    """No record, no report, no measurements; its own signature is what warms it up."""
    model = save_other_model(tmp_path / "other", takes_text=takes_text)
    pushed_model_of(model, base, True, tmp_path, "", is_ours=False)
    (version,) = base.iterdir()
    card = json.loads((version / "model_card.json").read_text())
    origin = {"path": "/data/films.csv", "digest": "d"}
    assert card["data"] == {"name": "films", "origin": origin}
    assert sorted(card) == [
        "data", "gate", "infra_validation", "name", "source_fingerprint", "stack",
    ]  # fmt: skip
    flags = Flags(port=-1, rest_api_port=-1, model_name="reviews", model_base_path=str(base))
    server = Server(flags)
    with caplog.at_level("INFO", logger="serving.server.loading"):
        server.start()
    server.stop()
    assert f"Warmed up reviews version {version.name} by 6 requests" in caplog.text


def test_a_model_that_brings_its_own_warm_up_keeps_it(base, tmp_path):
    """Its trainer knows better what it is asked."""
    model = save_other_model(tmp_path / "other")
    (model / "assets.extra").mkdir()
    (model / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"of its own")
    pushed_model_of(model, base, True, tmp_path, "", is_ours=False)
    (version,) = base.iterdir()
    warm_up = version / "assets.extra" / "tf_serving_warmup_requests"
    assert warm_up.read_bytes() == b"of its own"


def test_a_missing_file_is_named(model, base, tmp_path, evaluation_folder, monkeypatch):
    """Of the model, or of what its card tells."""
    with pytest.raises(PushError, match=r"No such file or directory \(.*/gone\)"):
        publish(tmp_path / "gone", base)
    monkeypatch.setattr(ReadingReport, "write", lambda self, directory: None)
    with pytest.raises(PushError, match=r"report/reading_report\.json"):
        pushed_model_of(model, base, True, tmp_path, evaluation_folder)
    assert not list(base.iterdir())
