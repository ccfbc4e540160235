"""What `sentiment compile` writes, run step by step as a cluster would, against a run here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from components.last_pushed.executor import last_pushed
from components.pusher.model_card import FILE as CARD
from tests.pipeline.runners.kubeflow.driver import Run

from .running import sentiment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MODEL = "sample_sentiment"
FLAGS = ("--data", "sample", "--model", "linear")


def pushed(root: Path) -> Path:
    """Returns the newest pushed version."""
    versions = (root / "serving_model" / MODEL).glob("[0-9]*")
    return max(versions, key=lambda version: int(version.name))


def vocabulary(version: Path) -> list[str]:
    """Returns the words of a SavedModel."""
    return (version / "assets" / "words").read_text().splitlines()


def weights(version: Path) -> dict[str, np.ndarray]:
    """Returns the variables of a SavedModel."""
    checkpoint = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    names = [name for name in checkpoint.get_variable_to_shape_map() if name.startswith("_weights")]
    return {name: checkpoint.get_tensor(name) for name in names}


def put_earlier_version(version: Path, root: Path) -> None:
    """Makes a pushed model version 1 of another root, with another graph file of the same graph."""
    earlier = root / "serving_model" / MODEL / "1"
    shutil.copytree(version, earlier)
    graph = saved_model_pb2.SavedModel()
    graph.ParseFromString((earlier / "saved_model.pb").read_bytes())
    graph.meta_graphs[0].meta_info_def.meta_graph_version = "earlier"
    (earlier / "saved_model.pb").write_bytes(graph.SerializeToString())


def test_the_compiled_pipeline_pushes_what_a_run_here_pushes(tmp_path):
    """Every container's command line, in the order of the file: same words, weights, verdict."""
    here, there, steps = tmp_path / "here", tmp_path / "there", tmp_path / "steps"
    steps.mkdir()
    assert sentiment("run", *FLAGS, "--root", str(here), cwd=tmp_path).returncode == 0
    put_earlier_version(pushed(here), there)
    compiled = sentiment(
        "compile", "--runner", "kubeflow", "--image", "registry.example/sentiment:1", *FLAGS,
        "--root", "gs://bucket/sentiment", cwd=tmp_path,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr

    run = Run(tmp_path / "pipeline.yaml", steps, {"root": str(there)})
    run.to_the_end()

    # The one pushed before was found by its files, and the candidate held against it.
    baseline = run.artifact("LatestBlessedModel", "model")
    assert baseline.metadata["pushed_version"] == "1"
    assert run.artifact("Evaluator", "blessing").metadata["baseline_model_id"] == baseline.name
    own, other = pushed(there), pushed(here)
    assert run.artifact("Pusher", "pushed_model").metadata["pushed_version"] == own.name
    assert int(own.name) > 1
    assert vocabulary(own) == vocabulary(other)
    expected = weights(other)
    assert expected and {name: value.shape for name, value in expected.items()} == {
        name: value.shape for name, value in weights(own).items()
    }
    for name, value in weights(own).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-6)
    cards = [json.loads((version / CARD).read_text()) for version in (own, other)]
    assert cards[0]["test_metrics"] == pytest.approx(cards[1]["test_metrics"], abs=1e-6)
    for fact in ("variant", "classes", "gate", "slices", "infra_validation", "source_fingerprint"):
        assert cards[0][fact] == cards[1][fact]
    # Once pushed, a model is not compared with itself.
    trained = Path(run.artifact("Trainer", "model").uri) / "Format-Serving"
    base = str(there / "serving_model" / MODEL)
    assert Path(last_pushed(base)).name == own.name
    assert Path(last_pushed(base, other_than=[str(trained)])).name == "1"
