"""HTTP/1.1 for the REST API: h11 reads and writes, asyncio carries, threads answer.

Not a web framework, nor aiohttp: they tidy up the target of a request before anybody sees it,
and TF-Serving's answers depend on it as it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import logging
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import cast

import h11

from serving.server import http10
from serving.server.rest_api import Request, Response, RestApi, html_error, json_error

_LOG = logging.getLogger(__name__)
_MAX_HEAD = 64 * 1024
_LINGER_SECONDS = 10.0
_REASONS = {499: b"Client Closed Request"}


class RestServer:
    """Listens in a thread of its own."""

    def __init__(
        self,
        api: RestApi,
        *,
        num_threads: int,
        receive_timeout: float = 60.0,
        max_body_bytes: int = 256 * 2**20,
        ssl_context: ssl.SSLContext | None = None,
    ):
        """Takes limits: seconds for a request to arrive whole, and bytes of its body."""
        self.api = api
        self.receive_timeout = receive_timeout
        self.max_body_bytes = max_body_bytes
        self.pool = ThreadPoolExecutor(num_threads, thread_name_prefix="rest")
        self._ssl_context = ssl_context
        self._loop = asyncio.new_event_loop()
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server
        self._thread = threading.Thread(target=self._run, name="rest", daemon=True)

    def start(self, host: str, port: int) -> int:
        """Starts listening; returns the port, which is a free one for port 0.

        Raises:
          OSError: The port is taken, or not allowed.
        """
        try:
            self._server = self._loop.run_until_complete(
                self._loop.create_server(
                    lambda: _Connection(self, self._connections),
                    host,
                    port,
                    ssl=self._ssl_context,
                    backlog=1024,
                )
            )
        except OSError:
            self._loop.close()
            raise
        self._thread.start()
        return self._server.sockets[0].getsockname()[1]

    def stop(self, grace: float) -> None:
        """Takes no more requests, and waits for those that are being answered."""
        asyncio.run_coroutine_threadsafe(self._drain(grace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _drain(self, grace: float) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.finish()
        deadline = time.monotonic() + grace
        while self._connections and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One client: its requests, one after the other."""

    def __init__(self, server: RestServer, connections: set[_Connection]):
        self._server = server
        self._connections = connections
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._is_answering = False
        self._is_finishing = False
        self._is_refused = False
        self._timer: asyncio.TimerHandle | None = None

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._stop_timer()
        self._body.clear()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        if self._timer is None and not self._is_answering:
            self._timer = self._loop.call_later(self._server.receive_timeout, self._too_slow)
        self._http.receive_data(data)
        self._read_events()

    def eof_received(self) -> bool:
        if self._is_refused:
            return False
        self._http.receive_data(b"")
        self._read_events()
        # What is being answered may still be read by a client that only closed its own half.
        return self._is_answering

    # Called by the server.

    def finish(self) -> None:
        """Closes as soon as nothing is being answered."""
        self._is_finishing = True
        if self._is_refused or (not self._is_answering and self._head is None):
            self._transport.close()

    def abort(self) -> None:
        """Closes at once."""
        self._transport.abort()

    def _read_events(self) -> None:
        while not (self._is_answering or self._is_refused or self._transport.is_closing()):
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(html_error(_known_status(error.error_status_hint)))
                return
            if event is h11.NEED_DATA:
                if self._head is not None and self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    self._transport.write(self._http.send(go_on) or b"")
                return
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                if isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                return
            if isinstance(event, h11.Request):
                self._head = event
                if _content_length(event) > self._server.max_body_bytes:
                    self._refuse_body()
                    return
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > self._server.max_body_bytes:
                    self._refuse_body()
                    return
            elif isinstance(event, h11.EndOfMessage):
                self._answer()

    def _answer(self) -> None:
        self._stop_timer()
        self._is_answering = True
        # A client that sends on meanwhile waits, instead of filling the memory.
        self._transport.pause_reading()
        head = cast(h11.Request, self._head)
        if http10.keeps(head):
            self._http = http10.kept(self._http, head, _MAX_HEAD)
        request = Request(
            head.method.decode("ascii"),
            head.target.decode("latin-1"),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers},
            bytes(self._body),
        )
        self._body = bytearray()
        future = self._loop.run_in_executor(self._server.pool, self._server.api.answer, request)
        future.add_done_callback(self._answered)

    def _answered(self, future: asyncio.Future[Response]) -> None:
        self._is_answering = False
        if self._transport.is_closing() or future.cancelled():
            return
        self._send(future.result())
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            self._transport.close()
            return
        self._http.start_next_cycle()
        self._head = None
        self._transport.resume_reading()
        if self._is_finishing:
            self._transport.close()
        else:
            self._read_events()

    def _send(self, response: Response) -> None:
        is_head = self._head is not None and self._head.method == b"HEAD"
        headers = [
            ("Content-Type", response.content_type),
            ("Date", email.utils.formatdate(usegmt=True)),
            *response.headers,
        ]
        if not is_head:
            headers.append(("Content-Length", str(len(response.body))))
        if response.closes or self._is_finishing:
            headers.append(("Connection", "close"))
        elif self._head is not None and http10.keeps(self._head):
            headers.append(("Connection", "keep-alive"))
        parts = [
            self._http.send(
                h11.Response(
                    status_code=response.status,
                    headers=headers,
                    reason=_REASONS.get(response.status) or _reason(response.status),
                )
            )
        ]
        if response.body and not is_head:
            parts.append(self._http.send(h11.Data(data=response.body)))
        parts.append(self._http.send(h11.EndOfMessage()))
        self._transport.write(b"".join(parts))

    def _refuse(self, response: Response) -> None:
        """Answers a request that is not read to its end, and closes.

        Not at once: a socket that is closed on unread bytes is reset, and the answer is lost with
        it. What the client still sends is thrown away until it closes, or the time is over.
        """
        self._stop_timer()
        with contextlib.suppress(h11.LocalProtocolError):
            self._send(response)
        if self._is_finishing or self._transport.is_closing():
            self._transport.close()
            return
        self._is_refused = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.abort)

    def _refuse_body(self) -> None:
        limit = self._server.max_body_bytes
        self._body.clear()
        self._refuse(
            json_error(413, f"The body is larger than {limit} bytes, the limit here", closes=True)
        )

    def _too_slow(self) -> None:
        _LOG.debug("A request took longer than %s s to arrive", self._server.receive_timeout)
        message = f"The request did not arrive within {self._server.receive_timeout:g} s"
        self._refuse(json_error(408, message, closes=True))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _content_length(head: h11.Request) -> int:
    return next((int(value) for name, value in head.headers if name == b"content-length"), 0)


def _reason(status: int) -> bytes:
    return HTTPStatus(status).phrase.encode()


def _known_status(status: int) -> int:
    return status if status in (400, 413, 431, 501) else 400
