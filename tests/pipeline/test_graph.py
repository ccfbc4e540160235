"""The pipeline's shape."""

from __future__ import annotations

import ast
import dataclasses
import json
from pathlib import Path

import pytest
from tfx.dsl.components.common.resolver import RESOLVER_CONFIG
from tfx.proto import pusher_pb2, transform_pb2
from tfx.utils import proto_utils

from components.dataset.source import ReviewSource
from components.errors import ConfigurationError
from pipeline.config import PipelineConfig
from pipeline.fingerprint import PROJECT
from pipeline.graph import SOURCE_FINGERPRINT, create_pipeline
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import resolve
from serving import engines


@pytest.fixture
def pipeline_of(tmp_path):
    """Builds the pipeline of some settings, with the sample as data."""

    def build(is_comparison=False, **settings):
        config = PipelineConfig(data="sample", root=str(tmp_path), **settings)
        environment = EnvironmentSettings(imdb_archive=None, cache_dir=tmp_path)
        return create_pipeline(resolve(config, environment, print, is_comparison))

    return build


def steps_of(pipeline):
    """Returns the steps by their ids."""
    return {step.id: step for step in pipeline.components}


def upstream(step):
    """Returns the ids of the steps that a step waits for."""
    return {node.id for node in step.upstream_nodes}


def test_building_touches_no_file(pipeline_of, tmp_path):
    """The graph is pure: the same settings may be compiled for any runner, anywhere."""
    pipeline_of()
    assert list(tmp_path.iterdir()) == []


def test_the_data_gate_stands_before_transform_and_both_validators_before_the_pusher(pipeline_of):
    """Nothing is trained on refused data, and nothing refused is pushed."""
    steps = steps_of(pipeline_of())
    assert upstream(steps["DataGate"]) == {"ReviewExampleGen", "ExampleValidator"}
    assert "DataGate" in upstream(steps["Transform"])
    assert upstream(steps["InfraValidator"]) == {"ReviewExampleGen", "Trainer", "Evaluator"}
    assert upstream(steps["Pusher"]) == {
        "ReviewExampleGen", "Trainer", "Evaluator", "InfraValidator",
    }  # fmt: skip


def test_infra_validation_can_be_turned_off_and_tried_in_another_server(pipeline_of, monkeypatch):
    """The Pusher then waits for the gate alone; the engine is the step's parameter."""
    for is_installed, setting, engine in (
        (False, "auto", "embedded"), (True, "auto", "binary"), (True, "docker", "docker"),
    ):  # fmt: skip
        monkeypatch.setattr(engines, "is_installed", lambda engine, found=is_installed: found)
        step = steps_of(pipeline_of(infra_validation=setting))["InfraValidator"]
        assert step.exec_properties["engine"] == engine
    steps = steps_of(pipeline_of(infra_validation="off"))
    assert "InfraValidator" not in steps
    assert "infra_blessing" not in steps["Pusher"].inputs


def test_nothing_learns_from_the_test_split(pipeline_of):
    """Transform and Trainer see train, and eval when there is one."""
    for fraction, splits in ((0.0, ["train"]), (0.1, ["train", "eval"])):
        steps = steps_of(pipeline_of(validation_fraction=fraction))
        config = transform_pb2.SplitsConfig()
        proto_utils.json_to_proto(steps["Transform"].exec_properties["splits_config"], config)
        assert list(config.analyze) == ["train"]
        assert list(config.transform) == splits
        trainer = steps["Trainer"].exec_properties
        assert json.loads(trainer["train_args"])["splits"] == ["train"]
        assert json.loads(trainer["eval_args"])["splits"] == splits[-1:]
        assert json.loads(steps["Evaluator"].exec_properties["example_splits"]) == ["test"]


def test_an_eval_split_of_the_data_is_validated_on(tmp_path):
    """As one that is carved out of train."""
    for split in ("train", "validation", "test"):
        (tmp_path / f"{split}.csv").write_text("text,label\na,1\nb,0\nc,1\nd,0\n")
    config = PipelineConfig(data=str(tmp_path), root=str(tmp_path), positive_label="1, 5")
    environment = EnvironmentSettings(imdb_archive=None, cache_dir=tmp_path)
    steps = steps_of(create_pipeline(resolve(config, environment, lambda sentence: None)))
    assert json.loads(steps["Trainer"].exec_properties["eval_args"])["splits"] == ["eval"]
    assert json.loads(steps["Trainer"].exec_properties["custom_config"])["has_validation"]
    source = ReviewSource.from_json(steps["ReviewExampleGen"].exec_properties["source"])
    assert source.label_classes == (("1", "positive"), ("5", "positive"), ("0", "negative"))


def test_a_comparison_measures_and_no_more(pipeline_of):
    """Nothing is pushed, and no earlier model plays a part."""
    steps, run = (steps_of(pipeline_of(is_comparison=each)) for each in (True, False))
    assert run.keys() - steps.keys() == {"LatestBlessedModel", "InfraValidator", "Pusher"}
    assert "baseline_model" not in steps["Evaluator"].inputs
    assert "baseline_model" in run["Evaluator"].inputs


def test_tuner_and_earlier_model_are_steps_only_when_asked_for(pipeline_of):
    """The Trainer waits for both; the Tuner sees train and eval."""
    assert not {"Tuner", "WarmStartModel"} & steps_of(pipeline_of()).keys()
    steps = steps_of(pipeline_of(tune=3, validation_fraction=0.1, warm_start=True, epochs=2))
    assert {"Tuner", "WarmStartModel"} <= upstream(steps["Trainer"])
    tuner = steps["Tuner"].exec_properties
    assert json.loads(tuner["train_args"])["splits"] == ["train"]
    assert json.loads(tuner["eval_args"])["splits"] == ["eval"]
    assert json.loads(tuner["custom_config"])["trials"] == 3
    assert "epochs" in json.loads(tuner["custom_config"])["set_by_user"]


def test_the_gate_is_what_the_user_asked_for(pipeline_of):
    """All three bounds reach the Evaluator."""
    steps = steps_of(pipeline_of(min_accuracy=0.77, max_regression=0.02, min_lift=0.003))
    config = steps["Evaluator"].exec_properties["eval_config"]
    assert '"lower_bound": 0.77' in config
    assert '"absolute": -0.02' in config
    assert '"lower_bound": 0.003' in config


def test_the_classes_of_the_data_reach_all_that_must_know_them(tmp_path):
    """Training, search, baseline, evaluation and card."""
    environment = EnvironmentSettings(imdb_archive=None, cache_dir=tmp_path)
    config = PipelineConfig(
        data="sample", root=str(tmp_path), tune=2, validation_fraction=0.1, min_macro_f1=0.4
    )
    run = resolve(config, environment, print)
    classes = ["billing", "delivery", "other"]
    source = dataclasses.replace(run.source, classes=tuple(classes))
    steps = steps_of(create_pipeline(dataclasses.replace(run, source=source)))
    for step in ("Trainer", "Tuner"):
        assert json.loads(steps[step].exec_properties["custom_config"])["classes"] == classes
    assert '"signature_name": "classify"' in steps["Evaluator"].exec_properties["eval_config"]
    assert steps["LatestBlessedModel"].exec_properties[RESOLVER_CONFIG] == {"classes": classes}
    facts = json.loads(steps["Pusher"].exec_properties["facts"])
    assert facts["classes"] == classes
    assert facts["gate"] == {
        "min_accuracy": 0.0, "min_macro_f1": 0.4, "max_regression": 0.005, "min_lift": 0.001,
    }  # fmt: skip


def test_all_that_make_or_read_token_ids_know_their_settings(pipeline_of):
    """Transform, Tuner and Trainer; no step before them, so that reviews are not read anew."""
    asked = {"max_length": 40, "vocabulary_size": 300, "tokens": "characters", "emoji": True}
    plain, other = (
        steps_of(pipeline_of(tune=2, validation_fraction=0.1, **settings))
        for settings in ({}, asked)
    )
    for name in ("Transform", "Tuner", "Trainer"):
        found = json.loads(other[name].exec_properties["custom_config"])["tokens"]
        assert found == {"min_word_count": 1, **asked}
    changed = {
        name
        for name, step in plain.items()
        if repr(step.exec_properties) != repr(other[name].exec_properties)
    }
    assert changed == {"Transform", "Tuner", "Trainer"}


def test_a_model_is_pushed_below_its_name(pipeline_of, tmp_path):
    """TF-Serving's base path: root, serving_model, name."""
    destination = pusher_pb2.PushDestination()
    steps = steps_of(pipeline_of(model_name="films"))
    proto_utils.json_to_proto(steps["Pusher"].exec_properties["push_destination"], destination)
    assert Path(destination.filesystem.base_directory) == tmp_path / "serving_model/sample_films"


def test_with_folds_the_cross_validator_has_the_last_word_before_the_server(pipeline_of):
    """The Evaluator only compares with the last blessed model; the minimums hold for the folds."""
    steps = steps_of(pipeline_of(folds=4, min_accuracy=0.7, max_regression=0.02))
    step = steps["CrossValidator"]
    assert upstream(step) == {"ReviewExampleGen", "Trainer", "Evaluator"}
    assert step.exec_properties["folds"] == 4
    bounds = json.loads(step.exec_properties["bounds"])
    assert (bounds["min_accuracy"], bounds["min_lift"]) == (0.7, 0.001)
    assert SOURCE_FINGERPRINT in step.exec_properties
    for judged in ("InfraValidator", "Pusher"):
        blessing = steps[judged].inputs["model_blessing"]
        assert blessing.producer_component_id == "CrossValidator"
    on_test = json.loads(steps["Evaluator"].exec_properties["eval_config"])
    thresholds = [
        (json.loads(metric["config"])["name"], each["threshold"])
        for metric in on_test["metrics_specs"][0]["metrics"]
        for each in metric.get("per_slice_thresholds", ())
    ]
    ((name, threshold),) = thresholds
    assert name == "binary_accuracy" and threshold["value_threshold"] == {"lower_bound": 0.0}
    assert threshold["change_threshold"]["absolute"] == -0.02
    assert "CrossValidator" not in steps_of(pipeline_of())
    facts = json.loads(steps["Pusher"].exec_properties["facts"])
    assert facts["gate"]["folds"] == 4


def test_auto_brings_the_trainer_all_that_it_chooses_from(pipeline_of):
    """So the cache knows of a changed value, and of edited code, of any of them."""
    trainer = steps_of(pipeline_of(model="auto", epochs=2, class_weights="balanced"))["Trainer"]
    config = json.loads(trainer.exec_properties["custom_config"])
    assert config["model"] == "auto" and "hyperparameters" not in config
    assert set(config["candidates"]) == {"linear", "cnn_bilstm_linear"}
    assert config["candidates"]["cnn_bilstm_linear"]["epochs"] == 2
    assert {each["class_weights"] for each in config["candidates"].values()} == {"balanced"}
    linear = steps_of(pipeline_of(model="linear"))["Trainer"]
    prints = {step.exec_properties[SOURCE_FINGERPRINT] for step in (trainer, linear)}
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "auto", "warm_start": True}, "`model='auto'` chooses .*`warm_start`"),
        ({"model": "auto", "tune": 3, "validation_fraction": 0.1}, "`tune` is about a certain one"),
        ({"folds": 3, "warm_start": True}, "--folds and --warm-start: an earlier model has seen"),
        ({"folds": 21}, "--folds is 21; expected a whole number from 2 to 20"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(pipeline_of, settings, message):
    """Before anything runs."""
    with pytest.raises(ConfigurationError, match=message):
        pipeline_of(**settings)


def test_steps_with_code_of_ours_carry_its_fingerprint(pipeline_of):
    """TFX's cache sees import paths alone; an edited function must be news to it."""
    steps = steps_of(pipeline_of())
    carriers = {name for name, step in steps.items() if SOURCE_FINGERPRINT in step.exec_properties}
    assert carriers == {
        "SchemaGen",
        "ReviewExampleGen",
        "DataGate",
        "Transform",
        "Trainer",
        "Evaluator",
        "InfraValidator",
        "Pusher",
    }


def test_the_cache_can_be_turned_off(pipeline_of):
    """By a setting."""
    assert pipeline_of().enable_cache
    assert not pipeline_of(cache=False).enable_cache


def test_no_module_imports_the_extensions_of_tfx():
    """They import Google Cloud's clients, which every process of a run would wait for."""
    for folder in ("components", "pipeline", "serving"):
        for path in (PROJECT / folder).rglob("*.py"):
            imported = {
                name
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                for name in (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
            }
            found = [name for name in imported if name.startswith(("tfx.v1", "tfx.extensions"))]
            assert not found, f"{path} imports {found}"


def changed_between(steps, others):
    """Returns the steps with other parameters."""
    return {name for name in steps if steps[name].exec_properties != others[name].exec_properties}


def test_what_is_asked_of_slices_is_asked_of_the_evaluator_alone(pipeline_of):
    """Another least accuracy, or size, leaves the reviews, the model and its training as they are.

    The Pusher's card tells it.
    """
    sliced = steps_of(pipeline_of(slice_by="rating"))
    gated = steps_of(pipeline_of(slice_by="rating", min_slice_accuracy=0.75, min_slice_size=50))
    changed = changed_between(sliced, gated)
    assert changed == {"Evaluator", "Pusher"}
    folds = steps_of(pipeline_of(slice_by="rating", folds=3))
    gated = steps_of(pipeline_of(slice_by="rating", folds=3, min_slice_accuracy=0.75))
    changed = changed_between(folds, gated)
    assert changed == {"CrossValidator", "Pusher"}


def test_the_columns_of_slices_are_a_part_of_what_is_read(pipeline_of):
    """Others are read anew, and the schema has them; stars are sliced by in any case."""
    plain, sliced = steps_of(pipeline_of()), steps_of(pipeline_of(slice_by="rating"))
    changed = changed_between(plain, sliced)
    assert changed == {"ReviewExampleGen", "SchemaGen"}


def test_folds_know_slices_by_columns_alone(pipeline_of):
    """Without a column, a least accuracy of slices would mean nothing to them."""
    with pytest.raises(ConfigurationError, match=r"none is named\. Name some with --slice-by"):
        pipeline_of(folds=3, min_slice_accuracy=0.75)
