"""Requests that nobody should send: what hypothesis may choose from."""

from __future__ import annotations

import gzip
import json

from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from .calling import floats, predict_request

PREDICTION_METHODS = ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata")
_MODELS = st.sampled_from(["half", "echo", "examples", "two", "types", "no", ""])
_ALIASES = st.sampled_from(["x", "a", "b", "text", "inputs", "examples", "y", ""])
_SIGNATURES = st.sampled_from(
    ["", "serving_default", "both", "classify", "regress", "scores_only", "scalar", "mixed", "bool",
     "int8", "float16", "__saved_model_init_op", "no"]
)  # fmt: skip
_INT64 = st.integers(-(2**63), 2**63 - 1)
# Also halves of surrogate pairs, which are no text in UTF-8.
_TEXTS = st.text(st.characters(), max_size=8)


def _edited(good: bytes) -> st.SearchStrategy[bytes]:
    """Good bytes in which some were replaced, put in or taken out."""

    def edit(edits: list[tuple[int, int, bytes]]) -> bytes:
        data = bytearray(good)
        for place, removed, added in edits:
            data[place : place + removed] = added
        return bytes(data)

    one = st.tuples(
        st.integers(0, len(good)), st.integers(0, 3),
        st.binary(max_size=3) | st.sampled_from([b'"', b"{", b"[", b"]", b"}", b"\\u", b"-", b"9"]),
    )  # fmt: skip
    return st.lists(one, min_size=1, max_size=4).map(edit)


# REST.

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | _TEXTS
    | st.builds(lambda text: {"b64": text}, _TEXTS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_ALIASES | st.sampled_from(["b64", "s"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": _SIGNATURES | _JSON,
        "instances": st.lists(_JSON, max_size=3) | _JSON,
        "inputs": _JSON,
        "examples": st.lists(st.dictionaries(_ALIASES, _JSON, max_size=2), max_size=3) | _JSON,
        "context": _JSON,
    },
)
_GOOD_BODIES = (
    b'{"signature_name":"serving_default","instances":[1.5,{"x":2},[3]]}',
    b'{"inputs":{"x":[[1,2],[3,4]]}}',
    b'{"signature_name":"regress","context":{"x":1.0},"examples":[{"s":["a",{"b64":"YQ=="}]}]}',
    '{"signature_name":"both","instances":["é\\ud83d\\ude00",{"b64":"/w=="}]}'.encode(),
)


def _as_bytes(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


_DATA = (
    _DOCUMENTS.map(_as_bytes)
    | _DOCUMENTS.map(lambda document: json.dumps(document).encode())
    | st.one_of([_edited(good) for good in _GOOD_BODIES])
    | st.binary(max_size=40)
)
_HEADERS = st.sampled_from([{}, {}, {}, {"Content-Encoding": "gzip"}, {"Content-Type": "a/b"}])
bodies = st.tuples(_DATA, _HEADERS) | _DATA.map(
    lambda data: (gzip.compress(data), {"Content-Encoding": "gzip"})
)
targets = st.builds(
    "/v1/models/{}{}:{}".format,
    _MODELS,
    st.sampled_from(["", "", "", "/versions/1", "/versions/123", "/labels/x", "/versions/-1"]),
    st.sampled_from(["predict", "predict", "predict", "classify", "regress", "other"]),
)

_NAMES = st.binary(min_size=1, max_size=6) | st.sampled_from(
    [b"Content-Length", b"Transfer-Encoding", b"Expect", b"Connection", b"Upgrade", b"Host"]
)
_VALUES = st.binary(max_size=8) | st.sampled_from(
    [b"0", b"2", b"-1", b"1e3", b"99999999999999999999", b"chunked", b"gzip, chunked",
     b"100-continue", b"close", b"keep-alive", b"h2c"]
)  # fmt: skip
_FREE_REQUESTS = st.builds(
    lambda method, target, version, headers, body: b"".join(
        [method, b" ", target, b" ", version, b"\r\n"]
        + [name + b": " + value + b"\r\n" for name, value in headers]
        + [b"\r\n", body]
    ),
    st.sampled_from([b"GET", b"POST", b"OPTIONS", b"HEAD", b"PUT", b"get"]) | st.binary(max_size=4),
    st.sampled_from([b"/v1/models/half", b"/v1/models/half:predict", b"/", b"*", b"http://a/v1/b"])
    | st.binary(max_size=12).map(lambda data: b"/v1/models/" + data),
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"HTTP/1.1 "]),
    st.lists(st.tuples(_NAMES, _VALUES), max_size=4),
    st.sampled_from(
        [b"", b"{}", b'{"instances":[0]}', b"2\r\n{}\r\n0\r\n\r\n", b"ffffffffffff\r\n"]
    ),
)
raw_requests = _FREE_REQUESTS | _edited(
    b"POST /v1/models/half/versions/1:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
)

# gRPC.

_SIZES = st.integers(0, 3) | st.sampled_from([-1, 2**20, 2**31, 2**62, 2**63 - 1])
_SHAPES = st.builds(
    lambda sizes, unknown: tensor_shape_pb2.TensorShapeProto(
        dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in sizes],
        unknown_rank=unknown,
    ),
    st.lists(_SIZES, max_size=4) | st.just([1] * 40),
    st.sampled_from([False, False, False, True]),
)
_TENSORS = st.builds(
    tensor_pb2.TensorProto,
    dtype=st.sampled_from([1, 7, 7, 9, 10]) | st.integers(0, 30) | st.sampled_from([101, 107, -1]),
    tensor_shape=_SHAPES,
    tensor_content=st.just(b"") | st.binary(max_size=16),
    float_val=st.lists(st.floats(width=32), max_size=3),
    int_val=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    int64_val=st.lists(_INT64, max_size=3),
    string_val=st.lists(st.binary(max_size=6), max_size=3),
    bool_val=st.lists(st.booleans(), max_size=2),
    half_val=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=2),
)


def _spec(name: str, signature: str, choice: tuple[str, object]) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=name, signature_name=signature)
    if choice[0] == "version":
        spec.version.value = choice[1]
    elif choice[0] == "label":
        spec.version_label = choice[1]
    return spec


_SPECS = st.builds(
    _spec,
    _MODELS,
    _SIGNATURES,
    st.sampled_from([("latest", None), ("latest", None), ("label", "x")])
    | st.tuples(st.just("version"), _INT64),
)


def _input(kind: str, examples: list[bytes], context: bytes) -> input_pb2.Input:
    """Examples whose features were read from bytes, as far as they can be."""
    filled = input_pb2.Input()
    target = getattr(filled, kind)
    target.SetInParent()
    for data in examples:
        feature = target.examples.add().features.feature["x"]
        try:
            feature.ParseFromString(data)
        except Exception:  # protobuf's two runtimes raise different ones
            feature.Clear()
    if kind == "example_list_with_context":
        target.context.features.feature["x"].bytes_list.value.append(context)
    return filled


_INPUTS = st.builds(
    _input,
    st.sampled_from(["example_list", "example_list_with_context"]),
    st.lists(
        st.sampled_from([b"\x12\x06\x0a\x04\x00\x00\x80\x3f", b"\x1a\x03\x0a\x01\x05"])
        | st.binary(max_size=8),
        max_size=3,
    ),
    st.binary(max_size=3),
)
_TASKS = st.builds(
    inference_pb2.InferenceTask,
    model_spec=_SPECS,
    method_name=st.sampled_from(
        ["tensorflow/serving/classify", "tensorflow/serving/regress", "no"]
    ),
)


def _predict(spec, inputs, output_filter) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(model_spec=spec, output_filter=output_filter)
    for alias, tensor in inputs.items():
        request.inputs[alias].CopyFrom(tensor)
    return request


def _reload(name: str, path: str, platform: str) -> model_management_pb2.ReloadConfigRequest:
    """A configuration that cannot be taken: with a path that is not absolute."""
    request = model_management_pb2.ReloadConfigRequest()
    for _ in range(2):
        request.config.model_config_list.config.add(
            name=name, base_path=path.lstrip("/"), model_platform=platform
        )
    return request


_NAMED = {
    "Predict": st.builds(
        _predict,
        _SPECS,
        st.dictionaries(_ALIASES, _TENSORS, max_size=3) | st.builds(lambda t: {"x": t}, _TENSORS),
        st.lists(_ALIASES, max_size=2),
    ),
    "Classify": st.builds(
        classification_pb2.ClassificationRequest, model_spec=_SPECS, input=_INPUTS
    ),
    "Regress": st.builds(regression_pb2.RegressionRequest, model_spec=_SPECS, input=_INPUTS),
    "MultiInference": st.builds(
        inference_pb2.MultiInferenceRequest, tasks=st.lists(_TASKS, max_size=3), input=_INPUTS
    ),
    "GetModelMetadata": st.builds(
        get_model_metadata_pb2.GetModelMetadataRequest,
        model_spec=_SPECS,
        metadata_field=st.lists(st.sampled_from(["signature_def", "x"]), max_size=2),
    ),
    "GetModelStatus": st.builds(get_model_status_pb2.GetModelStatusRequest, model_spec=_SPECS),
    "HandleReloadConfigRequest": st.builds(
        _reload, _MODELS, st.text("ab/.:", max_size=4), st.sampled_from(["tensorflow", "x", ""])
    ),
}
messages = st.sampled_from(["Predict", "Predict", *_NAMED]).flatmap(
    lambda method: st.tuples(st.just(method), _NAMED[method])
)
_GOOD_MESSAGES = (
    predict_request("half", x=floats(1, 2, 3)),
    predict_request("echo", "both", text=[b"a", b"bc"]),
    predict_request("two", a=floats(1), b=floats(2)),
)
message_bytes = st.binary(max_size=40) | st.one_of(
    [_edited(message.SerializeToString(deterministic=True)) for message in _GOOD_MESSAGES]
)
