"""Requests as TF-Serving's REST calls and back: JSON bodies, no sockets.

Predict uses the columnar format, which keeps tensors by name.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from serving.client.messages import (
    ClassifyRequest,
    ClassifyResponse,
    Metadata,
    Model,
    PredictRequest,
    PredictResponse,
    Request,
    Response,
    Signature,
    StatusRequest,
    StatusResponse,
    TensorSpec,
    UnreadableAnswerError,
    VersionStatus,
)
from serving.errors import code_of_http_status
from serving.status import Code

# The most characters of a body that are quoted in an error.
SHOWN_CHARACTERS = 200
# Statuses that a proxy sends with any body; TF-Serving sends others, always with JSON.
PLAIN_STATUSES = {400, 401, 403, 408, 413, 429}


@dataclass(frozen=True)
class HttpRequest:
    """A request without its address."""

    method: str
    path: str
    body: bytes = b""


class RefusedError(Exception):
    """The server answered with an error."""

    def __init__(self, code: Code, reason: str):
        """Takes the server's reason unchanged."""
        super().__init__(reason)
        self.code = code


def encode(request: Request) -> HttpRequest:
    """Returns the HTTP request."""
    path = _path(request.model)
    if isinstance(request, PredictRequest):
        values = [_json_value(value) for value in request.values]
        return _post(f"{path}:predict", request.signature, inputs={request.input: values})
    if isinstance(request, ClassifyRequest):
        examples = [{request.feature: text} for text in request.texts]
        return _post(f"{path}:classify", request.signature, examples=examples)
    if isinstance(request, StatusRequest):
        return HttpRequest("GET", path)
    return HttpRequest("GET", f"{path}/metadata")


def decode(request: Request, status: int, body: bytes) -> Response:
    """Returns what the answer to `request` says.

    Raises:
      RefusedError: It is an error.
      UnreadableAnswerError: It is not an answer of TF-Serving.
    """
    content = _content(body)
    if status != 200:
        raise _refusal(status, content, body)
    try:
        if isinstance(request, PredictRequest):
            return _predict_response(request, content)
        if isinstance(request, ClassifyRequest):
            return _classify_response(request, content)
        if isinstance(request, StatusRequest):
            return _status_response(content)
        return _metadata(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableAnswerError(f"an unexpected answer came: {_shown(body)}") from error


def _path(model: Model) -> str:
    path = f"/v1/models/{quote(model.name, safe='')}"
    if model.version is not None:
        return f"{path}/versions/{model.version}"
    return path if model.label is None else f"{path}/labels/{quote(model.label, safe='')}"


def _post(path: str, signature: str, **content: Any) -> HttpRequest:
    body = json.dumps({"signature_name": signature, **content}, ensure_ascii=False)
    return HttpRequest("POST", path, body.encode())


def _json_value(value: str | bytes) -> str | dict[str, str]:
    return value if isinstance(value, str) else {"b64": base64.b64encode(value).decode()}


def _content(body: bytes) -> Any:
    """Returns the JSON of a body; None if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _refusal(status: int, content: Any, body: bytes) -> RefusedError | UnreadableAnswerError:
    if isinstance(content, dict) and isinstance(content.get("error"), str):
        return RefusedError(code_of_http_status(status), content["error"])
    reason = f"HTTP status {status} came with {_shown(body)}"
    if status in PLAIN_STATUSES or status >= 500:
        return RefusedError(code_of_http_status(status), reason)
    return UnreadableAnswerError(reason)


def _shown(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[:SHOWN_CHARACTERS]}..."
    return repr(text) if text else "an empty body"


def _predict_response(request: PredictRequest, content: Any) -> PredictResponse:
    outputs = content["outputs"]
    if len(request.outputs) == 1:
        # TF-Serving leaves out the name of a single output.
        outputs = {request.outputs[0]: outputs}
    if not isinstance(outputs, dict):
        raise TypeError
    return PredictResponse(request.model.version, outputs)


def _classify_response(request: ClassifyRequest, content: Any) -> ClassifyResponse:
    return ClassifyResponse(
        request.model.version,
        [
            [(str(label), float(score)) for label, score in classifications]
            for classifications in content["results"]
        ],
    )


def _status_response(content: Any) -> StatusResponse:
    return StatusResponse(
        tuple(
            VersionStatus(
                version=int(one["version"]),
                state=one["state"],
                error_code=one["status"]["error_code"],
                error_message=one["status"]["error_message"],
            )
            for one in content["model_version_status"]
        )
    )


def _metadata(content: Any) -> Metadata:
    signatures = content["metadata"]["signature_def"]["signature_def"]
    return Metadata(
        model_version=int(content["model_spec"]["version"]),
        signatures={
            name: Signature(
                inputs=_tensor_specs(signature["inputs"]),
                outputs=_tensor_specs(signature["outputs"]),
                method_name=signature["method_name"],
            )
            for name, signature in signatures.items()
        },
    )


def _tensor_specs(described: Any) -> dict[str, TensorSpec]:
    return {
        alias: TensorSpec(
            dtype=info["dtype"],
            shape=None
            if info["tensor_shape"]["unknown_rank"]
            else tuple(int(dim["size"]) for dim in info["tensor_shape"]["dim"]),
        )
        for alias, info in described.items()
    }
