"""The server's process: reads the flags, serves on two ports, and stops in an orderly way.

python -m serving.server.main --model_name=m --model_base_path=/models/m
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, TextIO

from serving.printable import PrintableFormatter, printable
from serving.quiet_start import import_tensorflow
from serving.server import flags as flags_module

_LOG = logging.getLogger("serving.server")
EXIT_OK, EXIT_WRONG_USE, EXIT_FAILED = 0, 2, 255


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; returns an exit code.

    Args:
      arguments: The command line after the program's name; that of the process when None.
    """
    try:
        flags, unknown = flags_module.parse(arguments)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(message)s", one_line=True))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for argument in unknown:
        _LOG.warning("unknown argument: %s (see --help); it is ignored", argument)

    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    stopping = threading.Event()
    from serving.server import config_files, memory
    from serving.status import Code, StatusError

    memory.keep_little()
    server = None
    try:
        config_files.check(flags)
        import_tensorflow()
        from serving.server.server import Server

        with _Signals(stopping):
            server = Server(flags)
            server.start(is_wanted=lambda: not stopping.is_set())
            print(printable(server.description), flush=True)
            stopping.wait()
            _LOG.info("Stopping: no new requests; at most %g s for the others", flags.drain_seconds)
    except StatusError as error:
        if error.code is Code.CANCELLED and stopping.is_set():
            return EXIT_OK
        _say_failed(error)
        return EXIT_FAILED
    except OSError as error:
        _say_failed(error)
        return EXIT_FAILED
    finally:
        if server is not None:
            server.stop(flags.drain_seconds)
    return EXIT_OK


def _say_failed(error: Exception) -> None:
    """Prints the error to standard output and standard error: users of TF-Serving look at either.

    Only once where both are the same file.
    """
    message = f"Failed to start server. Error: {printable(error)}"
    print(message, flush=True)
    if not _are_one(sys.stdout, sys.stderr):
        print(message, file=sys.stderr, flush=True)


def _are_one(stream: TextIO, other: TextIO) -> bool:
    try:
        return os.path.sameopenfile(stream.fileno(), other.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False


_Handler = Callable[[int, FrameType | None], Any] | int | None


class _Signals:
    """Sets an event on SIGTERM and SIGINT; only the main thread can receive them."""

    def __init__(self, stopping: threading.Event):
        self._stopping = stopping
        self._before: dict[int, _Handler] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, lambda *_: self._stopping.set())

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def entry_point() -> None:
    """Runs `main` and leaves at once: threads of TensorFlow's may outlive a request."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    entry_point()
