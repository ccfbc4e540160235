"""What `sentiment compile` writes, refuses, and what the step Settings makes of its parameters."""

from __future__ import annotations

import json
import os
import sys

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from components.errors import ConfigurationError
from pipeline import cli, extras
from pipeline.config import PipelineConfig
from pipeline.runners.kubeflow import compiling, settings_step
from pipeline.runners.kubeflow.cluster_settings import (
    ENGINES,
    RUNTIME_PARAMETERS,
    check_data,
    check_image,
    check_settings,
)
from tests.pipeline.runners.kubeflow.driver import containers_of, order_of, read_spec

IMAGE = "registry.example:5000/team/sentiment:1.2"
ROOT = "gs://bucket/sentiment"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The sample's pipeline, compiled, with `linear`."""
    file = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    config = PipelineConfig(data="sample", model="linear", root=ROOT)
    compiling.compile_pipeline(config, "kubeflow", IMAGE, file)
    return file


def compile_with(tmp_path, **settings):
    """Returns the strictly parsed specification of some settings."""
    file = tmp_path / "pipeline.yaml"
    settings = {"data": "sample", "root": ROOT, **settings}
    compiling.compile_pipeline(PipelineConfig(**settings), "kubeflow", IMAGE, file)
    return read_spec(file)


def test_the_file_is_a_specification_of_version_two_one(compiled):
    """Nothing in it is unknown to the specification's own messages."""
    spec = read_spec(compiled)
    assert spec.schema_version == "2.1.0"
    assert spec.pipeline_info.name == "sample-sentiment"
    assert spec.default_pipeline_root == "gs://bucket/sentiment/pipelines/sample-sentiment"
    assert order_of(spec)[0] == "Settings" and order_of(spec)[-1] == "Pusher"
    assert set(order_of(spec)) == {
        "Settings", "ReviewExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator",
        "DataGate", "Transform", "Trainer", "LatestBlessedModel", "Evaluator", "InfraValidator",
        "Pusher",
    }  # fmt: skip
    assert {container.image for container in containers_of(spec).values()} == {IMAGE}


def test_steps_that_look_anew_are_not_cached(compiled):
    """What was pushed since, and whether the data changed, is no input of a step."""
    tasks = read_spec(compiled).root.dag.tasks
    looking = {name for name, task in tasks.items() if not task.caching_options.enable_cache}
    assert looking == {"Settings", "LatestBlessedModel"}


def test_parameters_of_a_run_have_the_settings_as_defaults(tmp_path):
    """A number is one, and what may be unset is text."""
    spec = compile_with(tmp_path, min_accuracy=0.7, max_regression=0.01)
    declared = spec.root.input_definitions.parameters
    assert set(declared) == set(RUNTIME_PARAMETERS)
    defaults = {
        name: json_format.MessageToDict(one.default_value) for name, one in declared.items()
    }
    assert defaults == {
        "data": "sample", "root": ROOT, "model": "lstm", "epochs": "", "min_accuracy": "0.7",
        "min_macro_f1": "", "max_regression": 0.01, "min_lift": 0.001, "min_slice_accuracy": "",
    }  # fmt: skip
    numbers = {
        name
        for name, one in declared.items()
        if one.parameter_type == pipeline_spec_pb2.ParameterType.NUMBER_DOUBLE
    }
    assert numbers == {"max_regression", "min_lift"}


def test_no_step_but_settings_has_a_constant(compiled):
    """So that every run is told what its own parameters mean, and nothing of this machine."""
    for name, task in read_spec(compiled).root.dag.tasks.items():
        kinds = {given.WhichOneof("kind") for given in task.inputs.parameters.values()}
        expected = "component_input_parameter" if name == "Settings" else "task_output_parameter"
        assert kinds == {expected}


def test_settings_that_shape_the_graph_are_compiled_into_it(tmp_path):
    """A search, folds, a warm start: steps of their own, under the names they have here."""
    spec = compile_with(
        tmp_path, model="lstm", tune=2, validation_fraction=0.1, warm_start=True,
        infra_validation="off",
    )  # fmt: skip
    tasks = spec.root.dag.tasks
    assert {"Tuner", "WarmStartModel"} < set(tasks) and "InfraValidator" not in tasks
    warm = tasks["Trainer"].inputs.artifacts["base_model"].task_output_artifact
    assert (warm.producer_task, warm.output_artifact_key) == ("WarmStartModel", "model")
    assert not tasks["WarmStartModel"].caching_options.enable_cache
    assert "CrossValidator" in compile_with(tmp_path, folds=3).root.dag.tasks


def test_a_job_of_vertex_holds_the_specification_and_the_root(tmp_path):
    """As PipelineJob, strictly parsed."""
    file = tmp_path / "pipeline.json"
    config = PipelineConfig(data="gs://bucket/films/reviews.csv", root=ROOT)
    compiling.compile_pipeline(config, "vertex", IMAGE, file)
    job, spec = pipeline_spec_pb2.PipelineJob(), pipeline_spec_pb2.PipelineSpec()
    json_format.Parse(file.read_text(), job)
    json_format.ParseDict(json_format.MessageToDict(job.pipeline_spec), spec)
    assert spec.pipeline_info.name == "reviews-sentiment"
    root = "gs://bucket/sentiment/pipelines/reviews-sentiment"
    assert job.runtime_config.gcs_output_directory == root


def executor_input(compiled, folder, **parameters) -> str:
    """Returns what a launcher tells Settings."""
    spec = read_spec(compiled)
    given = pipeline_spec_pb2.ExecutorInput()
    for name, declared in spec.root.input_definitions.parameters.items():
        given.inputs.parameter_values[name].CopyFrom(declared.default_value)
    for name, value in parameters.items():
        json_format.ParseDict(value, given.inputs.parameter_values[name])
    for key in spec.components["Settings"].output_definitions.parameters:
        given.outputs.parameters[key].output_file = str(folder / key)
    given.outputs.output_file = str(folder / "executor_output.json")
    return json_format.MessageToJson(given)


def test_settings_tells_each_step_what_the_parameters_mean(compiled, tmp_path):
    """The variant's preset with the epochs, the gate, the folder to push to."""
    given = executor_input(
        compiled, tmp_path, root=str(tmp_path), model="cnn_lstm", epochs="2", min_accuracy="0.66"
    )
    assert settings_step.main(["--settings", "{}", "--executor-input", given]) == 0
    written = json.loads((tmp_path / "executor_output.json").read_text())["parameterValues"]
    trainer = json.loads(written["Trainer_custom_config"])
    assert (trainer["model"], trainer["hyperparameters"]["epochs"]) == ("cnn_lstm", 2)
    assert json.loads(written["Pusher_facts"])["gate"]["min_accuracy"] == 0.66
    assert "0.66" in written["Evaluator_eval_config"]
    assert json.loads(written["ReviewExampleGen_source"])["kind"] == "sample"
    destination = json.loads(written["Pusher_push_destination"])["filesystem"]
    folder = tmp_path / "serving_model" / "sample_sentiment"
    assert destination["base_directory"] == str(folder)
    assert written["LatestBlessedModel_serving_directory"] == str(folder)
    assert written["ReviewExampleGen_validation_fraction"] == 0.0


@pytest.mark.parametrize(
    ("settings", "parameters", "told"),
    [
        ("{}", {"model": "lsmt"}, "Unknown model 'lsmt'"),
        ("{}", {"epochs": "many"}, "--epochs is 'many'; expected a whole number"),
        ("{}", {"data": "imdb"}, "--data is 'imdb'; every step of a cluster must reach"),
        ("{}", {"root": "artifacts"}, "--root is 'artifacts'; a step's own disk is lost"),
        ("{}", {"data": "/no/such/reviews.csv"}, "/no/such/reviews.csv"),
        ('{"folds": 2}', {}, "other steps than these settings make: CrossValidator"),
    ],
)
def test_settings_refuses_what_cannot_be_in_words(
    compiled, tmp_path, capsys, settings, parameters, told
):
    """No traceback: the container's log has one line, and no step after it runs."""
    given = executor_input(compiled, tmp_path, **{"root": str(tmp_path), **parameters})
    assert settings_step.main(["--settings", settings, "--executor-input", given]) == 1
    error = capsys.readouterr().err
    assert told in error and error.startswith("Settings: error: ") and "Traceback" not in error
    assert not (tmp_path / "executor_output.json").exists()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"root": "artifacts"}, "--root is 'artifacts'"),
        ({"root": "/srv/artifacts"}, "--root is '/srv/artifacts'"),
        ({"root": "gs://"}, "Expected a folder of an object store: gs://BUCKET/FOLDER"),
        ({"data": "imdb"}, "Expected sample, a URI such as gs://BUCKET/reviews.csv"),
        ({"data": "reviews.csv"}, "--data is 'reviews.csv'"),
        ({"data": "gs://b/train.csv,test.csv"}, "--data is 'gs://b/train.csv,test.csv'"),
        ({"infra_validation": "docker"}, "a step of a cluster cannot start containers"),
        ({"hyperparameters_from": "tuner"}, "--hyperparameters-from tuner"),
        ({"metadata": "mysql://me@host/films"}, "sees no ML Metadata"),
        ({"beam": "flink", "beam_endpoint": "flink:8099"}, "--beam is 'flink'"),
    ],
)
def test_a_setting_that_means_this_machine_is_refused(engine, settings, told):
    """Says what to set instead."""
    config = PipelineConfig(**{"data": "sample", "root": ROOT, **settings})
    with pytest.raises(ConfigurationError) as raised:
        check_settings(config, engine)
    assert told in str(raised.value)


def test_vertex_takes_google_storage_alone():
    """Kubeflow takes S3 as well."""
    config = PipelineConfig(data="sample", root="s3://bucket/sentiment")
    check_settings(config, "kubeflow")
    with pytest.raises(ConfigurationError, match=r"--root is 's3://bucket/sentiment'"):
        check_settings(config, "vertex")


@pytest.mark.parametrize("data", ["sample", "gs://b/a.csv,gs://b/c.csv", "/mnt/films/*.parquet"])
def test_data_that_every_step_can_reach_is_taken(data):
    """A URI, or a path that is mounted; whether it is there, is known in the cluster."""
    check_data(data)


@pytest.mark.parametrize(
    "image", ["sentiment", "a--b/c_d:1", "localhost:5000/a/b:Tag", f"x.y/z@sha256:{'0' * 64}"]
)
def test_the_name_of_an_image_is_taken(image):
    """As container engines read it."""
    check_image(image)


@pytest.mark.parametrize(
    "image", ["", "a b", "Team/Sentiment", "x/", "https://x/y", "x@sha256:12", "x:", "x" * 600]
)
def test_what_is_no_name_of_an_image_is_refused(image):
    """A cluster would say so hours later, in words of its own."""
    with pytest.raises(ConfigurationError, match="expected the name of a container image"):
        check_image(image)


def test_an_output_that_cannot_be_written_is_told_before_anything_is_computed(tmp_path):
    """A missing folder, a folder in its place, another kind of file."""
    (tmp_path / "taken.yaml").mkdir()
    for name in ("missing/pipeline.yaml", "taken.yaml", "pipeline.txt"):
        with pytest.raises(ConfigurationError, match="--output is"):
            compiling.check_output(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["taken.yaml"]


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    """The file appears whole, by one rename."""
    output = tmp_path / "pipeline.yaml"
    output.write_text("before")

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        compiling.write({"pipelineInfo": {"name": "x"}}, ROOT, output)
    assert output.read_text() == "before" and os.listdir(tmp_path) == ["pipeline.yaml"]


def test_without_the_specifications_messages_the_extra_is_named(monkeypatch, tmp_path, capsys):
    """The command says what to install."""
    monkeypatch.setitem(sys.modules, "kfp.pipeline_spec", None)
    monkeypatch.setattr(extras, "_is_there", lambda module: not module.startswith("kfp"))
    words = ["compile", "--runner", "kubeflow", "--image", IMAGE, "--root", ROOT]
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert "compile needs kfp.pipeline_spec, which is not installed" in error
    assert "pip install 'sentiment[kubeflow]'" in error


def test_the_command_says_what_it_wrote_and_nothing_of_libraries(tmp_path, capfd):
    """The file, its steps, and what a run of it can be told."""
    output = tmp_path / "films.yaml"
    words = ["--image", IMAGE, "--root", ROOT, "--data", "sample", "--output", str(output)]
    assert cli.main(["compile", "--runner", "vertex", *words]) == 0
    printed, errors = capfd.readouterr()
    assert errors == ""
    assert printed == (
        f"{output}: 12 steps for vertex, in {IMAGE}\n"
        f"parameters of a run: {', '.join(RUNTIME_PARAMETERS)}\n"
    )
    assert yaml.safe_load(output.read_text())["schemaVersion"] == "2.1.0"
