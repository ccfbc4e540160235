"""Imports TensorFlow without its messages about processors and graphics cards.

TensorFlow 2.21 writes it to file descriptor 2 before any setting of its log counts. Should the
import fail, or end this process, it is shown after all: then it may be the reason. So a process
of its own, this file as a program, keeps it meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

# The last byte of what is held back, if the import went well; text never holds it.
_ALL_IS_WELL = b"\0"
_KEPT_BYTES = 1 << 20
_BLOCK = 1 << 16


def import_tensorflow() -> None:
    """Imports it; its native log shows fatal errors only, unless the environment asks for more."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        return
    with errors_kept(), warnings.catch_warnings():
        # Libraries that TensorFlow imports warn that this Python is old.
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def errors_kept() -> Iterator[None]:
    """Holds back what is written to descriptor 2; shows it if the block raises or never ends.

    After an interruption or an exit it is not shown.
    """
    try:
        terminal = os.dup(2)
    except OSError:  # descriptor 2 is closed: there is nothing to hold back
        yield
        return
    sys.stderr.flush()
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=terminal,
        # Ctrl-C is for this process.
        start_new_session=True,
    )
    assert keeper.stdin
    os.dup2(keeper.stdin.fileno(), 2)
    has_failed = False
    try:
        yield
    except Exception:  # an import may raise anything
        has_failed = True
        raise
    finally:
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.flush()
            if not has_failed:
                os.write(2, _ALL_IS_WELL)
        os.dup2(terminal, 2)
        os.close(terminal)
        keeper.stdin.close()
        keeper.wait()


def _keep() -> None:
    """Reads standard input; writes it to standard output if it does not end in _ALL_IS_WELL."""
    kept = b""
    while block := os.read(0, _BLOCK):
        kept += block
        if kept.endswith(_ALL_IS_WELL):
            return
        if len(kept) > _KEPT_BYTES:
            os.write(1, kept)
            kept = b""
    os.write(1, kept)


if __name__ == "__main__":
    _keep()
