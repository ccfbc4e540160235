"""SIGTERM ends a command as Ctrl-C does: what was begun is cleaned up, and the end is told."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import NoReturn

EXIT_BY_SIGNAL = 128
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h"


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
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _end(number: int, _: FrameType | None) -> NoReturn:
    # A live line, which nobody takes away any more, hides it.
    with contextlib.suppress(OSError), open("/dev/tty", "wb", buffering=0) as terminal:
        terminal.write(_SHOW_CURSOR)
    os._exit(EXIT_BY_SIGNAL + number)
