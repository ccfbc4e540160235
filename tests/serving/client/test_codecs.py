"""Bytes from a server that are not what was promised."""

from __future__ import annotations

import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from serving.client import grpc_codec, rest_codec
from serving.client.messages import (
    ClassifyRequest,
    MetadataRequest,
    Model,
    PredictRequest,
    StatusRequest,
    UnreadableAnswerError,
)
from serving.status import Code

PREDICT = PredictRequest(Model("m", version=2), "predict_text", "text", ["a", "b"], ("p", "s"))


def answer_with(**tensors):
    response = predict_pb2.PredictResponse()
    response.model_spec.version.value = 2
    for name, tensor in tensors.items():
        response.outputs[name].CopyFrom(tensor)
    return response.SerializeToString()


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([0.25, 0.5], tf.float32),
        ([[0.25, 0.5, 0.75], [1.0, 0.0, 0.125]], tf.float32),
        ([], tf.float32),
        (0.25, tf.float32),
        ([b"a", b"", b"caf\xc3\xa9"], tf.string),
        ([[b"a"], [b"b"]], tf.string),
    ],
)
def test_tensors_become_nested_lists(value, dtype):
    """Any rank, as typed values or as packed bytes; UTF-8 becomes text."""

    def text(one):
        return (
            [text(part) for part in one]
            if isinstance(one, list)
            else (one.decode() if isinstance(one, bytes) else one)
        )

    tensors = [tf.make_tensor_proto(value, dtype)]
    if dtype == tf.float32:
        typed = tf.make_tensor_proto(value, dtype)
        typed.ClearField("tensor_content")
        typed.ClearField("float_val")
        typed.float_val.extend(tf.reshape(tf.constant(value, dtype), [-1]).numpy())
        tensors.append(typed)
    for tensor in tensors:
        response = grpc_codec.decode(PREDICT, answer_with(p=tensor))
        assert response.outputs == {"p": text(value)}
        assert response.version == 2


def test_the_last_value_stands_for_those_left_out():
    """TensorProto's own shorthand."""
    tensor = tf.make_tensor_proto(0.5, tf.float32, shape=[3])
    assert len(tensor.float_val) == 1
    response = grpc_codec.decode(PREDICT, answer_with(p=tensor))
    assert response.outputs == {"p": [0.5, 0.5, 0.5]}


def changed(tensor, **fields):
    for name, value in fields.items():
        tensor.ClearField(name)
        if isinstance(value, list):
            getattr(tensor, name).extend(value)
        else:
            setattr(tensor, name, value)
    return tensor


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (tf.make_tensor_proto([1, 2], tf.int64), "output 'p' is DT_INT64, expected DT_FLOAT or"),
        (
            changed(tf.make_tensor_proto([1.0, 2.0, 3.0], tf.float32), tensor_content=b"123"),
            "output 'p' has 3 bytes",
        ),
        (
            changed(tf.make_tensor_proto([b"a", b"b"]), string_val=[b"a", b"b", b"c"]),
            r"output 'p' of shape \[2\] came with 3 values instead of 2",
        ),
        (
            changed(tf.make_tensor_proto([b"a", b"b"]), string_val=[]),
            r"output 'p' of shape \[2\] came with 0 values instead of 2",
        ),
    ],
)
def test_broken_tensors_are_refused(tensor, reason):
    """Another type, half a number, too many values or none."""
    with pytest.raises(UnreadableAnswerError, match=reason):
        grpc_codec.decode(PREDICT, answer_with(p=tensor))


@pytest.mark.parametrize(
    "request_",
    [
        PREDICT,
        ClassifyRequest(Model("m"), "s", "text", ["a"]),
        StatusRequest(Model("m")),
        MetadataRequest(Model("m")),
    ],
)
def test_bytes_that_are_no_message_are_refused(request_):
    """Garbage is an UnreadableAnswerError over gRPC and REST, for every call."""
    with pytest.raises(UnreadableAnswerError, match="8 bytes came that are not a protobuf"):
        grpc_codec.decode(request_, b"\xff" * 8)
    for body in (b"", b"<html>", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"outputs": 1}'):
        with pytest.raises(UnreadableAnswerError, match="an unexpected answer came: "):
            rest_codec.decode(request_, 200, body)


@pytest.mark.parametrize(
    ("status", "body", "code", "reason"),
    [
        (400, b'{"error": "Malformed request"}', Code.INVALID_ARGUMENT, "Malformed request"),
        (404, b'{"error": "Servable not found"}', Code.NOT_FOUND, "Servable not found"),
        (400, b"", Code.INVALID_ARGUMENT, "HTTP status 400 came with an empty body"),
        (
            502,
            b"<h1>Bad\n gateway</h1>",
            Code.UNAVAILABLE,
            "HTTP status 502 came with '<h1>Bad gateway</h1>'",
        ),
        (413, b"too large", Code.RESOURCE_EXHAUSTED, "HTTP status 413 came with 'too large'"),
        (503, b"x" * 300, Code.UNAVAILABLE, f"HTTP status 503 came with '{'x' * 200}...'"),
    ],
)
def test_refusals_have_a_code_and_a_reason(status, body, code, reason):
    """TF-Serving's own words, or what a proxy on the way says."""
    with pytest.raises(rest_codec.RefusedError) as caught:
        rest_codec.decode(PREDICT, status, body)
    assert caught.value.code is code
    assert str(caught.value) == reason


@pytest.mark.parametrize("status", [404, 405, 301, 204])
def test_an_answer_of_another_kind_of_server_is_no_refusal(status):
    """A page that was not found does not mean that a model was not found."""
    with pytest.raises(UnreadableAnswerError, match=f"HTTP status {status} came with '<html>'"):
        rest_codec.decode(PREDICT, status, b"<html>")


def test_names_are_quoted_in_paths():
    """A slash in a model's name does not become one of the path."""
    request = StatusRequest(Model("a/b c", label="x:y"))
    assert rest_codec.encode(request).path == "/v1/models/a%2Fb%20c/labels/x%3Ay"
