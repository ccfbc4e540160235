"""From settings to a run with nothing left to look up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from components.dataset.source import SourceKind
from components.errors import ConfigurationError, DataGateError, DatasetError
from components.hyperparameters import Hyperparameters
from components.models.registry import SAMPLE, get_variant
from components.pusher.pushed_data import CARD_FILE
from pipeline import resolution
from pipeline.config import PipelineConfig
from pipeline.fingerprint import PACKAGES, PROJECT
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import ResolvedRun, beam_arguments, fingerprints, resolve


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
    run = resolve(PipelineConfig(data=str(table), root=str(tmp_path / "r")), environment, print)

    assert run.pipeline_name == run.model_name == "my_reviews_sentiment"
    assert run.pipeline_root == tmp_path / "r" / "pipelines" / "my_reviews_sentiment"
    assert run.serving_directory == tmp_path / "r" / "serving_model" / "my_reviews_sentiment"
    assert run.metadata.path == tmp_path / "r" / "metadata.db"


def test_the_variant_decides_what_the_user_leaves_open(environment, table):
    """A flag changes one hyperparameter; the preset gives the others."""
    run = resolve(PipelineConfig(data=str(table), epochs=5, seed=11), environment, print)

    assert run.hyperparameters == Hyperparameters(epochs=5, seed=11)


def test_the_sample_has_a_preset_and_names_of_its_own(environment):
    """A model of generated reviews never takes a real one's place."""
    config = PipelineConfig(data="sample", model_name="imdb_sentiment")
    run = resolve(config, environment, print)

    assert run.source.kind is SourceKind.SAMPLE
    assert run.hyperparameters == get_variant("lstm").presets[SAMPLE]
    assert run.model_name == "sample_imdb_sentiment"


def test_a_comparison_is_a_pipeline_of_its_own(environment, table):
    """What it trains is never the model that a run is measured against."""
    for config, name in (
        (PipelineConfig(data=str(table)), "my_reviews_comparison"),
        (PipelineConfig(data=str(table), pipeline_name="films"), "films_comparison"),
        (PipelineConfig(data="sample"), "sample_comparison"),
    ):
        run = resolve(config, environment, print, is_comparison=True)
        assert (run.pipeline_name, run.config) == (name, config)


def test_a_name_that_is_kept_for_the_sample_is_refused(environment, table):
    """The message names the flag to change."""
    config = PipelineConfig(data=str(table), model_name="sample_sentiment")
    with pytest.raises(ConfigurationError, match="Give --model-name another name"):
        resolve(config, environment, print)


def test_data_that_is_not_there_is_refused(environment):
    """Before anything runs."""
    with pytest.raises(DatasetError, match=r"there is no file or folder 'none\.csv'"):
        resolve(PipelineConfig(data="none.csv"), environment, print)


@pytest.mark.parametrize(
    ("megabytes", "processors", "asked", "mode", "workers"),
    [
        (300, 2, 0, "multi_processing", "0"),
        (180, 2, 0, "in_memory", "1"),
        (180, 4, 0, "multi_processing", "0"),
        (1, 2, 3, "multi_processing", "3"),
        (10_000, 4, 1, "in_memory", "1"),
    ],
)
def test_beam_takes_processes_when_asked_or_when_the_data_is_worth_their_start(
    environment, table, monkeypatch, megabytes, processors, asked, mode, workers
):
    """By the size of the files and the number of processors; else all stays in this process."""
    monkeypatch.setattr(resolution, "_size", lambda path: megabytes * 1_000_000)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)))
    run = resolve(PipelineConfig(data=str(table), beam_workers=str(asked)), environment, print)

    assert f"--direct_running_mode={mode}" in run.beam_arguments
    assert f"--direct_num_workers={workers}" in run.beam_arguments


def test_the_user_may_choose_how_beam_runs(environment, table):
    """Mode and number of processes are settings."""
    config = PipelineConfig(data=str(table), beam_mode="multi_processing", beam_workers=3)
    source = resolve(config, environment, print).source

    assert "--direct_num_workers=3" in beam_arguments(config, source)
    # DirectRunner would hand over to a binary that it downloads.
    assert "--runner=pipeline.runners.local_beam.LocalBeamRunner" in (
        beam_arguments(config, source)
    )


def splits_in(folder: Path, *names: str) -> Path:
    """Writes a table for each split."""
    folder.mkdir()
    for name in names:
        (folder / f"{name}.csv").write_text("text,label\na good film,1\na bad film,0\n")
    return folder


def test_an_eval_split_of_the_data_is_one_for_all_who_ask(environment, tmp_path):
    """Early stopping and a search need no further setting."""
    data = str(splits_in(tmp_path / "films", "train", "validation", "test"))
    for asked in ({}, {"early_stopping": 2}, {"restore_best": True, "epochs": 2}, {"tune": 3}):
        assert resolve(PipelineConfig(data=data, **asked), environment, print).has_eval
    assert resolve(
        PipelineConfig(data=data, early_stopping=2), environment, print, is_comparison=True
    ).has_eval


def test_without_an_eval_split_one_must_be_carved(environment, table):
    """By a setting that the message names."""
    for asked in ({"early_stopping": 2}, {"tune": 3}):
        with pytest.raises(ConfigurationError, match=r"Try --validation-fraction 0\.1"):
            resolve(PipelineConfig(data=str(table), **asked), environment, print)
        config = PipelineConfig(data=str(table), validation_fraction=0.1, **asked)
        assert resolve(config, environment, print).has_eval
    assert not resolve(PipelineConfig(data=str(table)), environment, print).has_eval


def test_two_eval_splits_are_refused(environment, tmp_path):
    """The data's own is not mixed with one that is carved out of train."""
    data = str(splits_in(tmp_path / "films", "train", "validation", "test"))
    with pytest.raises(ConfigurationError) as error:
        resolve(PipelineConfig(data=data, validation_fraction=0.1), environment, print)
    assert str(error.value) == (
        "--validation-fraction is 0.1, and films has a validation split of its own, which becomes "
        "eval. Leave --validation-fraction out, or set it to 0."
    )
    assert resolve(PipelineConfig(data=data, validation_fraction=0.0), environment, print).has_eval


def test_what_the_first_records_show_ends_the_run(environment, tmp_path):
    """Before anything heavy is imported."""
    path = tmp_path / "stars.csv"
    path.write_text("text,stars\n" + "".join(f"text {n},{n % 5 + 1}\n" for n in range(50)))
    with pytest.raises(DataGateError, match="`labels`: 'good' does not occur; labels are '1'"):
        resolve(PipelineConfig(data=str(path), labels="good,bad"), environment, print)
    learned = resolve(PipelineConfig(data=str(path)), environment, lambda sentence: None)
    assert learned.source.classes == ("1", "2", "3", "4", "5")
    config = PipelineConfig(data=str(path), positive_label="4,5", negative_label="1,2")
    assert resolve(config, environment, lambda sentence: None).source.label_column == "stars"


def pushed(run: ResolvedRun, card: dict | None = None) -> None:
    """Leaves a version's card behind, as a push does."""
    source = run.source
    version = run.serving_directory / "1795655582"
    version.mkdir(parents=True)
    origin = {"path": source.origin, "digest": source.digest}
    data = {"data": {"name": source.name, "origin": origin}}
    (version / CARD_FILE).write_text(json.dumps(card or data))


def test_a_name_that_another_data_sets_model_has_is_refused(environment, table, tmp_path):
    """With flags for either case, which work as they are typed."""
    root = str(tmp_path / "r")
    pushed(resolve(PipelineConfig(data=str(table), root=root), environment, print))
    other = tmp_path / "elsewhere" / table.name
    other.parent.mkdir()
    other.write_text("text,label\nfine,1\npoor,0\n")
    with pytest.raises(ConfigurationError) as error:
        resolve(PipelineConfig(data=str(other), root=root), environment, print)
    own = "elsewhere_my_reviews_sentiment"
    assert str(error.value) == (
        f"The model my_reviews_sentiment in {root} was trained on {table}, and this data is "
        f"{other}. If that is another data set, add --pipeline-name {own} --model-name {own}; if "
        "it is the same one, in another place or with other reviews, add --model-name "
        "my_reviews_sentiment."
    )
    for names in (
        {"pipeline_name": own, "model_name": own},
        {"model_name": "my_reviews_sentiment"},
    ):
        run = resolve(PipelineConfig(data=str(other), root=root, **names), environment, print)
        assert run.model_name == names["model_name"]
    resolve(PipelineConfig(data=str(other), root=root), environment, print, is_comparison=True)


def test_a_data_set_that_grew_or_moved_keeps_its_model(environment, table, tmp_path):
    """The same place, or the same content."""
    root = str(tmp_path / "r")
    (tmp_path / "link").symlink_to(tmp_path)
    pushed(resolve(PipelineConfig(data=str(table), root=root), environment, print))
    moved = tmp_path / "moved" / table.name
    moved.parent.mkdir()

    table.write_text(table.read_text() + "another good film,1\n")
    for data in (table, tmp_path / "link" / table.name):
        resolve(PipelineConfig(data=str(data), root=root), environment, print)
    same = tmp_path / "same" / table.name
    same.parent.mkdir()
    same.write_text("text,label\na good film,1\na bad film,0\n")
    grown = str(shutil.move(table, moved))
    with pytest.raises(ConfigurationError, match="in another place"):
        resolve(PipelineConfig(data=grown, root=root), environment, print)


def test_folders_of_the_same_files_have_models_of_their_own(environment, tmp_path):
    """Nothing is refused: the folders' names differ."""
    names = ("train-00000-of-00001", "validation-00000-of-00001", "test-00000-of-00001")
    root = str(tmp_path / "r")
    for folder in ("hf", "other"):
        data = str(splits_in(tmp_path / folder, *names))
        run = resolve(PipelineConfig(data=data, root=root), environment, print)
        assert run.model_name == f"{folder}_sentiment"
        pushed(run)


def test_a_table_named_imdb_does_not_continue_the_reviews_of_that_name(environment, tmp_path):
    """Though a folder of that name may stand in the current one."""
    root = tmp_path / "r"
    version = root / "serving_model" / "imdb_sentiment" / "7"
    version.mkdir(parents=True)
    card = {"data": {"name": "imdb", "origin": {"path": "imdb", "digest": "d"}}}
    (version / CARD_FILE).write_text(json.dumps(card))
    data = tmp_path / "imdb.csv"
    data.write_text("text,label\nfine,1\npoor,0\n")
    with pytest.raises(ConfigurationError, match="was trained on imdb, and this data is /"):
        resolve(PipelineConfig(data=str(data), root=str(root)), environment, print)


@pytest.mark.parametrize("card", ["", "[]", '{"data": 5}', '{"data": {"name": "other"}}'])
def test_a_card_that_does_not_say_from_where_refuses_nothing(environment, table, tmp_path, card):
    """Those of earlier releases, and what is no card."""
    root = tmp_path / "r"
    version = root / "serving_model" / "my_reviews_sentiment" / "7"
    version.mkdir(parents=True)
    (version / CARD_FILE).write_text(card)
    run = resolve(PipelineConfig(data=str(table), root=str(root)), environment, print)
    assert run.model_name == "my_reviews_sentiment"


def test_an_engine_that_is_not_installed_is_wrong_use(environment, table, monkeypatch):
    """Before anything runs; a comparison asks for no engine."""
    monkeypatch.setenv("PATH", "")
    config = PipelineConfig(data=str(table), infra_validation="docker")
    with pytest.raises(ConfigurationError, match=r"docker: 'docker' is not on PATH\. Install it"):
        resolve(config, environment, print)
    assert resolve(config, environment, print, is_comparison=True).infra_engine is None


@pytest.mark.parametrize(
    ("file", "line", "steps"),
    [
        (
            "components/transform/preprocessing.py",
            ("text = tf.strings.lower(text", "text = tf.strings.upper(text"),
            # The others read its tokens, at the export, in the slices and in the folds.
            {"Transform", "Tuner", "Trainer", "CrossValidator", "Evaluator"},
        ),
        (
            "components/transform/preprocessing.py",
            ("    return {", "    # A comment.\n    return {"),
            set(),
        ),
        (
            "components/models/lstm.py",
            ("import keras", "import keras as keras"),
            {"Tuner", "Trainer", "CrossValidator"},
        ),
        ("components/schema.pbtxt", ("max: 10", "max: 5"), {"SchemaGen"}),
        # It is a process of its own that this step starts.
        ("serving/server/inference.py", ("import time", "import time as time"), {"InfraValidator"}),
        ("pipeline/results/summarize.py", ("is below", "is under"), set()),
        ("pipeline/results/step_titles.py", ("Train the model", "Fit"), set()),
    ],
)
def test_an_edit_runs_the_steps_that_reach_it_again(tmp_path, file, line, steps):
    """On a copy of this project: code counts where it is used; comments and the report do not."""
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, tmp_path / package)
    before = fingerprints([get_variant("lstm")], project=tmp_path)

    text = (tmp_path / file).read_text(encoding="utf-8")
    assert line[0] in text
    (tmp_path / file).write_text(text.replace(*line), encoding="utf-8")

    after = fingerprints([get_variant("lstm")], project=tmp_path)
    assert {step for step in after if after[step] != before[step]} == steps


@pytest.mark.parametrize(
    ("settings", "is_comparison", "words"),
    [
        ({}, False, r"no review is kept for it: --validation-fraction is 0\.0"),
        ({"validation_fraction": 0.1}, True, "a comparison measures all models at 0"),
        ({"validation_fraction": 0.1, "folds": 3}, False, "the models of the folds decide at 0"),
        (
            {"validation_fraction": 0.1, "decide": "recall of eggs >= 0.5"},
            False,
            "names the class 'eggs'; there are negative, positive",
        ),
    ],
)
def test_a_threshold_by_wish_needs_reviews_and_a_class_to_choose_on(
    environment, settings, is_comparison, words
):
    """Before anything runs."""
    config = PipelineConfig(**{"data": "sample", "decide": "recall >= 0.9", **settings})
    with pytest.raises(ConfigurationError, match=words):
        resolve(config, environment, print, is_comparison=is_comparison)


def test_more_than_two_classes_are_not_decided_by_a_threshold(environment, tmp_path):
    """The message lists them."""
    data = tmp_path / "three.csv"
    data.write_text("text,label\n" + "".join(f"text {n},{'abc'[n % 3]}\n" for n in range(600)))
    config = PipelineConfig(data=str(data), decide="recall >= 0.9", validation_fraction=0.1)
    with pytest.raises(ConfigurationError, match="and there are 3: a, b, c"):
        resolve(config, environment, print)
