"""gRPC: tensorflow-serving-api's services over the handlers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.server.handlers import Handlers
from serving.server.metrics import Metrics
from serving.server.text_protos import HealthCheckRequest, HealthCheckResponse
from serving.status import Code, StatusError

_MAX_MESSAGE_LENGTH = 2**31 - 1
_MAX_DETAILS = 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_SERVING = 1
# TF-Serving registers these without their package.
_HEALTHY = ("", "ModelService", "PredictionService")


def make_server(
    handlers: Handlers,
    metrics: Metrics,
    *,
    max_threads: int,
    with_health: bool,
    channel_arguments: list[tuple[str, Any]] | None = None,
) -> grpc.Server:
    """Returns a server without a port. `max_threads` requests run at once, others wait."""
    server = grpc.server(
        ThreadPoolExecutor(max_threads, thread_name_prefix="grpc"),
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE_LENGTH),
            ("grpc.max_send_message_length", _MAX_MESSAGE_LENGTH),
            # Two servers on one port would share its calls instead of one failing.
            ("grpc.so_reuseport", 0),
            *(channel_arguments or []),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _PredictionService(handlers, metrics), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_ModelService(handlers), server)
    if with_health:
        server.add_generic_rpc_handlers((_health_handler(),))
    return server


class _PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, handlers: Handlers, metrics: Metrics):
        self._handlers = handlers
        self._metrics = metrics

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 -- gRPC's names, here and below
        return self._counted("Predict", self._handlers.predict, request, context)

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._counted("Classify", self._handlers.classify, request, context)

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._counted("Regress", self._handlers.regress, request, context)

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return _answer(context, self._handlers.multi_inference, request, context.time_remaining())

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return _answer(context, self._handlers.metadata, request)

    def _counted(
        self, api: str, handle: Callable[..., Any], request: Any, context: grpc.ServicerContext
    ) -> Any:
        name = request.model_spec.name
        started = time.perf_counter()
        try:
            response = handle(request, context.time_remaining())
        except Exception as error:
            error = _status_error(error)
            self._metrics.request_count.add(name, error.code.name)
            _abort(context, error)
        elapsed = (time.perf_counter() - started) * 1e6
        self._metrics.request_count.add(name, "OK")
        self._metrics.request_latency.add(elapsed, name, api, "GRPC")
        return response


class _ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, handlers: Handlers):
        self._handlers = handlers

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return _answer(context, self._handlers.status, request)

    def HandleReloadConfigRequest(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return _answer(context, self._handlers.reload, request, context.is_active)


def _answer(context: grpc.ServicerContext, handle: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return handle(*arguments)
    except Exception as error:
        _abort(context, _status_error(error))


def _status_error(error: Exception) -> StatusError:
    """Returns the error as it is told; what nobody foresaw is INTERNAL, and the server lives."""
    if isinstance(error, StatusError):
        return error
    return StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}")


def _abort(context: grpc.ServicerContext, error: StatusError) -> None:
    details = error.message.encode("utf-8", "surrogateescape")
    if len(details) > _MAX_DETAILS:
        details = details[:_MAX_DETAILS] + b"...TRUNCATED"
    context.abort(_CODES[int(error.code)], details.decode("utf-8", "replace"))


def _health_handler() -> grpc.GenericRpcHandler:
    """Returns grpc.health.v1.Health without Watch: each watcher would hold a thread for good."""

    def check(request: Any, context: grpc.ServicerContext) -> Any:
        if request.service not in _HEALTHY:
            context.abort(grpc.StatusCode.NOT_FOUND, "")
        return HealthCheckResponse(status=_SERVING)

    codec = {
        "request_deserializer": HealthCheckRequest.FromString,
        "response_serializer": HealthCheckResponse.SerializeToString,
    }
    return grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health",
        {"Check": grpc.unary_unary_rpc_method_handler(check, **codec)},
    )
