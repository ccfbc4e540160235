"""The local runner: alone in its root, and telling what happens."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys

import pytest
from absl import logging as absl_logging

from components.errors import ConfigurationError, RootBusyError
from pipeline.planning.reason_words import NEVER_RAN, RUNS_EVERY_TIME
from pipeline.root import LOCK_FILE
from pipeline.runners import local
from pipeline.runners.announcements import announced_to
from pipeline.runners.local import ConsoleSteps, alone_in, reasons_of

HOLD = """
import sys, time
from pathlib import Path
from pipeline.runners.local import alone_in
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the root."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_on_the_same_root_is_refused_by_name(holder, tmp_path):
    """The message names the process that holds it, and two ways out."""
    with pytest.raises(RootBusyError) as error, alone_in(tmp_path):
        pass
    assert str(error.value) == (
        f"Another run (process {holder.pid}) is using {tmp_path}. Wait until it ends, or give "
        "this one a --root of its own."
    )


def test_a_root_is_free_again_after_kill_9(holder, tmp_path):
    """The operating system lets go of the lock; no file has to be deleted by hand."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with alone_in(tmp_path):
        assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()}\n"


def test_a_root_is_free_again_after_a_failed_run(tmp_path):
    """Whatever ended the run."""
    with pytest.raises(ZeroDivisionError), alone_in(tmp_path):
        raise ZeroDivisionError
    with alone_in(tmp_path):
        pass


class Heard:
    """Writes down what it is told."""

    def __init__(self):
        """Has heard nothing yet."""
        self.calls = []

    def step_started(self, step):
        """Notes the step."""
        self.calls.append(("started", step))

    def step_cached(self, step, execution_id):
        """Notes the step and the execution."""
        self.calls.append(("cached", step, execution_id))

    def step_finished(self, step):
        """Notes the step."""
        self.calls.append(("finished", step))


def test_what_tfx_logs_of_its_steps_arrives_as_calls():
    """Other messages do not."""
    with announced_to(Heard()) as heard:
        logging.getLogger("absl").info("Component %s is running.", "Trainer")
        absl_logging.info("Component %s is sleeping.", "Trainer")
        absl_logging.info("A cached execution %d is used.", 7)
        absl_logging.info("Component %s is finished.", "Trainer")
    absl_logging.info("Component %s is running.", "Pusher")
    assert heard.calls == [
        ("started", "Trainer"),
        ("cached", "Trainer", 7),
        ("finished", "Trainer"),
    ]


def test_reasons_that_cannot_be_found_stop_no_run(monkeypatch):
    """Damaged metadata does: the run could not go on either."""
    for error, expected in (
        (RootBusyError("locked"), {}),
        (ZeroDivisionError("a defect"), {}),
        (ConfigurationError("damaged"), None),
    ):

        def plan(run, error=error):
            raise error

        monkeypatch.setattr(local, "plan", plan)
        if expected is None:
            with pytest.raises(ConfigurationError, match="damaged"):
                reasons_of(None)
        else:
            assert reasons_of(None) == expected


def test_a_step_says_why_it_was_executed_unless_no_step_ever_was():
    """The reasons are kept for whoever records the run."""
    reasons = {
        "Trainer": "--seed is 8, was 7",
        "Tuner": NEVER_RAN,
        "WarmStartModel": RUNS_EVERY_TIME,
    }
    steps = ConsoleSteps(None, None, reasons)
    assert steps.reasons == reasons
    assert [steps._why(step) for step in (*reasons, "Pusher")] == [
        "because --seed is 8, was 7", "never ran", "", "",
    ]  # fmt: skip
    first = ConsoleSteps(None, None, {"Tuner": NEVER_RAN, "WarmStartModel": RUNS_EVERY_TIME})
    assert first._why("Tuner") == ""
