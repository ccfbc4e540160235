"""A process that ends as it likes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def start_python() -> Callable[..., int]:
    """Runs code in a process of its own, and returns the exit code."""

    def start(code: str, *arguments: str) -> int:
        return subprocess.run([sys.executable, "-c", code, *arguments]).returncode

    return start
