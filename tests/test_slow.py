"""Slow tests are left to CI aloud."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
TESTS = """
import pytest
@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_much(number): pass
def test_little(): pass
"""


def test_slow_tests_that_do_not_run_are_counted_beside_the_command_that_runs_them(tmp_path):
    """With xdist, whose first process collects nothing, and without; silent where all run."""
    (tmp_path / "test_both.py").write_text(TESTS)
    command = [
        *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"),
        *("-o", "markers=slow", "test_both.py"),
    ]
    own = {key: value for key, value in os.environ.items() if "PYTEST" not in key}

    def output(*chosen: str) -> str:
        return subprocess.run(
            [*command, *chosen],
            cwd=tmp_path,
            env=own | {"PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
        ).stdout

    for workers in ("0", "1"):
        quick = output("-m", "not slow", "-n", workers)
        assert "1 passed" in quick
        assert (
            "Tests marked `slow` that were left to CI: 3. To run them here: "
            'make test ARGS="-m slow test_both.py"'
        ) in quick
    everything = output("-n", "0")
    assert "4 passed" in everything and "left to CI" not in everything
