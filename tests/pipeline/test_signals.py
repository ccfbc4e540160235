"""How a command ends that is told to: by Ctrl-C or SIGTERM, once and twice, also as process 1."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.running import HEARS_CTRL_C

# The real command; only its work is replaced, by some that waits and then cleans up.
WORK = """
import sys, time
from pipeline import cli
from pipeline.{module} import {name} as module

CLEANING_SECONDS = float(sys.argv.pop())

def wait(*arguments, **_):
    (console,) = (each for each in arguments if hasattr(each, "component_started"))
    console.component_started("Trainer")
    try:
        console.scoring_started("began", "", "", "")
        time.sleep(60)
    except BaseException:
        if CLEANING_SECONDS >= 0:
            console.scoring_started("cleans up", "", "", "")
            time.sleep(CLEANING_SECONDS)
            console.scoring_started("is clean", "", "", "")
            raise
    # Some library took it for something else.
    time.sleep(60)

module.{function} = wait
cli.entry_point()
"""
RUN = (("runners", "local", "run"), "run --data sample")
COMPARE = (("compare", "comparison", "compare"), "compare --models lstm --data sample")
SCORE = (("commands", "score", "_score"), "score --input a.csv --output out --model m")
ENDED = "; the next run goes on from there.\n"


@pytest.fixture
def start(tmp_path):
    """Starts a command whose work waits; it returns once the work has begun."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "saved_model.pb").touch()
    (tmp_path / "a.csv").write_text("text,label\na,1\n")
    started = []

    def begin(command, *before: str, cleaning_seconds: float = 0) -> subprocess.Popen[str]:
        (module, name, function), words = command
        code = WORK.format(module=module, name=name, function=function)
        process = subprocess.Popen(
            [
                *HEARS_CTRL_C, *before,
                sys.executable, "-c", code, *words.split(), str(cleaning_seconds),
            ],
            cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        wait_for(process, "began")
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Reads the output until a line holds these words."""
    assert any(words in line for line in process.stdout), process.stderr.read()


@pytest.mark.parametrize("command", [RUN, COMPARE, SCORE], ids=["run", "compare", "score"])
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGTERM, 143, "sentiment: ended by SIGTERM in Trainer; "),
        (signal.SIGINT, 130, "\nsentiment: interrupted in Trainer; "),
    ],
)
def test_a_signal_ends_a_command(start, command, number, code, words):
    """After it cleaned up, with an exit code of its own, in one line."""
    process = start(command)
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert errors.startswith(words) and errors.strip().count("\n") == 0
    assert "cleans up" in output


def test_a_signal_that_a_library_swallowed_is_raised_again(start):
    """Soon; nobody has to send it twice."""
    process = start(RUN, cleaning_seconds=-1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (143, f"sentiment: ended by SIGTERM in Trainer{ENDED}")


def test_cleaning_up_is_let_to_its_end(start):
    """However long it takes, nothing is raised into it."""
    process = start(RUN, cleaning_seconds=2.5)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "is clean" in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(start, number):
    """Nobody waits for the cleaning up of the first."""
    process = start(RUN, cleaning_seconds=60)
    process.send_signal(signal.SIGTERM)
    wait_for(process, "cleans up")
    since = time.monotonic()
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert time.monotonic() - since < 10


def test_process_1_of_a_container_ends_too(start):
    """The kernel gives it no default handlers: SIGTERM would be lost."""
    unshare = ("unshare", "--pid", "--fork", "--kill-child")
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a PID namespace")
    process = start(RUN, *unshare)
    (inside,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert Path(f"/proc/{inside}/status").read_text().split("NSpid:")[1].split()[1] == "1"
    os.kill(int(inside), signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert errors == f"sentiment: ended by SIGTERM in Trainer{ENDED}"


def test_what_was_started_to_ignore_ctrl_c_ignores_it(start: Callable[..., subprocess.Popen[str]]):
    """As `nohup` and a shell's background jobs have it."""
    process = start(RUN, "env", "--ignore-signal=INT")
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
