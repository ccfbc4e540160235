"""Python in a process of its own, where nothing is left in memory of what made its inputs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


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
        [sys.executable, "-c", f"import json, sys\narguments = json.load(sys.stdin)\n{script}"],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])
