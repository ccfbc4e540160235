"""The command as a user runs it: in a process of its own, without a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# A shell has its background jobs ignore SIGINT, and all that they start. A function that runs
# between fork and exec would let gRPC's threads end the new process.
HEARS_CTRL_C = ("env", "--default-signal=INT")


def start(*arguments: str, cwd: Path, temporary: str = "") -> subprocess.Popen[str]:
    """Starts the command as a user would, without a terminal; `temporary` is where it has /tmp."""
    return subprocess.Popen(
        [*HEARS_CTRL_C, sys.executable, "-m", "pipeline.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=os.environ
        | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"}
        | ({"TMPDIR": temporary} if temporary else {}),
    )


def sentiment(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end; it leaves nothing in the temporary folder."""
    with tempfile.TemporaryDirectory() as temporary:
        with start(*arguments, cwd=cwd, temporary=temporary) as process:
            output, errors = process.communicate(timeout=300)
        assert os.listdir(temporary) == []
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)
