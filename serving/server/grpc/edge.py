"""gRPC: tensorflow-serving-api's services over the handlers.

The services are registered without gRPC's own decoding: it runs on the one thread that all calls
share, and it logs a traceback for every request that cannot be decoded.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, NoReturn

import grpc
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server import slicing, tensors
from serving.server.admission import (
    BYTES_OF_VALUE,
    COUNTED_BYTES,
    LARGE_BYTES,
    LARGE_COUNT,
    Budget,
    Gate,
    Share,
    in_turns,
)
from serving.server.fair_pool import FairPool
from serving.server.grpc import grpc_adapter
from serving.server.grpc.message_size import Extent, measure
from serving.server.handlers import Handlers
from serving.server.metrics import Metrics
from serving.status import Code, StatusError, resource_exhausted

_MAX_SENT_LENGTH = 2**31 - 1
_MAX_DETAILS = 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}
# TF-Serving registers its two services without their package.
_HEALTHY = ("", "ModelService", "PredictionService")
_SAID_EVERY_SECONDS = 60.0
# The most that a field takes once it is decoded, and a number.
_BYTES_OF_FIELD, _BYTES_OF_NUMBER = 112, 16

_LOG = logging.getLogger(__name__)


class GrpcLimits(NamedTuple):
    """The limits on what a client may ask; see the flags of the same names.

    Attributes:
      send_timeout: Seconds for a client to read a large answer.
    """

    max_message_bytes: int = 64 * 2**20
    max_concurrent_rpcs: int = 1024
    max_connections: int = 1000
    max_streams_per_connection: int = 128
    send_timeout: float = 60.0
    max_values_per_message: int = 2**22
    max_fields_per_message: int = 2**20


DEFAULT_LIMITS = GrpcLimits()


def make_server(
    handlers: Handlers,
    metrics: Metrics,
    *,
    budget: Budget,
    documents: Gate,
    max_threads: int,
    with_health: bool,
    limits: GrpcLimits = DEFAULT_LIMITS,
    channel_arguments: list[tuple[str, Any]] | None = None,
) -> grpc.Server:
    """Returns a server without a port.

    Args:
      handlers: What answers.
      metrics: What counts.
      budget: The limit on the bytes that all requests hold together.
      documents: The limit on large messages that are decoded at a time.
      max_threads: Requests that run at once; others wait.
      with_health: Whether to serve grpc.health.v1.
      limits: Of sizes and numbers.
      channel_arguments: Further ones of gRPC.
    """
    server = grpc.server(
        FairPool(max_threads, "grpc", grpc_adapter.peer_of),
        maximum_concurrent_rpcs=limits.max_concurrent_rpcs or None,
        options=[
            ("grpc.max_receive_message_length", limits.max_message_bytes),
            ("grpc.max_send_message_length", _MAX_SENT_LENGTH),
            ("grpc.max_allowed_incoming_connections", limits.max_connections),
            ("grpc.max_concurrent_streams", limits.max_streams_per_connection),
            # Otherwise a client that sends more before it knows the limit is reset, not answered.
            ("grpc.http.overload_protection", 0),
            # Otherwise two servers on one port would share its calls; the second one must fail.
            ("grpc.so_reuseport", 0),
            *(channel_arguments or []),
        ],
    )
    edge = _Edge(metrics, budget, documents, limits)
    for service, methods in _methods(handlers).items():
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    f"tensorflow.serving.{service}",
                    {name: edge.handler(name, method) for name, method in methods.items()},
                ),
            )
        )
    if with_health:
        _add_health(server)
    return server


class _Method(NamedTuple):
    request: type[Message]
    answer: Callable[[Any, grpc.ServicerContext], Message]
    is_counted: bool = False


def _methods(handlers: Handlers) -> Mapping[str, Mapping[str, _Method]]:
    def timed(handle: Callable[[Any, float | None], Message]) -> Callable[..., Message]:
        return lambda request, context: handle(request, context.time_remaining())

    return {
        "PredictionService": {
            "Predict": _Method(predict_pb2.PredictRequest, timed(handlers.predict), True),
            "Classify": _Method(
                classification_pb2.ClassificationRequest, timed(handlers.classify), True
            ),
            "Regress": _Method(regression_pb2.RegressionRequest, timed(handlers.regress), True),
            "MultiInference": _Method(
                inference_pb2.MultiInferenceRequest, timed(handlers.multi_inference)
            ),
            "GetModelMetadata": _Method(
                get_model_metadata_pb2.GetModelMetadataRequest,
                lambda request, _: handlers.metadata(request),
            ),
        },
        "ModelService": {
            "GetModelStatus": _Method(
                get_model_status_pb2.GetModelStatusRequest,
                lambda request, _: handlers.status(request),
            ),
            "HandleReloadConfigRequest": _Method(
                model_management_pb2.ReloadConfigRequest,
                lambda request, context: handlers.reload(request, context.is_active),
            ),
        },
    }


class _Received:
    """A request's bytes and their share of the budget; or why they were refused."""

    def __init__(self, data: bytes, share: Share, refusal: StatusError | None = None):
        self.size = len(data)
        self.share = share
        self._data = data
        self._refusal = refusal

    def take(self) -> bytes:
        """Returns the bytes once, and frees them: gRPC keeps this object."""
        if self._refusal is not None:
            raise self._refusal
        data, self._data = self._data, b""
        return data


class _Edge:
    """Decodes, answers, encodes and counts."""

    def __init__(self, metrics: Metrics, budget: Budget, documents: Gate, limits: GrpcLimits):
        self._metrics = metrics
        self._budget = budget
        self._documents = documents
        self._send_timeout = limits.send_timeout
        self._max_values = limits.max_values_per_message
        self._max_fields = limits.max_fields_per_message
        self._undecodable = _Undecodable(metrics)

    def handler(self, name: str, method: _Method) -> grpc.RpcMethodHandler:
        """Returns what gRPC calls for a method."""

        def answer(received: _Received, context: grpc.ServicerContext) -> bytes:
            slicing.is_wanted.set(context.is_active)
            try:
                return self._answer(name, method, received, context)
            finally:
                # The thread must not keep the context of this call.
                slicing.is_wanted.set(_always)

        return grpc.unary_unary_rpc_method_handler(answer, request_deserializer=self._receive)

    def _receive(self, data: bytes) -> _Received:
        """Reserves the bytes of a message. Never raises: gRPC would not report the error."""
        share = Share(self._budget)
        try:
            share.grow(len(data))
        except StatusError as error:
            return _Received(b"", share, error)
        return _Received(data, share)

    def _answer(
        self, name: str, method: _Method, received: _Received, context: grpc.ServicerContext
    ) -> bytes:
        share = received.share
        model = ""
        started = time.perf_counter()
        try:
            if not context.is_active():
                raise StatusError(Code.CANCELLED, "The client does not wait for the answer")
            request = self._decode(name, method, received, context)
            if method.is_counted:
                model = request.model_spec.name
            response = method.answer(request, context)
            del request
            data = self._encode(response)
            del response
            self._hold_until_sent(share, len(data), context)
        except Exception as error:  # no request may stop the server, or stay without a status
            share.release()
            status = _status_error(error)
            if isinstance(error, _UndecodableError):
                _abort(context, status)
            if method.is_counted:
                self._metrics.count_request(model, status.code.name)
            _abort(context, status)
        if method.is_counted:
            elapsed = (time.perf_counter() - started) * 1e6
            self._metrics.count_request(model, "OK")
            self._metrics.request_latency.add(elapsed, model, name, "GRPC")
        return data

    def _decode(
        self, name: str, method: _Method, received: _Received, context: grpc.ServicerContext
    ) -> Any:
        kind = method.request.DESCRIPTOR
        try:
            data = received.take()
            if _is_small(data, kind):
                return method.request.FromString(data)
            remaining = context.time_remaining()
            deadline = None if remaining is None else time.monotonic() + remaining
            with self._documents.turn(deadline):
                extent = measure(
                    data, kind, self._max_fields or len(data), self._max_values or len(data)
                )
                self._check_extent(extent)
                received.share.grow(
                    extent.fields * _BYTES_OF_FIELD + extent.numbers * _BYTES_OF_NUMBER
                )
                with in_turns():
                    request = method.request.FromString(data)
            _hold_strings(request, received)
            return request
        except DecodeError:
            self._undecodable.add(name, context.peer())
            raise _UndecodableError(
                Code.INTERNAL,
                f"The {received.size} bytes are no {kind.full_name}. Send "
                "the message that the method takes, serialized",
            ) from None

    def _check_extent(self, extent: Extent) -> None:
        """Refuses a message that holds so much that decoding it would delay all others.

        Raises:
          StatusError: RESOURCE_EXHAUSTED.
        """
        if 0 < self._max_fields < extent.fields:
            raise resource_exhausted(
                f"The message holds more than {self._max_fields} fields, as are each string, "
                "tf.Example and feature (--max_fields_per_message). Send fewer rows at a time"
            )
        if 0 < self._max_values < extent.numbers:
            raise resource_exhausted(
                f"The message lists {extent.numbers} numbers or more; at most {self._max_values} "
                "are taken at a time (--max_values_per_message). Send fewer, or as tensor_content"
            )

    def _encode(self, response: Message) -> bytes:
        if response.ByteSize() <= LARGE_BYTES:
            return response.SerializeToString()
        with self._documents.turn(is_first=False):
            return response.SerializeToString()

    def _hold_until_sent(self, share: Share, size: int, context: grpc.ServicerContext) -> None:
        """Counts a large answer until its client has read it, or `send_timeout` is over."""
        if size <= LARGE_BYTES:
            share.release()
            return
        share.hold(size)
        timer = threading.Timer(self._send_timeout, context.cancel)
        timer.daemon = True

        def release() -> None:
            timer.cancel()
            share.release()

        timer.start()
        if not context.add_callback(release):
            release()


def _hold_strings(request: Any, received: _Received) -> None:
    """Counts what Python makes of a large request's strings, before it does.

    Raises:
      StatusError: See `Budget.change`.
    """
    if not isinstance(request, predict_pb2.PredictRequest):
        return
    strings = sum(tensors.count_strings(tensor) for tensor in request.inputs.values())
    if strings > LARGE_COUNT:
        received.share.hold(received.size + strings * BYTES_OF_VALUE)


def _is_small(data: bytes, kind: Descriptor) -> bool:
    """Returns whether a message is decoded at once, and need not wait for its turn."""
    if len(data) <= COUNTED_BYTES:
        return True
    if len(data) > LARGE_BYTES:
        return False
    return max(measure(data, kind, LARGE_COUNT, LARGE_COUNT)) <= LARGE_COUNT


def _always() -> bool:
    return True


class _UndecodableError(StatusError):
    """Bytes that are not the method's message; the status is the one of TF-Serving's gRPC."""


class _Undecodable:
    """Counts messages that cannot be decoded, and logs the number once in a while."""

    def __init__(self, metrics: Metrics):
        self._metrics = metrics
        self._lock = threading.Lock()
        self._count = 0
        self._said_at = float("-inf")

    def add(self, method: str, peer: str) -> None:
        """Counts one of a method, from a peer."""
        self._metrics.undecodable_count.add(method)
        with self._lock:
            self._count += 1
            if time.monotonic() - self._said_at < _SAID_EVERY_SECONDS:
                return
            count, self._count, self._said_at = self._count, 0, time.monotonic()
        _LOG.warning(
            "gRPC requests that could not be decoded: %d; the last was for %s, from %s. Further "
            "ones are counted, and logged every %g s",
            count, method, peer, _SAID_EVERY_SECONDS,
        )  # fmt: skip


def _status_error(error: Exception) -> StatusError:
    """Returns the error as a status: INTERNAL for any exception that was not expected."""
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
