"""SIGTERM ends a command as Ctrl-C does: it cleans up, and tells the user that it was ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from components.errors import causes

EXIT_BY_SIGNAL = 128
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h"
_AGAIN_SECONDS = 1.0


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived. Whatever cleans up after Ctrl-C cleans up after it."""


def end_on_signals() -> None:
    """Has the first SIGINT or SIGTERM raise in the main thread, and a second one end at once.

    A handler is also what process 1 of a container needs: it has no default ones. What the
    process was started to ignore stays ignored, as with `nohup`.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    for each in _SIGNALS:
        if signal.getsignal(each) is _interrupt:
            signal.signal(each, _end)
    kind = Terminated if number == signal.SIGTERM else KeyboardInterrupt
    signal.signal(signal.SIGALRM, lambda *_: _raise_unless_unwinding(kind))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
    raise kind


def _raise_unless_unwinding(kind: type[KeyboardInterrupt]) -> None:
    """Raises again if the first exception was lost: libraries catch everything, or in callbacks.

    While the program still cleans up, the exception is among those that are being handled.
    """
    handled = sys.exc_info()[1]
    if handled is None or not any(isinstance(each, KeyboardInterrupt) for each in causes(handled)):
        raise kind


def leave_alone() -> None:
    """Stops raising again: the user is being told of the end."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def _end(number: int, _: FrameType | None) -> NoReturn:
    # A live line hides the cursor, and is not removed any more.
    with contextlib.suppress(OSError), open("/dev/tty", "wb", buffering=0) as terminal:
        terminal.write(_SHOW_CURSOR)
    os._exit(EXIT_BY_SIGNAL + number)
