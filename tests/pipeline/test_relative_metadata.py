"""A root's metadata says nothing of where the root is."""

from __future__ import annotations

import os
from pathlib import Path

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2

from pipeline.relative_metadata import below_root, make_relative
from pipeline.root import working_in


@pytest.fixture
def database(tmp_path):
    """The metadata of an earlier release: a pipeline `films`, three artifacts of it, a foreign one.

    The root was in /data/old then.
    """
    path = tmp_path / "metadata.db"
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(path)
    connection.sqlite.connection_mode = (
        metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    )
    store = mlmd.MetadataStore(connection)
    pipeline = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline"))
    store.put_contexts([metadata_store_pb2.Context(type_id=pipeline, name="films")])
    kind = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Any"))
    uris = [
        "/data/old/pipelines/films/Trainer/model/7",
        "/data/old/pipelines/films/Evaluator/blessing/9",
        "/data/old/pipelines/films/Pusher/pushed_model/10",
        "/elsewhere/reviews",
    ]
    artifacts = [metadata_store_pb2.Artifact(type_id=kind, uri=uri) for uri in uris]
    texts = {
        1: ("current_model", uris[0]),
        2: ("pushed_destination", "/data/old/serving_model/f/12"),
    }
    for index, (key, value) in texts.items():
        artifacts[index].custom_properties[key].string_value = value
    artifacts[2].custom_properties["pushed"].int_value = 1
    store.put_artifacts(artifacts)
    return path, store


def test_absolute_paths_become_relative_once(database):
    """Of artifacts and their properties; what lies elsewhere stays."""
    path, store = database
    assert make_relative(path) == 3
    found = store.get_artifacts()
    assert [artifact.uri for artifact in found] == [
        "pipelines/films/Trainer/model/7",
        "pipelines/films/Evaluator/blessing/9",
        "pipelines/films/Pusher/pushed_model/10",
        "/elsewhere/reviews",
    ]
    of_blessing, of_push = (found[index].custom_properties for index in (1, 2))
    assert of_blessing["current_model"].string_value == "pipelines/films/Trainer/model/7"
    assert of_push["pushed_destination"].string_value == "serving_model/f/12"
    assert of_push["pushed"].int_value == 1
    assert make_relative(path) == 0


def test_a_failure_changes_nothing(database, monkeypatch):
    """All in one call to ML Metadata, which is one transaction."""
    path, store = database
    calls = []
    put = mlmd.MetadataStore.put_artifacts
    monkeypatch.setattr(
        mlmd.MetadataStore, "put_artifacts", lambda self, changed: calls.append(changed)
    )
    make_relative(path)
    ((*changed,),) = calls
    # One that cannot be written takes the others back.
    changed[-1].id = 999
    with pytest.raises(mlmd.errors.StatusError):
        put(store, changed)
    assert store.get_artifacts()[0].uri == "/data/old/pipelines/films/Trainer/model/7"


def test_a_root_without_metadata_has_nothing_to_change(tmp_path):
    """Nor has a file that holds no tables yet; none is made."""
    assert make_relative(tmp_path / "metadata.db") == 0
    assert not (tmp_path / "metadata.db").exists()
    (tmp_path / "metadata.db").touch()
    assert make_relative(tmp_path / "metadata.db") == 0


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("/a/pipelines/films/Trainer/model/7", "pipelines/films/Trainer/model/7"),
        ("pipelines/films/Trainer/model/7", "pipelines/films/Trainer/model/7"),
        ("/a/pipelines/films/x/pipelines/films/T/1", "pipelines/films/T/1"),
        ("/a/pipelines/other/T/1", "/a/pipelines/other/T/1"),
        ("/a/serving_model/films/12", "serving_model/films/12"),
        ("", ""),
    ],
)
def test_a_path_is_told_from_the_folder_that_holds_it(path, relative):
    """Wherever the root was."""
    assert below_root(path, ["pipelines/films", "serving_model"]) == relative


def test_the_working_folder_is_given_back(tmp_path, monkeypatch):
    """After an error, and though it was renamed in the meantime."""
    before = tmp_path / "before"
    before.mkdir()
    monkeypatch.chdir(before)

    def fail():
        assert Path.cwd() == tmp_path
        before.rename(tmp_path / "after")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), working_in(tmp_path):
        fail()
    assert os.getcwd() == str(tmp_path / "after")
