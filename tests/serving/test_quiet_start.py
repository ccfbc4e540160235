"""What is kept from standard error while a library is imported, and what is not."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest


def run(block: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that says "native" on descriptor 2 inside the block, and something around."""
    program = f"""
        import os, signal, sys
        from serving.quiet_start import errors_kept

        print("before", file=sys.stderr)
        with errors_kept():
            os.write(2, b"native\\n")
            print("of Python", file=sys.stderr)
            {block}
        print("after", file=sys.stderr)
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )


def test_what_is_said_is_dropped_if_all_goes_well():
    """Before and after it, standard error is as it was."""
    result = run("pass")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "before\nafter\n")


def test_an_error_shows_it():
    """In front of the traceback."""
    result = run('raise ImportError("no such library")')
    assert result.returncode == 1
    assert result.stderr.startswith("before\nnative\nof Python\nTraceback (most recent call last)")
    assert result.stderr.endswith("ImportError: no such library\n")


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGILL])
def test_a_crash_shows_it(number):
    """As a processor that is too old ends in one."""
    result = run(f"sys.stderr.flush(); os.kill(os.getpid(), {int(number)})")
    assert result.returncode == -number
    assert result.stderr == "before\nnative\nof Python\n"


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "SystemExit(3)"])
def test_an_interruption_does_not(raised):
    """Nothing went wrong."""
    result = run(f"raise {raised}")
    assert "native" not in result.stderr and result.stderr.startswith("before\n")


def test_more_than_a_pipe_holds_is_no_obstacle():
    """Nor is it lost."""
    block = 'os.write(2, b"~" * 5_000_000); raise ImportError'
    # Python 3.13 shows the line itself as well.
    assert run(block).stderr.partition("Traceback")[0].count("~") == 5_000_000


def test_a_closed_standard_error_is_no_obstacle():
    """As a daemon has it."""
    result = subprocess.run(
        [sys.executable, "-c", "import os; os.close(2)\n"
         "from serving.quiet_start import errors_kept\nwith errors_kept(): print('inside')"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, "inside\n")
