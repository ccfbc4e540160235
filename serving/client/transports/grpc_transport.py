"""Sends requests to TF-Serving's gRPC API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from serving.client import grpc_codec
from serving.client.address import Address
from serving.client.messages import Request, Response, UnreadableAnswerError
from serving.client.settings import Tls
from serving.errors import ResponseError, ServingError, error_of
from serving.status import Code

# By default gRPC waits 1 s and more before it connects again; all requests fail until then.
OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # The client's own limit is 4 MB; traces are larger.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


class GrpcTransport:
    """Carries requests over one channel."""

    tells_version = True

    def __init__(self, address: Address, tls: Tls | None = None):
        """Connects with the first request; gRPC is encrypted if `tls` is given."""
        self.address = address.text
        options = _options(address)
        if tls is None:
            self._channel = grpc.insecure_channel(address.text, options)
        else:
            self._channel = grpc.secure_channel(address.text, _credentials(tls), options)

    def send(self, request: Request, seconds: float) -> Response:
        """Calls the method and returns its response."""
        path, message = grpc_codec.encode(request)
        try:
            answer = self._channel.unary_unary(path)(message, timeout=seconds)
        except grpc.RpcError as error:
            raise _error(error, self.address, request) from error
        return _decode(request, answer, self.address)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()


class AsyncGrpcTransport:
    """Carries requests over one channel of the running event loop."""

    tells_version = True

    def __init__(self, address: Address, tls: Tls | None = None):
        """Connects with the first request; gRPC is encrypted if `tls` is given."""
        self.address = address.text
        self._options = _options(address)
        self._credentials = None if tls is None else _credentials(tls)
        self._channel: grpc.aio.Channel | None = None

    async def send(self, request: Request, seconds: float) -> Response:
        """Calls the method and returns its response."""
        path, message = grpc_codec.encode(request)
        try:
            answer = await self._opened().unary_unary(path)(message, timeout=seconds)
        except grpc.RpcError as error:
            raise _error(error, self.address, request) from error
        return _decode(request, answer, self.address)

    async def close(self) -> None:
        """Closes the channel."""
        if self._channel is not None:
            await self._channel.close()

    def _opened(self) -> grpc.aio.Channel:
        # A channel belongs to the event loop that runs when it is made.
        if self._channel is None:
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self.address, self._options)
            else:
                self._channel = grpc.aio.secure_channel(
                    self.address, self._credentials, self._options
                )
        return self._channel


def _options(address: Address) -> list[tuple[str, int]]:
    return [*OPTIONS, ("grpc.enable_http_proxy", 0)] if address.is_loopback else OPTIONS


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.root_certificates),
        private_key=_pem(tls.client_key),
        certificate_chain=_pem(tls.client_certificate),
    )


def _pem(path: str | Path | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def _error(error: Any, address: str, request: Request) -> ServingError:
    return error_of(
        Code(error.code().value[0]),
        error.details() or "",
        address=address,
        model=str(request.model),
    )


def _decode(request: Request, answer: bytes, address: str) -> Response:
    try:
        return grpc_codec.decode(request, answer)
    except UnreadableAnswerError as error:
        raise ResponseError(str(error), address=address, model=str(request.model)) from error
