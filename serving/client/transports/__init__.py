"""How requests reach a server.

A transport turns a request into a response, or raises a ServingError. It does not retry.
"""

from __future__ import annotations

from typing import Protocol

from serving.client.messages import Request, Response


class Transport(Protocol):
    """Carries requests for `Client`.

    Attributes:
      address: The server, for error messages.
      tells_version: Whether predictions say which version made them.
    """

    address: str
    tells_version: bool

    def send(self, request: Request, seconds: float) -> Response:
        """Returns the response, or raises DeadlineExceededError after `seconds`."""

    def close(self) -> None:
        """Closes the connections."""


class AsyncTransport(Protocol):
    """Carries requests for `AsyncClient`."""

    address: str
    tells_version: bool

    async def send(self, request: Request, seconds: float) -> Response:
        """Returns the response, or raises DeadlineExceededError after `seconds`."""

    async def close(self) -> None:
        """Closes the connections."""
