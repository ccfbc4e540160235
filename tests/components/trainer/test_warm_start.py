"""Training that goes on from an earlier model."""

from __future__ import annotations

import json
import shutil

import keras
import ml_metadata as mlmd
import numpy as np
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.errors import ConfigurationError
from components.evaluator.baseline import MODEL, MODEL_BLESSING
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from components.models.training_record import TrainingRecord
from components.trainer import warm_start
from components.transform.token_settings import TokenSettings

PLAIN = Hyperparameters()


def built(hyperparameters=PLAIN):
    """Returns an `lstm` with random weights."""
    keras.utils.set_random_seed(5)
    return get_variant("lstm").build(hyperparameters)


def test_the_weights_of_an_export_are_taken_up(exported_model, transform_output):
    """All of them, in order."""
    trained, model = built(), built()
    trained.load_weights(exported_model / "keras.weights.h5")
    assert all(np.any(a != b) for a, b in zip(trained.weights, model.weights, strict=True))
    warm_start.load_weights(model, "lstm", PLAIN, str(exported_model), transform_output)
    for taken, weight in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(taken, weight)


def test_without_a_blessed_model_there_is_nothing_to_go_on_from(transform_output):
    """The message names the variant and the way out."""
    with pytest.raises(ConfigurationError, match="needs a blessed model of 'lstm'"):
        warm_start.load_weights(built(), "lstm", PLAIN, None, transform_output)


def test_another_vocabulary_is_refused(exported_model, transform_output, tmp_path):
    """One word more is enough: ids may stand for other words."""
    copy = shutil.copytree(exported_model, tmp_path / "model")
    (vocabulary,) = (copy / "assets").iterdir()
    vocabulary.write_bytes(vocabulary.read_bytes() + b"\n9 another")
    with pytest.raises(ConfigurationError, match="trained with another vocabulary"):
        warm_start.load_weights(built(), "lstm", PLAIN, str(copy), transform_output)


def test_other_tokens_are_refused(exported_model, transform_output, tmp_path):
    """The message says which the earlier model reads."""
    copy = shutil.copytree(exported_model, tmp_path / "model")
    now = TokenSettings(vocabulary_size=300, emoji=True)
    with pytest.raises(
        ConfigurationError, match=r"with `vocabulary_size=5000`, `emoji=False`\. Train without"
    ):
        warm_start.load_weights(built(), "lstm", PLAIN, str(copy), transform_output, tokens=now)


def test_layers_of_other_sizes_are_refused(exported_model, transform_output, tmp_path):
    """The message says which sizes the earlier model has."""
    copy = shutil.copytree(exported_model, tmp_path / "model")
    TrainingRecord("lstm", Hyperparameters(), 1.0, 213_301).write(str(copy))
    smaller = Hyperparameters(lstm_units=8)
    with pytest.raises(ConfigurationError, match=r"trained with `lstm_units=100`\. Train without"):
        warm_start.load_weights(built(smaller), "lstm", smaller, str(copy), transform_output)


def test_a_variant_whose_code_has_changed_is_refused(exported_model, transform_output, tmp_path):
    """Its sizes are the same, and no setting helps."""
    copy = shutil.copytree(exported_model, tmp_path / "model")
    TrainingRecord("lstm", PLAIN, 1.0, 213_301).write(str(copy))
    other = get_variant("cnn_lstm").build(PLAIN)
    with pytest.raises(ConfigurationError, match=r"the variant's code was another then\."):
        warm_start.load_weights(other, "lstm", PLAIN, str(copy), transform_output)


def test_a_model_of_other_classes_is_refused(exported_model, transform_output, tmp_path):
    """Its last layer speaks of other things; both lists are told, however long they are."""
    copy = shutil.copytree(exported_model, tmp_path / "model")
    many = tuple(f"{number}" + "x" * 50 for number in range(9))
    TrainingRecord("lstm", PLAIN, 1.0, 213_301, many).write(str(copy))
    with pytest.raises(ConfigurationError) as error:
        warm_start.load_weights(
            built(), "lstm", PLAIN, str(copy), transform_output, ("ham", "spam")
        )
    assert "tells other classes apart: 0xxx" in str(error.value)
    assert "... and 3 others, where this data has ham, spam. Train without" in str(error.value)
    warm_start.load_weights(built(), "lstm", PLAIN, str(copy), transform_output, many)


def artifact(kind, number, uri=""):
    """Returns an artifact with that id."""
    made = kind()
    made.id, made.uri = number, uri
    return made


def blessing(model_id, is_blessed, number=None):
    """Returns what the Evaluator said of a model."""
    made = artifact(standard_artifacts.ModelBlessing, number or 100 + model_id)
    made.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, is_blessed)
    made.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model_id)
    return made


def test_the_latest_blessed_model_of_the_variant_is_resolved(tmp_path):
    """Not a later one that was refused, is of another variant, or is gone.

    What was blessed last counts, as for the gate, not what was trained last.
    """
    models = []
    for number, variant in enumerate(["lstm", "lstm", "lstm", "cnn_lstm", None], start=1):
        model = artifact(standard_artifacts.Model, number, str(tmp_path / str(number)))
        models.append(model)
        if variant:
            folder = tmp_path / str(number) / "Format-Serving"
            folder.mkdir(parents=True)
            TrainingRecord(variant, Hyperparameters(), 1.0, 1).write(str(folder))
            for part in ("saved_model.pb", "variables.index", "variables.data-0-of-1"):
                path = folder / ("" if part == "saved_model.pb" else "variables") / part
                path.parent.mkdir(exist_ok=True)
                path.touch()
    blessings = [blessing(number, number != 3) for number in range(1, 6)]
    inputs = {MODEL: models, MODEL_BLESSING: blessings}
    strategy = warm_start.LatestBlessedOfVariant(**json.loads('{"variant": "lstm"}'))
    connection = metadata_store_pb2.ConnectionConfig()
    connection.fake_database.SetInParent()
    store = mlmd.MetadataStore(connection)
    assert [m.id for m in strategy.resolve_artifacts(store, inputs)[MODEL]] == [2]
    inputs[MODEL_BLESSING] = [*blessings, blessing(1, True, 200)]
    assert [m.id for m in strategy.resolve_artifacts(store, inputs)[MODEL]] == [1]
    other = warm_start.LatestBlessedOfVariant("bilstm")
    assert other.resolve_artifacts(store, inputs)[MODEL] == []
    (tmp_path / "1" / "Format-Serving" / "saved_model.pb").unlink()
    assert [m.id for m in strategy.resolve_artifacts(store, inputs)[MODEL]] == [2]
