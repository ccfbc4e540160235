"""gRPC: tensorflow-serving-api's services over the handlers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server.handlers import Handlers
from serving.server.metrics import Metrics
from serving.status import Code, StatusError

_MAX_MESSAGE_LENGTH = 2**31 - 1
_MAX_DETAILS = 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}
# TF-Serving registers its two services without their package.
_HEALTHY = ("", "ModelService", "PredictionService")

_Response = TypeVar("_Response")


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
        _add_health(server)
    return server


class _PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, handlers: Handlers, metrics: Metrics):
        self._handlers = handlers
        self._metrics = metrics

    def Predict(  # noqa: N802 -- gRPC's names, here and below
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        return self._counted("Predict", self._handlers.predict, request, context)

    def Classify(  # noqa: N802
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        return self._counted("Classify", self._handlers.classify, request, context)

    def Regress(  # noqa: N802
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        return self._counted("Regress", self._handlers.regress, request, context)

    def MultiInference(  # noqa: N802
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        return _answer(context, self._handlers.multi_inference, request, context.time_remaining())

    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        return _answer(context, self._handlers.metadata, request)

    def _counted(
        self,
        api: str,
        handle: Callable[[Any, float | None], _Response],
        request: Any,
        context: grpc.ServicerContext,
    ) -> _Response:
        name = request.model_spec.name
        started = time.perf_counter()
        try:
            response = handle(request, context.time_remaining())
        except Exception as error:
            status = _status_error(error)
            self._metrics.request_count.add(name, status.code.name)
            _abort(context, status)
        elapsed = (time.perf_counter() - started) * 1e6
        self._metrics.request_count.add(name, "OK")
        self._metrics.request_latency.add(elapsed, name, api, "GRPC")
        return response


class _ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, handlers: Handlers):
        self._handlers = handlers

    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return _answer(context, self._handlers.status, request)

    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        return _answer(context, self._handlers.reload, request, context.is_active)


def _answer(
    context: grpc.ServicerContext, handle: Callable[..., _Response], *arguments: Any
) -> _Response:
    try:
        return handle(*arguments)
    except Exception as error:
        _abort(context, _status_error(error))


def _status_error(error: Exception) -> StatusError:
    """Returns the error as it is told; what nobody foresaw is INTERNAL, and the server lives."""
    if isinstance(error, StatusError):
        return error
    return StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}")


def _abort(context: grpc.ServicerContext, error: StatusError) -> NoReturn:
    details = error.message.encode("utf-8", "surrogateescape")
    if len(details) > _MAX_DETAILS:
        details = details[:_MAX_DETAILS] + b"...TRUNCATED"
    context.abort(_CODES[int(error.code)], details.decode("utf-8", "replace"))
    raise AssertionError("gRPC's abort ends a call by raising")


def _add_health(server: grpc.Server) -> None:
    """Adds grpc.health.v1.Health; its watchers hold no thread each."""
    service = health.HealthServicer(
        experimental_non_blocking=True,
        experimental_thread_pool=ThreadPoolExecutor(1, thread_name_prefix="health"),
    )
    for name in _HEALTHY:
        service.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(service, server)
