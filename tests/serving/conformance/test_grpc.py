"""gRPC answers as TF-Serving's does: the specification's tables against a real server."""

from __future__ import annotations

import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    regression_pb2,
)

from ..calling import floats, predict_request, refusal

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def _with_version(request, version: int | None = None, label: str | None = None):
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    return request


def _filtered(request, *aliases: str):
    request.output_filter.extend(aliases)
    return request


def _content(dtype: int, size: int, content: bytes) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto(dtype=dtype, tensor_content=content)
    proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (predict_request(None), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (predict_request(""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (predict_request("no"), "NOT_FOUND", "Servable not found for request: Latest(no)"),
        (
            _with_version(predict_request("half"), 0), "NOT_FOUND",
            "Servable not found for request: Specific(half, 0)",
        ),
        (
            _with_version(predict_request("half"), 9), "NOT_FOUND",
            "Servable not found for request: Specific(half, 9)",
        ),
        (
            _with_version(predict_request("no"), label="x"), "INVALID_ARGUMENT",
            "Unrecognized servable version label: x",
        ),
        (
            predict_request("half", "no"), "FAILED_PRECONDITION",
            'Serving signature key "no" not found.',
        ),
        (
            predict_request("half"), "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
            "Missing but required: {x}.",
        ),
        (
            predict_request("half", x=floats(1), z=floats(1), b=floats(1)), "INVALID_ARGUMENT",
            "input size does not match signature: 3!=1 len({b,x,z}) != len({x}). Sent extra: "
            "{b,z}. Missing but required: {}.",
        ),
        (
            predict_request("half", z=floats(1)), "INVALID_ARGUMENT",
            "Signature input alias: x(feed name: serving_default_x:0) not found in request and no "
            "default value provided. Inputs expected to be in the request {z}, or default input "
            "alias set: ",
        ),
        (
            predict_request("half", x=tensor_pb2.TensorProto()), "INVALID_ARGUMENT",
            "tensor parsing error: x",
        ),
        (
            predict_request("half", x=_content(1, 2, b"abc")), "INVALID_ARGUMENT",
            "tensor parsing error: x",
        ),
        (
            predict_request("half", x=_content(1, -2, b"")), "INVALID_ARGUMENT",
            "tensor parsing error: x",
        ),
        (
            predict_request("half", x=_content(1, 2**40, b"")), "INVALID_ARGUMENT",
            "tensor parsing error: x",
        ),
        (
            _filtered(predict_request("half", x=floats(1)), "no"), "INVALID_ARGUMENT",
            "output tensor alias not found in signature: no Outputs expected to be in the set "
            "{y}.",
        ),
        (
            _filtered(predict_request("half", x=floats(1)), "y", "y"), "INVALID_ARGUMENT",
            "duplicate output tensor alias: y",
        ),
        (
            predict_request("echo", text=floats(1)), "INVALID_ARGUMENT",
            "Expects arg[0] to be string but float is provided",
        ),
        (
            predict_request("two", a=floats(1), b=np.array([1], np.int64)), "INVALID_ARGUMENT",
            "Expects arg[1] to be float but int64 is provided",
        ),
    ],
)  # fmt: skip
def test_predict_errors(stubs, request_, code, message):
    """Each thing that can be wrong with a Predict call has its code and its text."""
    assert refusal(stubs.prediction.Predict, request_) == (code, message)


def test_predict_answers_in_typed_fields(stubs):
    """The response says which version and signature answered."""
    response = stubs.prediction.Predict(predict_request("half", x=floats(1, 2)), timeout=30)
    assert list(response.outputs["y"].float_val) == [3.5, 4.0]
    assert response.outputs["y"].tensor_content == b""
    assert response.model_spec.name == "half"
    assert response.model_spec.version.value == 123
    assert response.model_spec.signature_name == "serving_default"
    labelled = _with_version(predict_request("half", x=floats(0)), label="stable")
    response = stubs.prediction.Predict(labelled, timeout=30)
    assert response.model_spec.version.value == 1
    assert response.model_spec.version_label == ""


def test_typed_fields_of_another_count_are_no_error(stubs):
    """Too few values: the last is repeated. Too many: the rest is dropped. None: zeros."""
    for given, expected in (([2], [3, 4, 4, 4]), ([2, 4, 6, 8, 10], [3, 4, 5, 6, 7]), ([], [3])):
        proto = tensor_pb2.TensorProto(dtype=1, float_val=given)
        size = len(expected) if len(given) < 5 else 4
        proto.tensor_shape.dim.add(size=size)
        response = stubs.prediction.Predict(predict_request("half", x=proto), timeout=30)
        wanted = {1: [4.0] * 4, 5: [4, 5, 6, 7], 0: [3]}[len(given)]
        assert list(response.outputs["y"].float_val) == wanted


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "int32", "int64", "uint8", "uint64", "float32", "float64", "float16"]
)
def test_data_types_pass_unchanged(stubs, dtype):
    """As typed fields and as tensor_content."""
    array = np.array([0, 1, 100], dtype)
    typed = tensor_pb2.TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum)
    typed.CopyFrom(tf.make_tensor_proto(array))
    content = _content(typed.dtype, 3, array.tobytes())
    for proto in (typed, content):
        response = stubs.prediction.Predict(predict_request("types", dtype, x=proto), timeout=30)
        returned = tf.make_ndarray(response.outputs["y"])
        assert returned.dtype == array.dtype
        np.testing.assert_array_equal(returned, array)


def test_strings_pass_unchanged(stubs):
    """Bytes of any value, also packed as tensor_content."""
    values = [b"", b"\xff\x00", "é".encode() * 100]
    lengths = bytes([0, 2, 200 & 0x7F | 0x80, 1])
    for proto in (tf.make_tensor_proto(values), _content(7, 3, lengths + b"".join(values))):
        response = stubs.prediction.Predict(predict_request("echo", text=proto), timeout=30)
        assert list(response.outputs["text"].string_val) == values
    broken = predict_request("echo", text=_content(7, 3, lengths))
    assert refusal(stubs.prediction.Predict, broken)[1] == "tensor parsing error: text"


def test_output_filter_and_empty_batch(stubs):
    """Only what is asked for comes back; a batch of none is the graph's to decide."""
    request = _filtered(predict_request("two", a=floats(3), b=floats(1)), "sum")
    response = stubs.prediction.Predict(request, timeout=30)
    assert dict(response.outputs).keys() == {"sum"}
    response = stubs.prediction.Predict(predict_request("half", x=floats()), timeout=30)
    assert [dim.size for dim in response.outputs["y"].tensor_shape.dim] == [0]


def test_long_messages_are_cut(stubs):
    """After 1024 characters, and it shows."""
    code, message = refusal(stubs.prediction.Predict, predict_request("half", "s" * 3000))
    assert code == "FAILED_PRECONDITION"
    assert message == ('Serving signature key "' + "s" * 3000)[:1024] + "...TRUNCATED"


def test_errors_of_operations_come_as_raised(stubs):
    """A bad tf.Example is named, without notes about the graph's source."""
    request = predict_request("examples", "classify", inputs=[b"no example"])
    code, message = refusal(stubs.prediction.Predict, request)
    assert code == "INVALID_ARGUMENT"
    assert message.startswith("Could not parse example input, value: 'no example'")
    assert "Original stack trace" not in message and ".py" not in message


def test_deadlines_end_the_run(stubs):
    """The model stops, and the server's threads are free again."""
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as error:
        stubs.prediction.Predict(predict_request("slow", x=floats(1)), timeout=0.02)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 5


def _classification(signature: str = "", examples: int = 1, context: bool = False):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = "examples"
    request.model_spec.signature_name = signature
    _fill_examples(request.input, examples, context)
    return request


def _fill_examples(given, count: int, context: bool = False) -> None:
    target = given.example_list_with_context if context else given.example_list
    if context:
        target.context.features.feature["x"].float_list.value.append(0.5)
    for index in range(count):
        example = target.examples.add()
        if not context:
            example.features.feature["x"].float_list.value.append(float(index))


def test_classify(stubs):
    """One row of labels and scores for each example."""
    response = stubs.prediction.Classify(_classification("classify", 2), timeout=30)
    rows = [[(c.label, c.score) for c in row.classes] for row in response.result.classifications]
    assert rows == [[("small", 1.0), ("large", 0.0)], [("small", 0.0), ("large", 1.0)]]
    assert response.model_spec.signature_name == "classify"
    request = _classification("scores_only", 1, context=True)
    response = stubs.prediction.Classify(request, timeout=30)
    assert [(c.label, c.score) for c in response.result.classifications[0].classes] == [
        ("", 0.5), ("", 0.5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (classification_pb2.ClassificationRequest(), "Missing ModelSpec"),
        (_classification("no"), "No signature was found with the name: no"),
        (_classification("classify", 0), "Input is empty."),
        (_classification("", 0), "No classification inputs found in SignatureDef: "),
        (
            _classification("regress"),
            'Expected classification signature outputs to contain at least one of "classes" or '
            '"scores". Signature was: ',
        ),
    ],
)
def test_classify_errors(stubs, request_, message):
    """The signature is checked before the input."""
    code, details = refusal(stubs.prediction.Classify, request_)
    assert code == "INVALID_ARGUMENT"
    assert details == message or (message.endswith(": ") and details.startswith(message))


def test_regress(stubs):
    """One number for each example; the signature must have one output."""
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = "examples"
    request.model_spec.signature_name = "regress"
    _fill_examples(request.input, 3)
    response = stubs.prediction.Regress(request, timeout=30)
    assert [one.value for one in response.result.regressions] == [0.0, 2.0, 4.0]
    request.model_spec.signature_name = "classify"
    assert refusal(stubs.prediction.Regress, request) == (
        "INVALID_ARGUMENT", "Expected one output Tensor.",
    )  # fmt: skip


def _multi(*tasks: tuple[str, str, str]) -> inference_pb2.MultiInferenceRequest:
    request = inference_pb2.MultiInferenceRequest()
    for name, signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = name
        task.model_spec.signature_name = signature
    _fill_examples(request.input, 1)
    return request


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (_multi(), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (
            _multi(("examples", "regress", REGRESS), ("", "classify", CLASSIFY)),
            "INVALID_ARGUMENT", "Found ModelSpec with an empty model name.",
        ),
        (
            _multi(("examples", "regress", REGRESS), ("half", "classify", CLASSIFY)),
            "INVALID_ARGUMENT",
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            _multi(("examples", "regress", REGRESS), ("examples", "regress", REGRESS)),
            "INVALID_ARGUMENT", "Duplicate evaluation of signature: regress",
        ),
        (
            _multi(("examples", "no", "nonsense")),
            "INVALID_ARGUMENT", "Requested signature not found in model graph: no",
        ),
        (
            _multi(("examples", "regress", "nonsense")),
            "UNIMPLEMENTED", "Unsupported signature method_name: nonsense",
        ),
    ],
)  # fmt: skip
def test_multi_inference_errors(stubs, request_, code, message):
    """The signature is looked up before the method."""
    assert refusal(stubs.prediction.MultiInference, request_) == (code, message)


def test_multi_inference(stubs):
    """A task's result is of its kind."""
    request = _multi(("examples", "regress", REGRESS))
    response = stubs.prediction.MultiInference(request, timeout=30)
    assert response.results[0].regression_result.regressions[0].value == 0.0
    assert response.results[0].model_spec.signature_name == "regress"


def test_multi_inference_feeds_each_signatures_own_input(stubs):
    """A TF2 export has an input for each; all get the same examples."""
    request = _multi(("examples", "regress", REGRESS), ("examples", "classify", CLASSIFY),
                     ("examples", "scores_only", CLASSIFY))  # fmt: skip
    del request.input.example_list.examples[:]
    for x in (0.25, 1.0):
        example = request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(x)
    regress, classify, scores = stubs.prediction.MultiInference(request, timeout=30).results
    assert [one.value for one in regress.regression_result.regressions] == [0.5, 2.0]
    rows = [
        [(one.label, one.score) for one in row.classes]
        for row in classify.classification_result.classifications
    ]
    assert rows == [[("small", 0.75), ("large", 0.25)], [("small", 0.0), ("large", 1.0)]]
    rows = [
        [(one.label, one.score) for one in row.classes]
        for row in scores.classification_result.classifications
    ]
    assert rows == [[("", 0.75), ("", 0.25)], [("", 0.0), ("", 1.0)]]
    assert [one.model_spec.signature_name for one in (regress, classify, scores)] == [
        "regress", "classify", "scores_only",
    ]  # fmt: skip


def test_a_scalar_has_a_shape_without_dimensions(stubs):
    """The field is there, as clients expect of every tensor."""
    request = predict_request("two", "scalar", a=floats(1, 2), b=floats(4))
    outputs = stubs.prediction.Predict(request, timeout=30).outputs
    assert {name: tensor.HasField("tensor_shape") for name, tensor in outputs.items()} == {
        "none": True, "rows": True,
    }  # fmt: skip
    assert list(outputs["none"].tensor_shape.dim) == []
    assert list(outputs["none"].float_val) == [3.0]


def test_metadata(stubs):
    """The model, then the fields, then the look-up."""
    call = stubs.prediction.GetModelMetadata
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    assert refusal(call, request) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    request.model_spec.name = "half"
    assert refusal(call, request) == (
        "INVALID_ARGUMENT", "GetModelMetadataRequest must specify at least one metadata_field",
    )  # fmt: skip
    request.metadata_field.append("x")
    assert refusal(call, request) == ("INVALID_ARGUMENT", "Metadata field x is not supported")
    request.metadata_field[0] = "signature_def"
    response = call(request, timeout=30)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def) == {"__saved_model_init_op", "serving_default"}
    assert (response.model_spec.version.value, response.model_spec.signature_name) == (123, "")


def test_status(stubs):
    """All versions, the largest first; a label is ignored."""
    call = stubs.model.GetModelStatus
    request = get_model_status_pb2.GetModelStatusRequest()
    assert refusal(call, request) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    request.model_spec.version_label = "x"
    assert refusal(call, request) == ("NOT_FOUND", "Could not find any versions of model ")
    request.model_spec.name = "half"
    versions = [one.version for one in call(request, timeout=30).model_version_status]
    assert versions == [123, 1]
    request.model_spec.version.value = 7
    assert refusal(call, request) == ("NOT_FOUND", "Could not find version 7 of model half")


def test_reload_takes_only_lists(stubs):
    """Other kinds of configuration are named."""
    request = model_management_pb2.ReloadConfigRequest()
    assert refusal(stubs.model.HandleReloadConfigRequest, request) == (
        "INVALID_ARGUMENT",
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
        "ModelConfigList is currently supported",
    )


def test_health_of_tf_servings_services(stubs):
    """SERVING for the server and for its two services; other names are not known."""
    health = health_pb2_grpc.HealthStub(stubs.channel)
    for service in ("", "ModelService", "PredictionService"):
        request = health_pb2.HealthCheckRequest(service=service)
        assert health.Check(request, timeout=30).status == health_pb2.HealthCheckResponse.SERVING
    unknown = health_pb2.HealthCheckRequest(service="no")
    assert refusal(health.Check, unknown)[0] == "NOT_FOUND"


def test_health_can_be_watched_by_many(stubs):
    """Each watcher hears the state at once; requests are answered however many there are."""
    health = health_pb2_grpc.HealthStub(stubs.channel)
    expected = {
        "": health_pb2.HealthCheckResponse.SERVING,
        "no": health_pb2.HealthCheckResponse.SERVICE_UNKNOWN,
    }
    watches = [
        (name, health.Watch(health_pb2.HealthCheckRequest(service=name), timeout=60))
        for name in list(expected) * 30
    ]
    for name, watch in watches:
        assert next(watch).status == expected[name]
    request = predict_request("half", x=floats(0))
    assert stubs.prediction.Predict(request, timeout=30).outputs["y"].float_val[0] == 3.0
    for _, watch in watches:
        watch.cancel()
