"""Requests as TF-Serving's gRPC calls and back: bytes, no sockets."""

from __future__ import annotations

import array
import math
import sys
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from serving.client import messages, protos

PREDICTION_SERVICE = "/tensorflow.serving.PredictionService"
MODEL_SERVICE = "/tensorflow.serving.ModelService"

DT_FLOAT = protos.ENUMS["DataType"]["DT_FLOAT"]
DT_STRING = protos.ENUMS["DataType"]["DT_STRING"]


def encode(request: messages.Request) -> tuple[str, bytes]:
    """Returns the method's path and the serialized message."""
    if isinstance(request, messages.PredictRequest):
        return f"{PREDICTION_SERVICE}/Predict", _predict_request(request)
    if isinstance(request, messages.ClassifyRequest):
        return f"{PREDICTION_SERVICE}/Classify", _classification_request(request)
    if isinstance(request, messages.StatusRequest):
        message = protos.GetModelStatusRequest(model_spec=_model_spec(request.model))
        return f"{MODEL_SERVICE}/GetModelStatus", message.SerializeToString()
    message = protos.GetModelMetadataRequest(
        model_spec=_model_spec(request.model), metadata_field=["signature_def"]
    )
    return f"{PREDICTION_SERVICE}/GetModelMetadata", message.SerializeToString()


def decode(request: messages.Request, answer: bytes) -> messages.Response:
    """Returns what the bytes that answer `request` say.

    Raises:
      messages.UnreadableAnswerError: They are not the message that the method answers with.
    """
    try:
        if isinstance(request, messages.PredictRequest):
            return _predict_response(answer)
        if isinstance(request, messages.ClassifyRequest):
            return _classification_response(answer)
        if isinstance(request, messages.StatusRequest):
            return _status_response(answer)
        return _metadata(answer)
    except DecodeError as error:
        raise messages.UnreadableAnswerError(
            f"{len(answer)} bytes came that are not a protobuf message of the kind"
        ) from error


def _model_spec(model: messages.Model, signature: str = "") -> Any:
    spec = protos.ModelSpec(name=model.name, signature_name=signature)
    if model.version is not None:
        spec.version.value = model.version
        spec.version.SetInParent()  # version 0 is a version, too
    elif model.label is not None:
        spec.version_label = model.label
    return spec


def _version(message: Any) -> int | None:
    spec = message.model_spec
    return spec.version.value if spec.HasField("version") else None


def _predict_request(request: messages.PredictRequest) -> bytes:
    message = protos.PredictRequest(
        model_spec=_model_spec(request.model, request.signature),
        output_filter=request.outputs,
    )
    tensor = message.inputs[request.input]
    tensor.dtype = DT_STRING
    tensor.tensor_shape.dim.add(size=len(request.values))
    tensor.string_val.extend(
        value.encode() if isinstance(value, str) else value for value in request.values
    )
    return message.SerializeToString()


def _predict_response(answer: bytes) -> messages.PredictResponse:
    message = protos.PredictResponse.FromString(answer)
    return messages.PredictResponse(
        version=_version(message),
        outputs={name: _tensor(name, tensor) for name, tensor in message.outputs.items()},
    )


def _classification_request(request: messages.ClassifyRequest) -> bytes:
    message = protos.ClassificationRequest(model_spec=_model_spec(request.model, request.signature))
    for text in request.texts:
        example = message.input.example_list.examples.add()
        example.features.feature[request.feature].bytes_list.value.append(text.encode())
    return message.SerializeToString()


def _classification_response(answer: bytes) -> messages.ClassifyResponse:
    message = protos.ClassificationResponse.FromString(answer)
    return messages.ClassifyResponse(
        version=_version(message),
        classes=[
            [(one.label, one.score) for one in classifications.classes]
            for classifications in message.result.classifications
        ],
    )


def _status_response(answer: bytes) -> messages.StatusResponse:
    message = protos.GetModelStatusResponse.FromString(answer)
    return messages.StatusResponse(
        tuple(
            messages.VersionStatus(
                version=one.version,
                state=protos.enum_name("State", one.state),
                error_code=protos.enum_name("ErrorCode", one.status.error_code),
                error_message=one.status.error_message,
            )
            for one in message.model_version_status
        )
    )


def _metadata(answer: bytes) -> messages.Metadata:
    message = protos.GetModelMetadataResponse.FromString(answer)
    if "signature_def" not in message.metadata:
        raise messages.UnreadableAnswerError("the metadata has no 'signature_def'")
    signatures = protos.SignatureDefMap.FromString(message.metadata["signature_def"].value)
    return messages.Metadata(
        model_version=message.model_spec.version.value,
        signatures={
            name: messages.Signature(
                inputs={alias: _tensor_spec(info) for alias, info in signature.inputs.items()},
                outputs={alias: _tensor_spec(info) for alias, info in signature.outputs.items()},
                method_name=signature.method_name,
            )
            for name, signature in signatures.signature_def.items()
        },
    )


def _tensor_spec(info: Any) -> messages.TensorSpec:
    shape = info.tensor_shape
    return messages.TensorSpec(
        dtype=protos.enum_name("DataType", info.dtype),
        shape=None if shape.unknown_rank else tuple(dim.size for dim in shape.dim),
    )


def _tensor(name: str, tensor: Any) -> Any:
    """Returns a float or string tensor as a nested list, a scalar as itself."""
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if min(shape, default=0) < 0:
        raise messages.UnreadableAnswerError(f"output '{name}' has the shape {shape}")
    values = _flat(name, tensor)
    size = math.prod(shape)
    if len(values) < size and values:
        # TensorProto's rule: the last value stands for those that are left out.
        values = [*values, *[values[-1]] * (size - len(values))]
    if len(values) != size:
        raise messages.UnreadableAnswerError(
            f"output '{name}' of shape {shape} came with {len(values)} values instead of {size}"
        )
    return _nested(values, shape)


def _nested(values: Sequence[Any], shape: Sequence[int]) -> Any:
    if not shape:
        return values[0]
    size = math.prod(shape[1:])
    return [_nested(values[row * size : (row + 1) * size], shape[1:]) for row in range(shape[0])]


def _flat(name: str, tensor: Any) -> Sequence[Any]:
    if tensor.dtype == DT_STRING:
        return [value.decode(errors="replace") for value in tensor.string_val]
    if tensor.dtype == DT_FLOAT:
        if not tensor.tensor_content:
            return list(tensor.float_val)
        if len(tensor.tensor_content) % 4:
            raise messages.UnreadableAnswerError(
                f"output '{name}' has {len(tensor.tensor_content)} bytes"
            )
        floats = array.array("f", tensor.tensor_content)
        if sys.byteorder == "big":
            floats.byteswap()
        return floats.tolist()
    raise messages.UnreadableAnswerError(
        f"output '{name}' is {protos.enum_name('DataType', tensor.dtype)}, expected DT_FLOAT or "
        "DT_STRING"
    )
