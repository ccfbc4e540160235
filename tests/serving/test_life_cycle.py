"""Versions come, break, go and come back, and whoever asks meanwhile is answered."""

from __future__ import annotations

import shutil
import time

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import model_management_pb2, prediction_log_pb2

from serving.server.loading import WARMUP_FILE
from serving.server.saved_model import SavedModel
from serving.status import StatusError

from .calling import Stubs, ask, floats, predict, predict_request, refusal, wait_until

FAST = {
    "file_system_poll_wait_seconds": 0.05,
    "load_retry_interval_micros": 100_000,
    "max_num_load_retries": 1,
}


@pytest.fixture
def serve_model(tmp_path, serve):
    """Serves tmp_path / "m" as `m`, with short waits; returns the server."""

    def start(**flags):
        return serve(model_name="m", model_base_path=str(tmp_path / "m"), **{**FAST, **flags})

    return start


def _states(server, model: str = "m") -> dict[int, str]:
    status = ask(server.rest_port, "GET", f"/v1/models/{model}").json["model_version_status"]
    return {int(one["version"]): one["state"] for one in status}


def _answer(server, model: str = "m") -> float:
    """What the served version makes of 0: 2 or, by `half/00000123`, 3."""
    return predict(server.rest_port, model, {"instances": [0]}).json["predictions"][0]


def _reload(config: str) -> model_management_pb2.ReloadConfigRequest:
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(config, request.config)
    return request


def test_new_versions_replace_old_ones_and_deleting_rolls_back(tmp_path, copy_version, serve_model):
    """The newest serves; when its folder goes, the one before serves again."""
    copy_version("half/1", tmp_path / "m" / "1")
    server = serve_model()
    assert _answer(server) == 2.0
    copy_version("half/00000123", tmp_path / "m" / "2")
    wait_until(lambda: _states(server) == {2: "AVAILABLE", 1: "END"})
    assert _answer(server) == 3.0
    gone = ask(server.rest_port, "POST", "/v1/models/m/versions/1:predict", {"instances": [0]})
    assert gone.error == "Servable not found for request: Specific(m, 1)"
    shutil.rmtree(tmp_path / "m" / "2")
    wait_until(lambda: _states(server) == {2: "END", 1: "AVAILABLE"})
    assert _answer(server) == 2.0
    shutil.rmtree(tmp_path / "m" / "1")
    wait_until(lambda: _states(server) == {2: "END", 1: "END"})
    answer = predict(server.rest_port, "m", {"instances": [0]})
    assert answer.error == "Servable not found for request: Latest(m)"


def test_a_broken_version_never_replaces_a_good_one(tmp_path, copy_version, serve_model):
    """It is tried again, then reported; a later good one, or its removal, mends it."""
    copy_version("half/1", tmp_path / "m" / "1")
    server = serve_model()
    (tmp_path / "m" / "2").mkdir()
    (tmp_path / "m" / "2" / "saved_model.pb").write_bytes(b"no model")
    wait_until(lambda: _states(server).get(2) == "END")
    assert _states(server)[1] == "AVAILABLE"
    assert _answer(server) == 2.0
    status = ask(server.rest_port, "GET", "/v1/models/m/versions/2").json["model_version_status"]
    assert status[0]["status"]["error_code"] == "DATA_LOSS"
    assert "half copied" in status[0]["status"]["error_message"]
    copy_version("half/00000123", tmp_path / "m" / "3")
    wait_until(lambda: _states(server) == {3: "AVAILABLE", 2: "END", 1: "END"})
    assert _answer(server) == 3.0


def test_a_broken_version_that_retries_holds_up_nothing(tmp_path, copy_version, serve_model):
    """While it waits for its next attempt, another version is loaded at once."""
    copy_version("half/1", tmp_path / "m" / "1")
    server = serve_model(max_num_load_retries=5, load_retry_interval_micros=60_000_000)
    (tmp_path / "m" / "2").mkdir()
    (tmp_path / "m" / "2" / "saved_model.pb").write_bytes(b"no model")
    wait_until(lambda: _states(server).get(2) == "LOADING")
    copy_version("half/00000123", tmp_path / "m" / "3")
    wait_until(lambda: _states(server) == {3: "AVAILABLE", 2: "END", 1: "END"}, seconds=5)


def test_a_half_copied_version_is_waited_for(tmp_path, copy_version, serve_model, model_directory):
    """No saved_model.pb, no attempt; missing variables are cured by the next one."""
    copy_version("half/1", tmp_path / "m" / "1")
    server = serve_model(max_num_load_retries=100)
    half = tmp_path / "m" / "2"
    shutil.copytree(
        model_directory / "half/00000123",
        half,
        ignore=shutil.ignore_patterns("*.pb", "variables.*"),
    )
    time.sleep(0.3)
    assert _states(server) == {1: "AVAILABLE"}
    shutil.copy(model_directory / "half/00000123/saved_model.pb", half)
    wait_until(lambda: _states(server) == {2: "LOADING", 1: "AVAILABLE"})
    assert _answer(server) == 2.0
    for path in (model_directory / "half/00000123/variables").iterdir():
        shutil.copy(path, half / "variables")
    wait_until(lambda: _states(server) == {2: "AVAILABLE", 1: "END"})
    assert _answer(server) == 3.0


def test_what_is_loaded_outlives_its_base_path(tmp_path, copy_version, serve_model):
    """A base path that vanishes is a fault of the disk, not a wish to unload."""
    copy_version("half/1", tmp_path / "m" / "1")
    server = serve_model()
    (tmp_path / "m").rename(tmp_path / "elsewhere")
    time.sleep(0.4)
    assert _states(server) == {1: "AVAILABLE"}
    assert _answer(server) == 2.0


def test_the_start_fails_when_the_only_version_is_broken(tmp_path, serve_model):
    """It says which version and why."""
    (tmp_path / "m" / "7").mkdir(parents=True)
    (tmp_path / "m" / "7" / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(StatusError) as error:
        serve_model()
    assert str(error.value).startswith(
        "UNKNOWN: 1 servable(s) did not become available: {{{name: m version: 7} due to error: "
        "DATA_LOSS: Can't parse "
    )


def test_a_model_of_another_graph_tag_or_unknown_operations_is_refused(tmp_path, serve_model):
    """What a newer TensorFlow wrote names the operation that this one lacks."""
    (tmp_path / "m" / "1").mkdir(parents=True)
    saved_model = saved_model_pb2.SavedModel()
    graph = saved_model.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.node.add(name="new", op="OperationOfTheFuture")
    path = tmp_path / "m" / "1" / "saved_model.pb"
    path.write_bytes(saved_model.SerializeToString())
    with pytest.raises(StatusError, match="OperationOfTheFuture"):
        serve_model()
    with pytest.raises(StatusError, match=r"matching supplied tags: { gpu }.*holds: { serve }"):
        serve_model(saved_model_tags="gpu")


def test_a_graph_of_another_tensorflow_is_reported_and_the_old_version_stays(
    tmp_path, copy_version, serve_model
):
    """When it says itself that this TensorFlow is too old to read it."""
    copy_version("half/1", tmp_path / "m" / "1")
    server = serve_model()
    saved_model = saved_model_pb2.SavedModel()
    newer = copy_version("half/1", tmp_path / "elsewhere" / "2")
    saved_model.ParseFromString((newer / "saved_model.pb").read_bytes())
    saved_model.meta_graphs[0].graph_def.versions.min_consumer = 1_000_000
    (newer / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    newer.rename(tmp_path / "m" / "2")
    wait_until(lambda: _states(server).get(2) == "END")
    (version,) = ask(server.rest_port, "GET", "/v1/models/m/versions/2").json[
        "model_version_status"
    ]
    assert (
        "min consumer version 1000000 above current version" in (version["status"]["error_message"])
    )
    assert _answer(server) == 2.0


def test_a_model_of_tensorflow_1_is_served(tmp_path, serve_model):
    """Written by its own builder: a session's graph, with variables and no functions."""
    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        constant = v1.get_variable("constant", initializer=2.0, use_resource=False)
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(tmp_path / "m" / "1"))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": x * 0.5 + constant})
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map={"serving_default": signature}
        )
        builder.save()
    assert _answer(serve_model()) == 2.0


def _write_warmup(version, *logs: prediction_log_pb2.PredictionLog) -> None:
    path = version / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def _predict_log(signature: str = "") -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(predict_request("any name", signature, x=floats(1)))
    return log


def test_warm_up_requests_are_replayed_before_a_version_serves(tmp_path, copy_version, serve_model):
    """The model's name in them does not matter; the time they took is a metric."""
    version = copy_version("half/1", tmp_path / "m" / "1")
    _write_warmup(version, *[_predict_log()] * 3)
    server = serve_model()
    assert _answer(server) == 2.0
    assert f'warmup_latency_count{{model_path="{version}",status="OK"}} 1' in server.metrics.page()


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        ([_predict_log("no")], 'Serving signature key "no" not found.'),
        ([_predict_log()] * 1001, "Number of warmup records exceeds the maximum (1000)"),
        ([prediction_log_pb2.PredictionLog()], "Unsupported log_type for warmup"),
    ],
)
def test_a_version_that_does_not_warm_up_does_not_serve(
    tmp_path, copy_version, serve_model, logs, reason
):
    """Unless warm-up is off."""
    version = copy_version("half/1", tmp_path / "m" / "1")
    _write_warmup(version, *logs)
    with pytest.raises(StatusError) as error:
        serve_model()
    assert reason in error.value.message
    assert _answer(serve_model(enable_model_warmup=False)) == 2.0


def test_a_multi_inference_request_warms_up_several_signatures(tmp_path, copy_version, serve_model):
    """Each is fed by its own input, as when a client asks; its examples are counted."""
    version = copy_version("examples/1", tmp_path / "m" / "1")
    log = prediction_log_pb2.PredictionLog()
    for signature in ("classify", "regress"):
        task = log.multi_inference_log.request.tasks.add()
        task.model_spec.name, task.model_spec.signature_name = "m", signature
        task.method_name = f"tensorflow/serving/{signature}"
    example = log.multi_inference_log.request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(0.5)
    _write_warmup(version, log)
    server = serve_model()
    page = server.metrics.page()
    assert f'warmup_latency_count{{model_path="{version}",status="OK"}} 1' in page
    assert ':request_example_count_total{model="m"} 1' in page


@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        ("no shard", "NOT_FOUND", "variables.data-00000-of-00001; No such file or directory"),
        ("no file", "NOT_FOUND", "Could not find SavedModel .pb or .pbtxt at supplied export "),
        ("cut file", "OUT_OF_RANGE", "Read less bytes than requested"),
        ("cut shard", "OUT_OF_RANGE", "Read less bytes than requested"),
        ("other file", "DATA_LOSS", "Can't parse "),
        ("other index", "DATA_LOSS", "file is too short to be an sstable"),
        ("empty file", "NOT_FOUND", "Could not find meta graph def matching supplied tags: "),
    ],
)
def test_a_damaged_version_is_named_as_tensorflows_own_loader_names_it(
    tmp_path, copy_version, damage, code, message
):
    """By code and words, which TF-Serving passes on: they were read off that loader."""
    version = copy_version("half/1", tmp_path / "1")
    graph = version / "saved_model.pb"
    shard, index = (version / "variables" / f"variables.{end}" for end in
                    ("data-00000-of-00001", "index"))  # fmt: skip
    {
        "no shard": shard.unlink,
        "no file": graph.unlink,
        "cut file": lambda: graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2]),
        "cut shard": lambda: shard.write_bytes(b""),
        "other file": lambda: graph.write_bytes(b"\xff\xfe garbage " * 50),
        "other index": lambda: index.write_bytes(b"xx"),
        "empty file": lambda: graph.write_bytes(b""),
    }[damage]()
    with pytest.raises(StatusError) as error:
        SavedModel(version)
    assert error.value.code.name == code
    assert message in error.value.message


def test_warm_up_files_must_be_tf_records(tmp_path, copy_version, serve_model):
    """What is wrong with the file is said."""
    version = copy_version("half/1", tmp_path / "m" / "1")
    (version / WARMUP_FILE).parent.mkdir()
    (version / WARMUP_FILE).write_bytes(b"not a record at all")
    with pytest.raises(StatusError, match="verify your warmup data is in TFRecord format"):
        serve_model()


def test_reload_adds_removes_and_labels(tmp_path, copy_version, serve_model):
    """New models are awaited; labels need a version that serves; what is left out goes."""
    copy_version("half/1", tmp_path / "m" / "1")
    copy_version("half/00000123", tmp_path / "m" / "2")
    copy_version("half/00000123", tmp_path / "n" / "5")
    server = serve_model()
    reload = Stubs(server.grpc_port).model.HandleReloadConfigRequest
    both = "model_version_policy { specific { versions: 1 versions: 2 } }"
    m = f'name: "m" base_path: "{tmp_path / "m"}" model_platform: "tensorflow" {both}'
    n = f'name: "n" base_path: "{tmp_path / "n"}" model_platform: "tensorflow"'
    label = 'version_labels { key: "canary" value: %d }'

    request = _reload(f"model_config_list {{ config {{ {m} }} config {{ {n} }} }}")
    request.metric_names.append("/tensorflow/cc/saved_model/load_attempt_count")
    response = reload(request, timeout=30)
    assert response.status.error_code == 0
    assert response.metric[0].int64_value_increase >= 1
    assert _answer(server, "n") == 3.0
    wait_until(lambda: _states(server) == {2: "AVAILABLE", 1: "AVAILABLE"})

    assert refusal(reload, _reload(f"model_config_list {{ config {{ {m} {label % 9} }} }}")) == (
        "FAILED_PRECONDITION",
        "Request to assign label to version 9 of model m, which is not currently available for "
        "inference",
    )
    reload(_reload(f"model_config_list {{ config {{ {m} {label % 1} }} }}"), timeout=30)
    target = "/v1/models/m/labels/canary:predict"
    assert ask(server.rest_port, "POST", target, {"instances": [0]}).json == {"predictions": [2.0]}
    wait_until(lambda: _states(server, "n") == {5: "END"})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            'config { name: "a" base_path: "/a" model_platform: "tensorflow" } '
            'config { name: "a" base_path: "/b" model_platform: "tensorflow" }',
            "Illegal to list model a multiple times in config list",
        ),
        (
            'config { name: "a" base_path: "b/c" model_platform: "tensorflow" }',
            "Expected model a to have an absolute path or URI; got base_path()=b/c",
        ),
        (
            'config { name: "a" base_path: "/b" }',
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform, model name is a",
        ),
        (
            'config { name: "a" base_path: "/b" model_platform: "x" }',
            "Model a requests unsupported platform x",
        ),
        (
            'config { name: "half" base_path: "/b" model_platform: "x" }',
            "Illegal to change a model's platform. For model half platform was tensorflow and new "
            "platform requested is x",
        ),
    ],
)
def test_configurations_are_checked(stubs, config, message):
    """Each fault has its text, and what is served stays."""
    reload = stubs.model.HandleReloadConfigRequest
    assert refusal(reload, _reload(f"model_config_list {{ {config} }}")) == (
        "INVALID_ARGUMENT", message,
    )  # fmt: skip
    assert stubs.prediction.Predict(predict_request("half", x=floats(0)), timeout=30)


def test_a_new_model_that_cannot_be_loaded_fails_the_reload(tmp_path, copy_version, serve_model):
    """UNKNOWN, with the reason."""
    copy_version("half/1", tmp_path / "m" / "1")
    server = serve_model()
    (tmp_path / "n" / "5").mkdir(parents=True)
    (tmp_path / "n" / "5" / "saved_model.pb").write_bytes(b"no model")
    config = "".join(
        f'config {{ name: "{name}" base_path: "{tmp_path / name}" model_platform: "tensorflow" }}'
        for name in "mn"
    )
    code, message = refusal(
        Stubs(server.grpc_port).model.HandleReloadConfigRequest,
        _reload(f"model_config_list {{ {config} }}"),
    )
    assert code == "UNKNOWN"
    assert message.startswith(
        "1 model(s) did not become available: {{{name: n version: 5} due to error: DATA_LOSS"
    )


def test_the_configuration_file_is_followed(tmp_path, copy_version, serve):
    """A new text is taken up; one that cannot be read changes nothing."""
    copy_version("half/1", tmp_path / "m" / "1")
    copy_version("half/00000123", tmp_path / "n" / "1")
    file = tmp_path / "models.config"
    m, n = (
        f'config {{ name: "{name}" base_path: "{tmp_path / name}" model_platform: "tensorflow" }}'
        for name in "mn"
    )
    file.write_text(f"model_config_list {{ {m} }}")
    server = serve(model_config_file=str(file), model_config_file_poll_wait_seconds=0.05, **FAST)
    file.write_text("nonsense")
    time.sleep(0.2)
    assert _answer(server) == 2.0
    file.write_text(f"model_config_list {{ {m} {n} }}")
    wait_until(lambda: "n" in server.servables.available_versions())
    assert _answer(server, "n") == 3.0
