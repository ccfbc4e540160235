"""Sends requests to TF-Serving's REST API."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from typing import Any

import httpx

from serving.client import rest_codec
from serving.client.address import Address
from serving.client.messages import Request, Response, UnreadableAnswerError
from serving.client.settings import Tls
from serving.errors import (
    DeadlineExceededError,
    ResponseError,
    ServingError,
    UnavailableError,
    error_of,
)


class RestTransport:
    """Carries requests over connections that are kept alive.

    `seconds` limits each of connecting, sending, and waiting for the first byte of the answer; an
    answer that arrives slowly is given up when they are over.
    """

    tells_version = False

    def __init__(self, address: Address, tls: Tls | None = None):
        """Connects with the first request."""
        self.address = address.text
        self._http = httpx.Client(**_options(address, tls))

    def send(self, request: Request, seconds: float) -> Response:
        """Sends the request and returns what the answer says."""
        deadline = time.monotonic() + seconds
        to_send = _http_request(self._http, request, seconds)
        try:
            answer = self._http.send(to_send, stream=True)
            try:
                body = bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    if time.monotonic() > deadline:
                        raise _too_slow(seconds, self.address, request)
            finally:
                answer.close()
        except (
            httpx.RequestError,
            OSError,
        ) as error:  # HTTPX passes some TLS errors on
            raise _error(error, seconds, self.address, request) from error
        return _decode(request, answer.status_code, bytes(body), self.address)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


class AsyncRestTransport:
    """`RestTransport` for `AsyncClient`; `seconds` limits the whole exchange."""

    tells_version = False

    def __init__(self, address: Address, tls: Tls | None = None):
        """Connects with the first request."""
        self.address = address.text
        self._http = httpx.AsyncClient(**_options(address, tls))

    async def send(self, request: Request, seconds: float) -> Response:
        """Sends the request and returns what the answer says."""
        to_send = _http_request(self._http, request, seconds)
        try:
            answer = await asyncio.wait_for(self._http.send(to_send), seconds)
        except asyncio.TimeoutError as error:
            raise _too_slow(seconds, self.address, request) from error
        except (
            httpx.RequestError,
            OSError,
        ) as error:  # HTTPX passes some TLS errors on
            raise _error(error, seconds, self.address, request) from error
        return _decode(request, answer.status_code, answer.content, self.address)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


def _options(address: Address, tls: Tls | None) -> dict[str, Any]:
    """Returns the keyword arguments of an HTTP client."""
    try:
        base_url = httpx.URL(address.text)
    except httpx.InvalidURL as error:
        raise ValueError(f"this is no URL: {error}") from error
    return {
        "base_url": base_url,
        "verify": _context(tls or Tls()) if address.is_encrypted else True,
        # The environment may name a proxy, which cannot reach this machine's loopback address.
        "trust_env": not address.is_loopback,
    }


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.root_certificates)
    if tls.client_certificate is not None:
        context.load_cert_chain(tls.client_certificate, tls.client_key)
    return context


def _http_request(
    http: httpx.Client | httpx.AsyncClient, request: Request, seconds: float
) -> httpx.Request:
    encoded = rest_codec.encode(request)
    return http.build_request(
        encoded.method, encoded.path, content=encoded.body or None, timeout=seconds
    )


def _decode(request: Request, status: int, body: bytes, address: str) -> Response:
    try:
        return rest_codec.decode(request, status, body)
    except rest_codec.RefusedError as error:
        raise error_of(error.code, str(error), address=address, model=str(request.model)) from error
    except UnreadableAnswerError as error:
        raise ResponseError(str(error), address=address, model=str(request.model)) from error


def _error(
    error: httpx.RequestError | OSError, seconds: float, address: str, request: Request
) -> ServingError:
    if isinstance(error, httpx.TimeoutException):
        return _too_slow(seconds, address, request)
    reason = _reason(error)
    if isinstance(error, httpx.DecodingError):
        return ResponseError(reason, address=address, model=str(request.model))
    return UnavailableError(reason, address=address, model=str(request.model))


def _reason(error: BaseException) -> str:
    """Returns the operating system's message: those of the libraries do not name the cause."""
    reason = str(error)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionError) and cause.errno is not None:
            reason = os.strerror(cause.errno)  # asyncio replaces the system's text by its own
        elif isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
        # Several addresses of one host may have failed.
        several = getattr(cause, "exceptions", ())
        cause = several[0] if several else cause.__cause__ or cause.__context__
    return reason or type(error).__name__


def _too_slow(seconds: float, address: str, request: Request) -> ServingError:
    return DeadlineExceededError(
        f"no whole answer within {seconds:.3g} s", address=address, model=str(request.model)
    )
