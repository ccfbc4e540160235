"""A terminal that records what is drawn on it."""

import os
import pty
import subprocess
import sys
import textwrap


def in_a_terminal(code: str, keeps_errors: bool = False, **environment: str) -> str:
    """Runs Python code in a pseudo-terminal and returns all that it draws."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal if keeps_errors else subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
    )
    os.close(terminal)
    drawn = b""
    try:
        while chunk := os.read(controller, 4_096):
            drawn += chunk
    except OSError:
        pass  # Linux ends a pseudo-terminal with EIO.
    process.wait()
    os.close(controller)
    return drawn.decode()
