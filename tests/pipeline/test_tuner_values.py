"""Where `--hyperparameters-from` finds its values."""

from __future__ import annotations

import json
import shutil

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2

from components.errors import ConfigurationError
from pipeline.config import PipelineConfig
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import resolve
from pipeline.tuner_values import with_found


@pytest.fixture
def found(tmp_path):
    """Resolves `--hyperparameters-from` with a file of that content."""

    def find(content, **settings):
        path = tmp_path / "best.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        config = PipelineConfig(hyperparameters_from=str(path), **settings)
        return with_found(config, tmp_path / "metadata.db", "p")

    return find


def test_a_file_gives_values_and_flags_win(found):
    """Plain, or as a Tuner writes it."""
    config = found({"epochs": 4, "learning_rate": 0.01}, epochs=2)
    assert (config.epochs, config.learning_rate) == (2, 0.01)
    tuned = {"space": [], "values": {"model": "lstm", "batch_size": 32}}
    assert found(tuned).batch_size == 32


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epochs": 0}, "--epochs is 0; expected a whole number from 1 to 1,000"),
        ({"epoch": 1}, "no hyperparameter is called epoch"),
        ("{", "is no JSON"),
        ([1], "expected a JSON object such as"),
        ({"seed": 3, "epochs": 2}, r"sets seed, which a search does not tune\..* give --seed on"),
        (
            {"values": {"model": "cnn_lstm", "epochs": 2}},
            r"was found for 'cnn_lstm', and --model is 'lstm'",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(found, content, message):
    """The message says what is wrong with it."""
    with pytest.raises(ConfigurationError, match=message):
        found(content)


def test_what_was_never_tuned_is_refused(tmp_path):
    """As is a file that is not there; both say what to do."""
    for asked, message in (
        ("tuner", "no run of 'p' has tuned 'lstm' yet"),
        ("none.json", "expected tuner or a JSON file: No such file"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            with_found(PipelineConfig(hyperparameters_from=asked), tmp_path / "metadata.db", "p")


def test_the_latest_result_for_the_variant_is_found(tmp_path):
    """Not one for another variant, nor one of another pipeline."""
    database = tmp_path / "metadata.db"
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(database)
    connection.sqlite.connection_mode = 3  # read, write, create
    store = mlmd.MetadataStore(connection)
    artifact_type = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="HyperParameters"))
    context_type = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline"))
    contexts = {
        name: store.put_contexts([metadata_store_pb2.Context(type_id=context_type, name=name)])[0]
        for name in ("p", "q")
    }
    tuner = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Tuner"))

    def searched(artifact_id):
        execution = metadata_store_pb2.Execution(type_id=tuner)
        (execution_id,) = store.put_executions([execution])
        event = metadata_store_pb2.Event(
            artifact_id=artifact_id,
            execution_id=execution_id,
            type=metadata_store_pb2.Event.OUTPUT,
        )
        store.put_events([event])

    results = [("p", "lstm", 2), ("p", "lstm", 3), ("p", "cnn_lstm", 4), ("q", "lstm", 5)]
    ids = []
    for pipeline, model, epochs in results:
        folder = tmp_path / str(epochs)
        folder.mkdir()
        best = {"space": [], "values": {"model": model, "epochs": epochs}}
        (folder / "best_hyperparameters.txt").write_text(json.dumps(best))
        artifact = metadata_store_pb2.Artifact(type_id=artifact_type, uri=str(folder))
        (artifact_id,) = store.put_artifacts([artifact])
        attribution = metadata_store_pb2.Attribution(
            artifact_id=artifact_id, context_id=contexts[pipeline]
        )
        store.put_attributions_and_associations([attribution], [])
        searched(artifact_id)
        ids.append(artifact_id)
    config = PipelineConfig(hyperparameters_from="tuner")
    assert with_found(config, database, "p").epochs == 3
    # The first search once more, from the cache: another execution, the same artifact.
    searched(ids[0])
    assert with_found(config, database, "p").epochs == 2
    # Somebody deleted what it found, and then all of it.
    (tmp_path / "2" / "best_hyperparameters.txt").unlink()
    assert with_found(config, database, "p").epochs == 3
    shutil.rmtree(tmp_path / "3")
    with pytest.raises(ConfigurationError, match="or what it found was deleted"):
        with_found(config, database, "p")


@pytest.mark.parametrize(
    ("settings", "is_comparison", "message"),
    [
        ({"tune": 2}, False, "Try --validation-fraction 0.1"),
        ({"tune": 2, "hyperparameters_from": "x.json"}, False, "choose one"),
        ({"tune": 2}, True, "a comparison takes presets"),
        ({"warm_start": True}, True, "a comparison trains every model from scratch"),
        ({"warm_start": True, "model": "linear"}, False, "'linear' is fitted by a solver"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, settings, is_comparison, message):
    """Before anything runs."""
    config = PipelineConfig(data="sample", root=str(tmp_path), **settings)
    with pytest.raises(ConfigurationError, match=message):
        resolve(config, EnvironmentSettings(None, tmp_path), print, is_comparison)


def test_no_trials_are_refused():
    """`--tune 0`."""
    with pytest.raises(ConfigurationError, match="--tune is 0; expected a whole number from 1"):
        PipelineConfig(tune=0)
