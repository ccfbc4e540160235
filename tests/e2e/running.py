"""The command as a user runs it: in a process of its own, without a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Starts the command as a user would, without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        # A shell has its background jobs ignore SIGINT, and all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"},
    )


def sentiment(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    with start(*arguments, cwd=cwd) as process:
        output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)
