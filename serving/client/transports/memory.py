"""A function in place of a server, for tests of code that uses a client."""

from __future__ import annotations

from collections.abc import Callable

from serving.client.messages import Request, Response


class InMemoryTransport:
    """Answers each request by `answer(request)`, which may raise a ServingError."""

    address = "memory"
    tells_version = True

    def __init__(self, answer: Callable[[Request], Response]):
        """Takes the function that answers."""
        self._answer = answer

    def send(self, request: Request, seconds: float) -> Response:
        """Returns the answer."""
        return self._answer(request)

    def close(self) -> None:
        """There is nothing to close."""


class AsyncInMemoryTransport:
    """`InMemoryTransport` for `AsyncClient`."""

    address = "memory"
    tells_version = True

    def __init__(self, answer: Callable[[Request], Response]):
        """Takes the function that answers."""
        self._answer = answer

    async def send(self, request: Request, seconds: float) -> Response:
        """Returns the answer."""
        return self._answer(request)

    async def close(self) -> None:
        """There is nothing to close."""
