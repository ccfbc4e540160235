"""Computes something in a process of its own, beside what this one does meanwhile."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


def beside(function: Callable[..., T], *arguments: Any) -> Callable[[], T]:
    """Begins to compute `function(*arguments)`, and returns what waits for it.

    The process is a new one, not a copy: TensorFlow's threads do not survive that.

    Args:
      function: Of a module's top level; what it takes and returns can be pickled.
      *arguments: Its arguments.

    Returns:
      A function to be called once. It returns what `function` did or raises what it raised; a
      RuntimeError if the process was killed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, function, arguments), daemon=True)
    process.start()
    sender.close()

    def wait() -> T:
        try:
            result, error = receiver.recv()
        except EOFError:
            process.join()
            raise RuntimeError(
                f"the process that computes it ended with {process.exitcode}; a killed one may "
                "have had too little memory"
            ) from None
        finally:
            receiver.close()
        process.join()
        if error is not None:
            raise error
        return result

    return wait


def _send(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    answer: tuple[Any, Exception | None]
    try:
        answer = function(*arguments), None
    except Exception as error:
        answer = None, error
    with sender:
        sender.send(answer)
