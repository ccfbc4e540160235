"""Processes that end with whoever started them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from serving import tether


def start(*command: str, ending: list[str] | None = None) -> subprocess.Popen[str]:
    """Starts a command on a tether, and holds its other end."""
    return subprocess.Popen(
        [sys.executable, "-m", "serving.tether", json.dumps(ending or []), *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 3", 3), ("kill -TERM $$", tether.SIGNAL_BASE + signal.SIGTERM)],
)
def test_the_exit_code_is_that_of_the_command(script, code):
    """A signal's is told as shells tell it."""
    with start("sh", "-c", script) as process:
        assert process.wait(timeout=60) == code


def test_a_command_that_is_not_there_is_named():
    """With the exit code of shells."""
    with start("no_such_server") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == tether.EXIT_NOT_STARTED
    assert output == "no_such_server cannot be started: No such file or directory\n"


def test_the_end_of_its_input_kills_the_command_and_runs_what_ends_the_rest(tmp_path):
    """Even a command that takes no notice of signals that can be refused."""
    ended = tmp_path / "ended"
    stubborn = "trap '' TERM INT HUP; echo up; while :; do sleep 1; done"
    with start("sh", "-c", stubborn, ending=["touch", str(ended)]) as process:
        assert process.stdout.readline() == "up\n"
        process.stdin.close()
        assert process.wait(timeout=60) == tether.SIGNAL_BASE + signal.SIGKILL
    assert ended.exists()


def test_a_starter_that_is_killed_leaves_nothing_behind():
    """SIGKILL leaves it no time to end anything; the tether sees its input end."""
    script = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-m', 'serving.tether', '[]', 'sh', '-c',\n"
        "    'echo $$; exec sleep 600'], stdin=subprocess.PIPE, start_new_session=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as starter:
        assert starter.stdout.readline().strip().isdigit()
        starter.kill()
        # Tether and command hold the other end as well: it is closed once both are gone.
        assert starter.stdout.read() == b""
