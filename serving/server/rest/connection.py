"""HTTP/1.1 on one connection: h11 is the protocol, asyncio the bytes, threads answer.

One thread serves all connections, so nothing may block it: a connection reads for a few
milliseconds at a time, and its next request waits until the client has read the answer before.

Not a web framework, nor aiohttp: they normalise the target of a request, and TF-Serving's answers
depend on the target as it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import logging
import select
import time
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import h11

from serving.server.admission import TIMED_OUT, Budget, Share
from serving.server.fair_pool import FairPool
from serving.server.rest import http10
from serving.server.rest.api import Request, Response, RestApi, html_error, json_error
from serving.server.rest.connections import Connections
from serving.status import HTTP_STATUS, StatusError

_LOG = logging.getLogger(__name__)
_MAX_HEAD = 64 * 1024
_LINGER_SECONDS = 10.0
_REASONS = {499: b"Client Closed Request"}
# How long one connection may occupy the event loop before it is the others' turn.
_TURN_SECONDS = 0.002
# Every chunk costs the same, whatever its size: after the free ones, chunks must be of this size on
# average, in bytes.
_FREE_CHUNKS, _SMALLEST_CHUNK = 1024, 64
# Bytes that may wait to be sent; with more, the next request waits until the client has read.
_MAX_UNREAD = 64 * 1024
# A run should end at its deadline; this much later, the edge answers for it.
_LATE_SECONDS = 0.5


@dataclass(frozen=True)
class ConnectionSettings:
    """What all connections share; see `RestServer`."""

    api: RestApi
    pool: FairPool
    budget: Budget
    receive_timeout: float
    send_timeout: float
    max_body_bytes: int


class Connection(asyncio.Protocol):
    """One client: its requests, one after the other."""

    def __init__(self, settings: ConnectionSettings, connections: Connections):
        """Takes what all connections share, and those that are open."""
        self._settings = settings
        self._connections = connections
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._share = Share(settings.budget)
        self._num_chunks = 0
        self._is_answering = False
        self._is_draining = False
        self._is_yielding = False
        self._is_finishing = False
        self._is_refused = False
        self._future: Future[Response] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to read; refuses a connection for which there is no room."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_MAX_UNREAD, low=0)
        if self._connections.add(self):
            return
        if self._connections.is_crowded:
            self._transport.abort()
            return
        message = (
            f"{self._connections.limit} connections are open, the most that the server keeps "
            "(--rest_api_max_connections), and none is idle. Connect again later"
        )
        self._refuse(json_error(503, message, closes=True))

    def connection_lost(self, error: Exception | None) -> None:
        """Forgets the client."""
        self._connections.discard(self)
        self._stop_timer()
        for timer in (self._deadline, self._stuck):
            if timer is not None:
                timer.cancel()
        self._body = bytearray()
        if not self._is_answering:
            self._share.release()

    def data_received(self, data: bytes) -> None:
        """Reads what has arrived."""
        if self._is_refused:
            return
        is_first = self._timer is None and not self._is_answering
        if is_first:
            self._connections.hear_of(self)
        self._http.receive_data(data)
        self._read_events()
        # Most requests have arrived whole by now.
        if is_first and self._timer is None and not (self._is_answering or self._is_refused):
            self._timer = self._loop.call_later(self._settings.receive_timeout, self._too_slow)

    def eof_received(self) -> bool:
        """Returns whether to keep the connection: something is still to be answered."""
        if self._is_refused:
            return False
        self._http.receive_data(b"")
        self._read_events()
        # A client that only closed its own half of the connection can still read the answer.
        return self._is_busy

    def pause_writing(self) -> None:
        """Waits for the client to read what was sent."""
        self._is_draining = True
        self._stuck = self._loop.call_later(
            self._settings.send_timeout, self._check_progress, self._unread
        )

    def resume_writing(self) -> None:
        """Goes on: the client has read what was sent."""
        self._is_draining = False
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        if not self._is_answering and not self._is_refused:
            self._share.release()
            self._go_on()

    # Called by the server, and for the limit on connections.

    def finish(self) -> None:
        """Closes as soon as nothing is being answered."""
        self._is_finishing = True
        if self._is_refused or (not self._is_busy and self._head is None):
            self._transport.close()

    def abort(self) -> None:
        """Closes at once; a request that has not begun to run never does."""
        if self._future is not None:
            self._future.cancel()
        self._transport.abort()

    @property
    def waits_for_client(self) -> bool:
        """Whether it is the client's turn: to ask, to send the rest, or to read the answer."""
        return not self._is_answering

    @property
    def _is_busy(self) -> bool:
        """Whether there is something to do before more is read."""
        return self._is_answering or self._is_draining or self._is_yielding

    @property
    def _unread(self) -> int:
        return self._transport.get_write_buffer_size()

    def _read_events(self) -> None:
        """Reads what has arrived, for a few milliseconds; the rest after other connections."""
        ends = self._loop.time() + _TURN_SECONDS
        while not (self._is_busy or self._is_refused or self._transport.is_closing()):
            if self._loop.time() > ends:
                self._is_yielding = True
                self._transport.pause_reading()
                self._loop.call_soon(self._read_on)
                return
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
                self._num_chunks = 0
                if _content_length(event) > self._settings.max_body_bytes:
                    self._refuse_body()
                    return
            elif isinstance(event, h11.Data):
                if not self._add_to_body(event):
                    return
            elif isinstance(event, h11.EndOfMessage):
                self._answer()

    def _read_on(self) -> None:
        self._is_yielding = False
        if self._transport.is_closing() or self._is_refused:
            return
        self._read_events()
        if not self._is_busy and not self._transport.is_closing():
            self._transport.resume_reading()

    def _add_to_body(self, event: h11.Data) -> bool:
        """Adds a part of the body; False when it is too much and the request is refused."""
        self._num_chunks += event.chunk_start
        size = len(self._body) + len(event.data)
        if size > self._settings.max_body_bytes:
            self._refuse_body()
            return False
        if self._num_chunks > _FREE_CHUNKS + size // _SMALLEST_CHUNK:
            self._refuse(
                json_error(
                    400,
                    f"The body came in {self._num_chunks} chunks of {size} bytes together. Send "
                    f"chunks of {_SMALLEST_CHUNK} bytes at least, or a Content-Length",
                    closes=True,
                )
            )
            return False
        try:
            self._share.grow(len(event.data))
        except StatusError as error:
            self._refuse(json_error(HTTP_STATUS[error.code], error.message, closes=True))
            return False
        self._body += event.data
        return True

    def _answer(self) -> None:
        self._stop_timer()
        self._is_answering = True
        # A client that sends on meanwhile waits, instead of filling the memory.
        self._transport.pause_reading()
        head = cast(h11.Request, self._head)
        if http10.keeps(head):
            self._http = http10.kept(self._http, head, _MAX_HEAD)
        timeout = self._settings.api.timeout
        request = Request(
            head.method.decode("ascii"),
            head.target.decode("latin-1"),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers},
            self._body,
            time.monotonic() + timeout,
            self._share,
        )
        self._body = bytearray()
        share = self._share
        answer = self._settings.pool.submit_for(
            self, self._settings.api.answer, request, may_wait=self.has_client_closed
        )
        self._future = answer
        self._deadline = self._loop.call_later(timeout + _LATE_SECONDS, self._too_late, answer)

        def answered(future: Future[Response]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
                self._loop.call_soon_threadsafe(self._answered, future, share)

        answer.add_done_callback(answered)

    def has_client_closed(self) -> bool:
        """Returns whether the client sends no more: most of those do not wait for an answer.

        Only when one is sent can be found out whether they do.
        """
        connected = self._transport.get_extra_info("socket")
        poll = select.poll()
        with contextlib.suppress(OSError, ValueError):  # closed meanwhile
            poll.register(connected.fileno(), select.POLLRDHUP)
            return bool(poll.poll(0))
        return True

    def _answered(self, future: Future[Response], share: Share) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._future = None
        self._connections.hear_of(self)
        if not self._is_answering or self._transport.is_closing() or future.cancelled():
            self._is_answering = False
            share.release()
            return
        self._is_answering = False
        response = future.result()
        try:
            share.hold(len(response.body))
        except StatusError as error:
            response = json_error(HTTP_STATUS[error.code], error.message)
            share.release()
        self._send(response)
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            self._transport.close()
            return
        self._http.start_next_cycle()
        self._head = None
        if not self._is_draining:
            share.release()
            self._go_on()

    def _go_on(self) -> None:
        """Reads the next request, once the client has read the answer before."""
        if self._transport.is_closing():
            return
        if self._is_finishing:
            self._transport.close()
            return
        # Not at once: a client that pipelines its requests must not occupy the event loop.
        if not self._is_yielding:
            self._is_yielding = True
            self._loop.call_soon(self._read_on)

    def _too_late(self, answer: Future[Response]) -> None:
        """Answers while the run goes on past its deadline: an operation cannot be stopped."""
        answer.cancel()
        self._is_answering = False
        # The request's own share is released when its run ends.
        self._share = Share(self._settings.budget)
        self._refuse(json_error(504, TIMED_OUT, closes=True))

    def _check_progress(self, unread_before: int) -> None:
        """Disconnects a client that has read nothing since the last check."""
        if self._unread >= unread_before:
            _LOG.debug("A client did not read for %s s", self._settings.send_timeout)
            self._transport.abort()
            return
        self._stuck = self._loop.call_later(
            self._settings.send_timeout, self._check_progress, self._unread
        )

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

        Not at once: closing a socket with unread bytes resets the connection, and the client would
        lose the answer. What it still sends is ignored until it closes, or for _LINGER_SECONDS.
        """
        self._stop_timer()
        self._body = bytearray()
        self._share.release()
        with contextlib.suppress(h11.LocalProtocolError):
            self._send(response)
        if self._is_finishing or self._transport.is_closing():
            self._transport.close()
            return
        self._is_refused = True
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.abort)

    def _refuse_body(self) -> None:
        limit = self._settings.max_body_bytes
        message = (
            f"The body is larger than {limit} bytes, the limit here (--rest_api_max_body_bytes)"
        )
        self._refuse(json_error(413, message, closes=True))

    def _too_slow(self) -> None:
        _LOG.debug("A request took longer than %s s to arrive", self._settings.receive_timeout)
        message = f"The request did not arrive within {self._settings.receive_timeout:g} s"
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
