"""Bounds the wait for a store, whose libraries may ask it again and again for minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from components.storage.place import place_of
from serving.printable import printable


class StoreSilentError(TimeoutError):
    """A store does not answer; the message says which, for how long, and what to do."""


def answer_within(seconds: float, path: str, ask: Callable[[], object]) -> None:
    """Calls a function in a thread, which is left alone when it takes longer.

    Args:
      seconds: How long it may take.
      path: What it asks a store for.
      ask: The function.

    Raises:
      StoreSilentError: It takes longer.
      Exception: What it raised.
    """
    raised: list[Exception] = []

    def call() -> None:
        try:
            ask()
        except Exception as error:
            raised.append(error)

    # Not a pool: Python would wait for its threads at the end.
    thread = threading.Thread(target=call, name="sentiment-store", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise StoreSilentError(
            f"the store {printable(place_of(path).parts[0])} does not answer within "
            f"{seconds:g} seconds. Check its name and the network, and run again."
        )
    if raised:
        raise raised[0]
