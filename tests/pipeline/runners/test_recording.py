"""What a run writes down of itself, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from components.errors import ConfigurationError, TrainingError
from pipeline.config import PipelineConfig
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import resolve
from pipeline.results.runs import list_runs
from pipeline.root import METADATA_FILE
from pipeline.runners.peak_memory import PeakMemory
from pipeline.runners.recording import recording
from pipeline.runners.surroundings import commit_of
from pipeline.signals import Terminated
from tests.pipeline.results.stored import DONE, store_run


@pytest.fixture
def run(tmp_path):
    """A resolved run of the sample, in a root of its own."""
    config = PipelineConfig(data="sample", root=str(tmp_path), min_accuracy=0.5)
    return resolve(config, EnvironmentSettings(None, tmp_path), lambda _: None)


def recorded(run):
    """Returns the only run of a root."""
    (found,) = list_runs(run.root)
    return found


def test_a_run_records_what_is_known_at_its_start(run):
    """Settings that are not the defaults, and the seed; versions, data, fingerprints."""
    with recording(run, began=time.monotonic() - 5) as recorder:
        began = recorded(run)
        assert began.run_id == recorder.run_id
    assert began.settings == {"data": "sample", "min_accuracy": 0.5, "seed": 7}
    assert (began.pipeline_name, began.model_name) == ("sample_sentiment", "sample_sentiment")
    assert (began.data_name, began.model) == ("sample", run.config.model)
    assert began.data["digest"] == run.source.digest
    assert began.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert began.fingerprints == run.fingerprints
    ended = recorded(run)
    assert (ended.state, ended.error) == ("complete", "")
    assert 5 <= ended.seconds < 60
    assert f"{ended.started:%Y%m%d-%H%M%S}" == ended.run_id
    assert abs(ended.started.timestamp() + 5 - time.time()) < 30


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (TrainingError("It diverged.\n  Try less."), "failed", "It diverged. Try less."),
        (ZeroDivisionError("\x1b[2J"), "failed", "ZeroDivisionError: \x1b[2J"),
        (KeyboardInterrupt(), "interrupted", ""),
        (Terminated(), "interrupted", ""),
    ],
)
def test_a_run_that_ends_early_records_how_and_where(run, error, state, words):
    """In one line, with the step; what the step had taken until then stays."""

    def train():
        with recording(run) as recorder:
            recorder.step_started("Trainer")
            raise error

    with pytest.raises(type(error)):
        train()
    ended = recorded(run)
    assert (ended.state, ended.error, ended.failed_step) == (state, words, "Trainer")


def test_what_a_step_cost_is_recorded_when_it_ends(run):
    """Time, memory, state and reason, with the execution that TFX noted."""
    reasons = {"SchemaGen": "first run"}
    with recording(run, reasons=reasons) as recorder:
        store_run(run.root, recorder.run_id, {}, {"SchemaGen": DONE}, pipeline=run.pipeline_name)
        recorder.step_started("SchemaGen")
        recorder.step_finished("SchemaGen")
        recorder.step_started("StatisticsGen")
        recorder.step_cached("StatisticsGen", 1)
        recorder.step_finished("StatisticsGen")
    (step,) = recorded(run).steps
    assert (step.name, step.state, step.reason) == ("SchemaGen", "done", "first run")
    assert step.seconds < 60 and step.peak_memory > 10_000_000


def test_a_run_begins_on_no_metadata_that_cannot_be_read(run):
    """The message names the file, before a step runs."""
    (run.root / METADATA_FILE).write_text("these are no tables\n" * 500)
    with pytest.raises(ConfigurationError, match="is damaged"), recording(run):
        raise AssertionError


def test_runs_of_the_same_second_have_ids_of_their_own(run):
    """Of any pipeline of the root."""
    began = time.monotonic()
    for name in ("one", "one", "two"):
        with recording(replace(run, pipeline_name=name), began=began):
            pass
    third, second, first = (each.run_id for each in list_runs(run.root))
    assert first in (second, second.removesuffix("-2"))
    assert len({first, second, third}) == 3


GROW = "memory = bytearray(150_000_000); memory[::4096] = b'x' * len(memory[::4096])"


def test_peak_memory_holds_processes_that_were_started_and_are_gone():
    """A spike of this process, or of one that it started; a new measurement forgets them."""
    with PeakMemory() as memory:
        before = memory.read()
        subprocess.run([sys.executable, "-c", f"{GROW}; import time; time.sleep(1.0)"], check=True)
        with_child = memory.read()
        memory.restart()
        after = memory.read()
    assert with_child - before > 140_000_000
    assert after < before + 100_000_000


def test_a_checkout_is_known_by_its_commit(tmp_path):
    """With whether tracked files changed; what lies inside of another one's checkout is none."""

    def git(*arguments):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    git("init")
    file = tmp_path / "code.py"
    file.write_text("1")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "a")
    commit, is_dirty = commit_of(tmp_path)
    assert len(commit) == 40 and not is_dirty
    (tmp_path / "untracked.txt").touch()
    assert commit_of(tmp_path) == (commit, False)
    file.write_text("2")
    assert commit_of(tmp_path) == (commit, True)
    (tmp_path / "installed").mkdir()
    assert commit_of(tmp_path / "installed") == ("", False)


KILLED = """
import os, sys
from pathlib import Path
from pipeline.config import PipelineConfig
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import resolve
from pipeline.runners.local import alone_in
from pipeline.runners.recording import recording
root = Path(sys.argv[1])
run = resolve(
    PipelineConfig(data="sample", root=str(root)), EnvironmentSettings(None, root), lambda _: None
)
with alone_in(root), recording(run):
    print("running", flush=True)
    sys.stdin.read()
"""


def test_a_killed_run_is_shown_as_stopped(tmp_path):
    """It is running while its process lives, though nobody could say afterwards that it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "running\n"
    assert list_runs(tmp_path)[0].state == "running"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (run,) = list_runs(tmp_path)
    assert (run.state, run.seconds) == ("stopped", None)
