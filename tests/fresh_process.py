"""Python in a process of its own, where nothing is left in memory of what made its inputs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

# The collector would look at what is imported again and again, see `serving.start`.
_PROLOGUE = """
import gc, json, sys
gc.set_threshold(50_000, 20, 100)
arguments = json.load(sys.stdin)
"""


def told_by(script: str, *arguments: Any, timeout: float = 300.0) -> Any:
    """Runs a script that finds `arguments` in a variable of that name.

    Args:
      script: Prints JSON in its last line.
      arguments: What JSON can hold.
      timeout: Seconds.

    Returns:
      What it printed.
    """
    result = subprocess.run(
        [sys.executable, "-c", _PROLOGUE + script],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])
