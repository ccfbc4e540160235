"""The errors of the client, with the status codes of gRPC and REST.

    ServingError
    ├── ClientSetupError        an address or an option of the client cannot be used
    ├── RequestError            the server refused; the same request will be refused again
    │   ├── InvalidRequestError     INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE  400
    │   │   └── InvalidInputError       refused by the client; nothing was sent
    │   ├── AccessError             UNAUTHENTICATED, PERMISSION_DENIED              401, 403
    │   ├── ModelNotFoundError      NOT_FOUND                                            404
    │   ├── LimitExceededError      RESOURCE_EXHAUSTED                                   429
    │   └── UnsupportedError        UNIMPLEMENTED                                        501
    ├── UnavailableError        UNAVAILABLE: nobody answers, or not now                  503
    │   └── ServerBusyError         RESOURCE_EXHAUSTED, of a server without a free thread    429
    ├── DeadlineExceededError   DEADLINE_EXCEEDED: no answer in time                     504
    ├── NotReadyError           no version became available in time
    ├── ServerFailedError       every other code: CANCELLED, UNKNOWN, INTERNAL ... 409, 499, 500
    └── ResponseError           an answer came, and it is not what the protocol promises

Messages name the address, the model, what arrived and what to do next. Only UnavailableError and
ServerBusyError are worth another attempt.
"""

from __future__ import annotations

from typing import ClassVar

from serving.status import HTTP_STATUS, Code

# gRPC's messages when all of a server's threads are busy: in C++ (TF-Serving), in Python.
_NO_FREE_THREAD = ("Server Threadpool Exhausted", "Concurrent RPC limit exceeded!")

# The first code of each status, and the statuses of proxies.
_CODE_OF_HTTP_STATUS: dict[int, Code] = {
    **{status: code for code, status in reversed(HTTP_STATUS.items())},
    500: Code.INTERNAL,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    502: Code.UNAVAILABLE,
}


def code_of_http_status(status: int) -> Code:
    """Returns the code that an HTTP status stands for: the likeliest where several share one."""
    return _CODE_OF_HTTP_STATUS.get(
        status, Code.INVALID_ARGUMENT if 400 <= status < 500 else Code.UNKNOWN
    )


class ServingError(Exception):
    """Base of all errors of the client.

    Attributes:
      address: The server's address, as the caller wrote it.
      model: The model that was asked for, with its version or label.
      reason: What arrived or what is wrong, in a sentence without its full stop.
      code: The status that the server gave, or would have given.
    """

    default_code: ClassVar[Code] = Code.UNKNOWN
    next_step: ClassVar[str] = ""

    def __init__(self, reason: str, *, address: str, model: str, code: Code | None = None):
        """`code` is the kind's own if it is not given."""
        super().__init__(reason)
        self.address = address
        self.model = model
        self.reason = reason.rstrip().removesuffix(".")
        self.code = self.default_code if code is None else code

    @property
    def http_status(self) -> int:
        """The HTTP status of `code`."""
        return HTTP_STATUS[self.code]

    def __str__(self) -> str:
        """The address, the model, the reason and what to do next."""
        return f"{self.address}, model '{self.model}': {self.reason}. {self.next_step}".rstrip()


class ClientSetupError(ServingError):
    """An address or an option of the client cannot be used; the reason says what can."""

    default_code = Code.INVALID_ARGUMENT


class RequestError(ServingError):
    """The server refused the request; the same request will be refused again."""


class InvalidRequestError(RequestError):
    """The request does not fit the model."""

    default_code = Code.INVALID_ARGUMENT
    next_step = "Compare the request with the signatures that `metadata()` lists."


class InvalidInputError(InvalidRequestError):
    """What the caller passed cannot be sent; the reason says what can."""

    next_step = ""


class AccessError(RequestError):
    """The server, or a proxy before it, does not let this client in."""

    default_code = Code.PERMISSION_DENIED
    next_step = "Check the client certificate, and what the proxy before the server asks for."


class ModelNotFoundError(RequestError):
    """No loaded model or version has this name or number."""

    default_code = Code.NOT_FOUND
    next_step = (
        "Check the model's name against the server's --model_name, and the version against "
        "`status()`; a model that is still loading is awaited by `wait_until_ready()`."
    )


class LimitExceededError(RequestError):
    """The request is larger, or more frequent, than the server or a proxy allows."""

    default_code = Code.RESOURCE_EXHAUSTED
    next_step = (
        "Send less at a time: lower the client's `batch_size`. A single text that is too long has "
        "to be shortened."
    )


class UnsupportedError(RequestError):
    """The server does not have this call."""

    default_code = Code.UNIMPLEMENTED
    next_step = "Check that the address is a model server's: gRPC is at 8500, REST at 8501."


class UnavailableError(ServingError):
    """Nobody answers at the address, or the server cannot take requests now."""

    default_code = Code.UNAVAILABLE
    next_step = (
        "Start the server (`sentiment serve`) or check the address: unless told otherwise, gRPC "
        "is at 8500, REST at 8501, and TLS is used by both sides or by neither."
    )


class ServerBusyError(UnavailableError):
    """All of the server's threads are taken; the same request may be answered a little later."""

    default_code = Code.RESOURCE_EXHAUSTED
    next_step = (
        "The server answers as many requests at a time as it has threads: ask from fewer threads, "
        "send larger batches, or start it with a higher --grpc_max_threads. How often the client "
        "asks again by itself is set by `retries`."
    )


class DeadlineExceededError(ServingError):
    """No answer came in time."""

    default_code = Code.DEADLINE_EXCEEDED
    next_step = "Raise `timeout`, lower `batch_size`, or see what keeps the server busy."


class NotReadyError(ServingError):
    """No version became available in time."""

    default_code = Code.UNAVAILABLE
    next_step = "See the server's log for why the model does not load, or wait longer."


class ServerFailedError(ServingError):
    """The server failed while it answered."""

    default_code = Code.INTERNAL
    next_step = "See the server's log."


class ResponseError(ServingError):
    """An answer came, and it is not what the protocol or the model's signatures promise."""

    default_code = Code.UNKNOWN
    next_step = (
        "Check that the address is a model server's, and that the model has the signatures that "
        "`sentiment run` exports: `metadata()` lists them."
    )


_ERROR_OF_CODE: dict[Code, type[ServingError]] = {
    Code.INVALID_ARGUMENT: InvalidRequestError,
    Code.FAILED_PRECONDITION: InvalidRequestError,
    Code.OUT_OF_RANGE: InvalidRequestError,
    Code.UNAUTHENTICATED: AccessError,
    Code.PERMISSION_DENIED: AccessError,
    Code.NOT_FOUND: ModelNotFoundError,
    Code.RESOURCE_EXHAUSTED: LimitExceededError,
    Code.UNIMPLEMENTED: UnsupportedError,
    Code.UNAVAILABLE: UnavailableError,
    Code.DEADLINE_EXCEEDED: DeadlineExceededError,
}


def error_of(code: Code, reason: str, *, address: str, model: str) -> ServingError:
    """Returns the error that stands for a server's status code."""
    error = _ERROR_OF_CODE.get(code, ServerFailedError)
    if code is Code.RESOURCE_EXHAUSTED and any(words in reason for words in _NO_FREE_THREAD):
        error = ServerBusyError
    return error(reason or code.name, address=address, model=model, code=code)
