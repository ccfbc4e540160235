"""Which pushed version a candidate is compared with, found by files alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components import notices
from components.errors import ConfigurationError
from components.evaluator.baseline import CANDIDATE, MODEL, is_whole
from components.hyperparameters import Hyperparameters
from components.last_pushed.executor import Executor, last_pushed
from components.models.training_record import TrainingRecord
from components.trainer.warm_start import load_weights


def save(folder: Path, weights: bytes, variant: str = "lstm", classes=("bad", "good")) -> Path:
    """Writes the files of a SavedModel by which versions are chosen."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(weights)
    TrainingRecord(variant, Hyperparameters(), 1.0, 2, classes).write(str(folder))
    return folder


@pytest.fixture
def base(tmp_path) -> Path:
    """Versions 7 and 30 of one variant, 9 of another, and an unfinished 40."""
    base = tmp_path / "serving_model" / "films"
    save(base / "7", b"seven")
    save(base / "9", b"nine", variant="linear")
    save(base / "30", b"thirty")
    (base / "40").mkdir()
    (base / ".incoming-12").mkdir()
    return base


def test_the_newest_complete_version_is_the_one_with_the_largest_number(base):
    """As servers see it; names are numbers, not text."""
    assert last_pushed(str(base)) == str(base / "30")


def test_a_folder_that_is_not_there_has_no_version(base):
    """Nothing was pushed yet."""
    assert last_pushed(str(base.parent / "other")) == ""


def test_the_candidate_itself_does_not_count(base, tmp_path):
    """A version with its graph and weights is the same model; the Pusher added other files."""
    candidate = save(tmp_path / "export", b"thirty")
    (base / "30" / "model_card.json").write_text("{}")
    assert last_pushed(str(base), other_than=[str(candidate)]) == str(base / "9")


def test_a_variant_is_asked_for_by_its_name(base):
    """Warm start continues from the same variant."""
    assert last_pushed(str(base), variant="linear") == str(base / "9")
    assert last_pushed(str(base), variant="cnn_lstm") == ""


def test_a_model_of_other_classes_is_passed_over_and_a_notice_says_so(base):
    """Its answers are to another question."""
    save(base / "50", b"fifty", classes=("ham", "spam"))
    told: list[str] = []
    with notices.listening(told.append):
        assert last_pushed(str(base), classes=("bad", "good")) == str(base / "30")
    assert told == [
        "The last pushed model tells other classes apart (ham, spam), and is not compared with; an "
        "earlier one takes its place."
    ]


def ask(base: Path, folder: Path) -> standard_artifacts.Model:
    """Returns what the step writes."""
    model = standard_artifacts.Model()
    model.uri = str(folder)
    settings = {"serving_directory": str(base), "classes": "[]", "variant": ""}
    Executor().Do({CANDIDATE: []}, {MODEL: [model]}, settings)
    return model


def test_the_version_is_copied_where_the_evaluator_looks(base, tmp_path):
    """The artifact has the model as a Trainer would have written it."""
    model = ask(base, tmp_path / "model")
    copied = tmp_path / "model" / "Format-Serving"
    assert is_whole(model)
    assert (copied / "variables" / "variables.data-00000-of-00001").read_bytes() == b"thirty"
    assert TrainingRecord.read(str(copied)).model == "lstm"
    assert model.get_string_custom_property("pushed_version") == "30"


def test_where_nothing_was_pushed_the_artifact_has_no_model_and_warm_start_says_so(tmp_path):
    """An engine's steps always write their artifacts: an empty one stands for none."""
    model = ask(tmp_path / "nothing", tmp_path / "model")
    assert not is_whole(model)
    assert list((tmp_path / "model").iterdir()) == []
    with pytest.raises(ConfigurationError, match="needs a blessed model of 'lstm'"):
        load_weights(None, "lstm", Hyperparameters(), f"{model.uri}/Format-Serving", None)
