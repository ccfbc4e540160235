"""The status codes that gRPC, REST and TensorFlow share, and the exception with such a code."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """The canonical codes; the numbers are gRPC's and TensorFlow's."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


# From ToHTTPStatusCode in tensorflow_serving/model_servers/http_server.cc.
HTTP_STATUS: dict[Code, int] = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INTERNAL: 500,
    Code.DATA_LOSS: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


class StatusError(Exception):
    """A request or the loading of a version failed: a code, and the text for the caller."""

    def __init__(self, code: Code, message: str):
        """Takes a code other than OK."""
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """Returns e.g. `NOT_FOUND: Servable not found ...`, as absl prints a status."""
        return f"{self.code.name}: {self.message}"


def resource_exhausted(message: str) -> StatusError:
    """Returns a RESOURCE_EXHAUSTED error: a request is beyond a limit."""
    return StatusError(Code.RESOURCE_EXHAUSTED, message)


def invalid_argument(message: str) -> StatusError:
    """Returns an INVALID_ARGUMENT error."""
    return StatusError(Code.INVALID_ARGUMENT, message)
