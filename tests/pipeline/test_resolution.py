"""From settings to a run with nothing left to look up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.dataset.source import SourceKind
from components.errors import ConfigurationError, DatasetError
from components.hyperparameters import Hyperparameters
from components.models.registry import SAMPLE, get_variant
from pipeline import resolution
from pipeline.config import PipelineConfig
from pipeline.fingerprint import PACKAGES, PROJECT
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import beam_arguments, fingerprints, resolve


@pytest.fixture
def environment(tmp_path) -> EnvironmentSettings:
    """No archive anywhere."""
    return EnvironmentSettings(imdb_archive=None, cache_dir=tmp_path / "cache")


@pytest.fixture
def table(tmp_path) -> Path:
    """A table of two reviews."""
    path = tmp_path / "my reviews.csv"
    path.write_text("text,label\na good film,1\na bad film,0\n")
    return path


def test_the_data_names_pipeline_and_model(environment, table, tmp_path):
    """All that a run writes is below the root, by those names."""
    config = resolve(PipelineConfig(data=str(table), root=str(tmp_path / "r")), environment, print)

    assert config.pipeline_name == config.model_name == "my_reviews_sentiment"
    assert config.pipeline_root == tmp_path / "r" / "pipelines" / "my_reviews_sentiment"
    assert config.serving_directory == tmp_path / "r" / "serving_model" / "my_reviews_sentiment"
    assert config.metadata_path == tmp_path / "r" / "metadata.db"


def test_the_variant_decides_what_the_user_leaves_open(environment, table):
    """A flag changes one hyperparameter; the preset gives the others."""
    config = resolve(PipelineConfig(data=str(table), epochs=5, seed=11), environment, print)

    assert config.hyperparameters == Hyperparameters(epochs=5, seed=11)


def test_the_sample_has_a_preset_and_names_of_its_own(environment):
    """A model of generated reviews never takes a real one's place."""
    settings = PipelineConfig(data="sample", model_name="imdb_sentiment")
    config = resolve(settings, environment, print)

    assert config.source.kind is SourceKind.SAMPLE
    assert config.hyperparameters == get_variant("lstm").presets[SAMPLE]
    assert config.model_name == "sample_imdb_sentiment"


def test_a_comparison_is_a_pipeline_of_its_own(environment, table):
    """What it trains is never the model that a run is measured against."""
    for settings, name in (
        (PipelineConfig(data=str(table)), "my_reviews_comparison"),
        (PipelineConfig(data=str(table), pipeline_name="films"), "films_comparison"),
        (PipelineConfig(data="sample"), "sample_comparison"),
    ):
        config = resolve(settings, environment, print, is_comparison=True)
        assert (config.pipeline_name, config.settings) == (name, settings)


def test_a_name_that_is_kept_for_the_sample_is_refused(environment, table):
    """The message names the flag to change."""
    settings = PipelineConfig(data=str(table), model_name="sample_sentiment")
    with pytest.raises(ConfigurationError, match="Give --model-name another name"):
        resolve(settings, environment, print)


def test_data_that_is_not_there_is_refused(environment):
    """Before anything runs."""
    with pytest.raises(DatasetError, match=r"there is no file or folder 'none\.csv'"):
        resolve(PipelineConfig(data="none.csv"), environment, print)


@pytest.mark.parametrize(
    ("threshold", "mode", "workers"),
    [(1, "multi_processing", "0"), (1_000_000, "in_memory", "1")],
)
def test_beam_takes_processes_when_the_data_is_worth_their_start(
    environment, table, monkeypatch, threshold, mode, workers
):
    """Below the threshold everything stays in this process."""
    monkeypatch.setattr(resolution, "MULTI_PROCESSING_FROM_BYTES", threshold)
    config = resolve(PipelineConfig(data=str(table)), environment, print)

    assert f"--direct_running_mode={mode}" in config.beam_arguments
    assert f"--direct_num_workers={workers}" in config.beam_arguments


def test_the_user_may_choose_how_beam_runs(environment, table):
    """Mode and number of processes are settings."""
    settings = PipelineConfig(data=str(table), beam_mode="multi_processing", beam_workers=3)
    source = resolve(settings, environment, print).source

    assert "--direct_num_workers=3" in beam_arguments(settings, source)
    # DirectRunner would hand over to a binary that it downloads.
    assert "--runner=pipeline.runners.local_beam.LocalBeamRunner" in (
        beam_arguments(settings, source)
    )


def test_an_engine_that_is_not_installed_is_wrong_use(environment, table, monkeypatch):
    """Before anything runs; a comparison asks for no engine."""
    monkeypatch.setenv("PATH", "")
    settings = PipelineConfig(data=str(table), infra_validation="docker")
    with pytest.raises(ConfigurationError, match=r"docker: 'docker' is not on PATH\. Install it"):
        resolve(settings, environment, print)
    assert resolve(settings, environment, print, is_comparison=True).infra_engine is None


@pytest.mark.parametrize(
    ("file", "line", "steps"),
    [
        (
            "components/preprocessing.py",
            ("text = tf.strings.lower(text", "text = tf.strings.upper(text"),
            # The others read its tokens, at the export and in the slices.
            {"Transform", "Tuner", "Trainer", "Evaluator"},
        ),
        ("components/preprocessing.py", ("    return {", "    # A comment.\n    return {"), set()),
        (
            "components/models/lstm.py",
            ("import keras", "import keras as keras"),
            {"Tuner", "Trainer"},
        ),
        ("components/schema.pbtxt", ("max: 10", "max: 5"), {"ImportSchemaGen"}),
        # It is a process of its own that this step starts.
        ("serving/server/handlers.py", ("import time", "import time as time"), {"InfraValidator"}),
        ("pipeline/report/summarize.py", ("is below", "is under"), set()),
        ("pipeline/console/terminal.py", ("Train the model", "Fit"), set()),
    ],
)
def test_an_edit_runs_the_steps_that_reach_it_again(tmp_path, file, line, steps):
    """On a copy of this project: code counts where it is used; comments and the report do not."""
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, tmp_path / package)
    before = fingerprints(get_variant("lstm"), project=tmp_path)

    text = (tmp_path / file).read_text(encoding="utf-8")
    assert line[0] in text
    (tmp_path / file).write_text(text.replace(*line), encoding="utf-8")

    after = fingerprints(get_variant("lstm"), project=tmp_path)
    assert {step for step in after if after[step] != before[step]} == steps
