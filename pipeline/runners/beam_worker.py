"""A worker process of Beam that ends together with the process that started it.

What it prints goes to the log of the run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TextIO, cast

from pipeline.runners import beam_adapter
from serving.printable import PrintableStream

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Runs the worker until Beam ends it."""
    _end_with_starter()
    # Ctrl-C is for the process that started this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = cast("TextIO", PrintableStream(sys.stdout))
    sys.stderr = cast("TextIO", PrintableStream(sys.stderr))
    beam_adapter.work(sys.argv)


def _end_with_starter() -> None:
    """Has Linux kill this process when the starting thread, which waits for it, is gone."""
    starter = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != starter:  # it was gone before
        os._exit(1)


if __name__ == "__main__":
    main()
