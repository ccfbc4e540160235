"""Beam's worker processes: what they import, and when they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Named as a module of Python's, a library, and packages of ours.
SHADOWS = ("random", "tempfile", "apache_beam", "pipeline", "components", "serving")

RUN = """
import sys
import apache_beam as beam
from pipeline.engine_choice import choose_engine
from pipeline.resolution import beam_arguments_for

def work(seconds):
    import os, random, time
    from components.dataset import records
    with open("told", "w") as file:
        print(os.getpid(), random.__file__, records.__file__, file=file)
    os.rename("told", "worker")
    time.sleep(seconds)

arguments = beam_arguments_for(choose_engine("local", workers="1"), "multi_processing")
with beam.Pipeline(argv=list(arguments)) as pipeline:
    pipeline | beam.Create([float(sys.argv[1])]) | beam.Map(work)
"""


@pytest.fixture
def folder(tmp_path):
    """A user's folder, with files named as modules."""
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('the user has a {name}')\n")
    return tmp_path


@pytest.fixture
def run(folder):
    """Starts a Beam pipeline in the user's folder, which works for some seconds."""
    started = []
    # As the command's own script does: its folder, not the user's, is the first to import from.
    script = folder.parent / f"{folder.name}-script.py"
    script.write_text(RUN)

    def start(seconds: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(script), str(seconds)]
        started.append(subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def told(folder: Path, process: subprocess.Popen[bytes]) -> list[str]:
    """Waits until the worker is at work; returns what it told of itself."""
    while not (folder / "worker").exists():
        assert process.poll() in (None, 0)
        time.sleep(0.05)
    return (folder / "worker").read_text().split()


@pytest.mark.slow
def test_workers_import_nothing_from_the_users_folder(folder, run):
    """Neither in the place of Python's modules, nor of libraries, nor of ours."""
    process = run(0)
    _, random_module, records = told(folder, process)
    assert process.wait(60) == 0
    assert not random_module.startswith(str(folder))
    assert records == str(Path(__file__).parents[3] / "components" / "dataset" / "records.py")


@pytest.mark.slow
def test_a_worker_dies_with_the_process_that_started_it(folder, run):
    """Even when that is killed, and can clean up nothing."""
    process = run(600)
    pid = int(told(folder, process)[0])
    os.kill(pid, 0)
    process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
