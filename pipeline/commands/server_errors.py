"""An error of a model server, as a command tells it.

The client's errors advise programs, by names of Python such as `status()`; whoever typed a command
is told what to type.
"""

from __future__ import annotations

from serving.errors import (
    DeadlineExceededError,
    InvalidRequestError,
    LimitExceededError,
    ModelNotFoundError,
    ResponseError,
    ServerBusyError,
    ServingError,
)

_NEXT_STEPS: dict[type[ServingError], str] = {
    ModelNotFoundError: "Give the name of the server's model by --model-name: `sentiment serve` "
    "prints it. A model that is still loading answers a little later.",
    InvalidRequestError: "Check that `sentiment run` pushed the model: it is asked by the "
    "signature predict_text.",
    LimitExceededError: "Shorten the longest texts, or start the server with a higher limit.",
    ServerBusyError: "Ask again a little later, or start the server with a higher "
    "--grpc_max_threads.",
    DeadlineExceededError: "See what keeps the server busy, and ask again.",
    ResponseError: "Check that the address is a model server's, and that `sentiment run` pushed "
    "the model.",
}


def told(error: ServingError) -> str:
    """Returns the server's address, the model, what is wrong, and what to do next."""
    next_step = _NEXT_STEPS.get(type(error), error.next_step)
    return f"{error.address}, model '{error.model}': {error.reason}. {next_step}".rstrip()
