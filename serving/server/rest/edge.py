"""The REST server: listens, and keeps its connections in an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Sequence

from serving.server.admission import Budget
from serving.server.fair_pool import FairPool
from serving.server.rest.api import RestApi
from serving.server.rest.connection import Connection, ConnectionSettings
from serving.server.rest.connections import Connections

# Connections that are accepted before it is the others' turn, and those that wait for it in the
# system.
_ACCEPTED_AT_ONCE, _BACKLOG = 8, 1024


class RestServer:
    """Listens in a thread of its own."""

    def __init__(
        self,
        api: RestApi,
        *,
        num_threads: int,
        receive_timeout: float = 60.0,
        send_timeout: float = 60.0,
        max_body_bytes: int = 64 * 2**20,
        max_connections: int = 1000,
        budget: Budget | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ):
        """Takes the API and the limits of a request.

        Args:
          api: What answers.
          num_threads: Requests that are answered at once.
          receive_timeout: Seconds for a request to arrive whole.
          send_timeout: Seconds after which a client that reads nothing is disconnected.
          max_body_bytes: Of one body.
          max_connections: At a time; see `Connections`.
          budget: The limit on all bodies and unread answers together; None for 8 * max_body_bytes.
          ssl_context: For TLS.
        """
        self._pool = FairPool(num_threads, "rest")
        self._settings = ConnectionSettings(
            api,
            self._pool,
            budget or Budget(8 * max_body_bytes),
            receive_timeout,
            send_timeout,
            max_body_bytes,
        )
        self._ssl_context = ssl_context
        self._loop = asyncio.new_event_loop()
        self._connections = Connections(max_connections)
        self._listeners: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._run, name="rest", daemon=True)

    def start(self, sockets: Sequence[socket.socket]) -> None:
        """Starts listening on sockets that are bound.

        Raises:
          OSError: It cannot listen there.
        """
        try:
            for one in sockets:
                listening = self._loop.create_server(
                    lambda: Connection(self._settings, self._connections),
                    sock=one,
                    ssl=self._ssl_context,
                    # So many asyncio accepts in one go, while all other connections wait.
                    backlog=_ACCEPTED_AT_ONCE,
                )
                self._listeners.append(self._loop.run_until_complete(listening))
                one.listen(_BACKLOG)
        except OSError:
            self._loop.close()
            raise
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Takes no more requests, and waits up to `grace` seconds for those in progress."""
        asyncio.run_coroutine_threadsafe(self._drain(grace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _drain(self, grace: float) -> None:
        deadline = time.monotonic() + grace
        # Clients that asyncio has accepted become connections first: a listener that closes
        # meanwhile leaves their sockets open.
        for listener in self._listeners:
            for listening in listener.sockets:
                self._loop.remove_reader(listening)
        if arriving := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(arriving, timeout=grace)
        for listener in self._listeners:
            listener.close()
        for connection in self._connections:
            connection.finish()
        while self._connections and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for connection in self._connections:
            connection.abort()
        await asyncio.sleep(0)
