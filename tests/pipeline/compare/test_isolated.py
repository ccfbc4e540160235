"""Trainings in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from components.errors import ArchiveError
from pipeline.compare import isolated
from pipeline.config import PipelineConfig


class Heard(list):
    """Writes down what it is told."""

    def attempt_at(self, step):
        """Notes the step."""
        self.append(step)

    def progress(self, report):
        """Notes the progress."""
        self.append((report.done, report.metrics))


def told(body: str, listener=None):
    """Listens to a process that runs `body`, with `tell` at hand."""
    head = "import json, os, sys\nrequest = json.loads(sys.stdin.readline())\n"
    head += "tell = lambda **line: print(json.dumps(line), flush=True)\n"
    return isolated.train(
        PipelineConfig(data="sample", seed=8),
        "x.log",
        Heard() if listener is None else listener,
        command=(sys.executable, "-c", head + body),
    )


def test_what_a_training_tells_arrives():
    """Steps and progress at the listener, the figures as the result."""
    heard = Heard()
    body = """
tell(step="Trainer")
tell(progress={"done": 3, "total": 4, "unit": "steps", "stage": "", "metrics": {"loss": 0.5}})
tell(figures={"seed": request["config"]["seed"], "log": request["log"]})
"""
    assert told(body, heard) == {"seed": 8, "log": "x.log"}
    assert heard == ["Trainer", (3, {"loss": 0.5})]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("tell(error=dict(kind='TrainingError', message='nan'))", isolated.AttemptError, "nan"),
        ("tell(error=dict(kind='ArchiveError', message='cut'))", ArchiveError, "cut"),
        ("os.kill(os.getpid(), 9)", isolated.AttemptError, "most likely it ran out of memory"),
        ("os.kill(os.getpid(), 15)", isolated.AttemptError, "ended by SIGTERM"),
        ("sys.exit(3)", isolated.AttemptError, "ended with code 3 and without a result"),
    ],
)
def test_how_a_training_fails(body, error, message):
    """By its own words, or by how its process ended; data at fault ends all."""
    with pytest.raises(error, match=message):
        told(body)


def test_a_process_that_hears_no_end_is_ended(monkeypatch):
    """One whose threads do not let go would be waited for otherwise."""
    monkeypatch.setattr(isolated, "_SECONDS_TO_END", 0.1)
    assert told("import time\ntell(figures={})\ntime.sleep(60)") == {}


def test_a_training_ends_with_whoever_started_it():
    """Killed, a comparison leaves nothing behind that goes on writing below its root."""
    script = (
        "import threading, time\n"
        "from pipeline.compare import attempt\n"
        "threading.Thread(target=attempt._leave_with_parent, daemon=True).start()\n"
        "print('training', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "training\n"
        process.stdin.close()
        assert process.wait(timeout=30) == 1
