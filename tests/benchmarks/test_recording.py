"""Figures are recorded of a quiet machine alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from benchmarks import quiet, recording
from benchmarks.recording import OTHERS


@pytest.fixture
def options(tmp_path, monkeypatch):
    """What is typed: a size, where to write, and no waiting."""
    output = str(tmp_path / "figures.json")
    words = ["--wait", "0", "--output", output, "--steps", "3"]
    monkeypatch.setattr(sys, "argv", ["training", *words])
    # The handler of signals and the children are the process's.
    monkeypatch.setattr(recording.signal, "signal", lambda *_: None)
    monkeypatch.setattr(recording, "adopt_orphans", lambda: None)
    monkeypatch.setattr(recording, "bury_orphans", lambda: None)
    parser = recording.parser_of("training", "How long?")
    parser.add_argument("--steps", type=int)
    return parser.parse_args(words)


class _Processors:
    """Processors of which others use a share, by the look; a look takes a second."""

    def __init__(self, monkeypatch, *shares):
        self._shares = iter(shares)
        monkeypatch.setattr(quiet.Watch, "others", lambda _: next(self._shares))
        monkeypatch.setattr(quiet.time, "sleep", lambda _: None)


def _table(results):
    return f"| {results['figures']['step']} ms |"


def test_figures_of_a_quiet_machine_are_recorded(options, monkeypatch, capsys):
    """With what was typed, but not where it was written, and what others used meanwhile."""
    _Processors(monkeypatch, 0.02, 0.04)
    recording.measure_and_record(options, lambda: {"step": 5}, _table)
    results = json.loads(options.output.read_text())
    assert results["figures"] == {"step": 5}
    assert results["command"] == "python -m benchmarks.training --steps 3"
    assert results["machine"][OTHERS] == 0.04
    assert capsys.readouterr().out == "| 5 ms |\n"


def test_a_busy_machine_is_not_measured(options, monkeypatch):
    """It says what others use, and what to do; nothing is run."""
    _Processors(monkeypatch, 0.5)
    with pytest.raises(SystemExit, match=r"Others use 50% .*--wait MINUTES.*--busy"):
        recording.measure_and_record(options, lambda: pytest.fail("measured"), _table)
    assert not options.output.exists()


def test_it_waits_until_others_are_done(options, monkeypatch, capsys):
    """For as long as it was told, and says so once."""
    options.wait = 1.0
    _Processors(monkeypatch, 0.9, 0.5, 0.01, 0.01)
    recording.measure_and_record(options, lambda: {"step": 5}, _table)
    assert options.output.exists()
    assert capsys.readouterr().err.count("Others use 90% of the processors; waiting") == 1


def test_what_others_disturbed_is_not_recorded(options, monkeypatch, capsys):
    """The figures are printed, and the earlier file stays."""
    options.output.write_text("{}")
    _Processors(monkeypatch, 0.01, 0.3)
    with pytest.raises(SystemExit, match="Not recorded: others used 30%"):
        recording.measure_and_record(options, lambda: {"step": 5}, _table)
    assert capsys.readouterr().out == "| 5 ms |\n"
    assert options.output.read_text() == "{}"


def test_beside_other_work_figures_are_printed_alone(options, monkeypatch, capsys):
    """On demand it neither waits nor records."""
    options.busy = True
    _Processors(monkeypatch, 0.0)
    recording.measure_and_record(options, lambda: {"step": 5}, _table)
    assert capsys.readouterr().out.startswith("| 5 ms |\n\nNot recorded: --busy.")
    assert not options.output.exists()


def test_own_work_is_not_that_of_others():
    """The processor time of this process is taken off."""
    watch = quiet.Watch()
    began, own = quiet._used_by_all(), quiet._used_by_us()
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    used = quiet._used_by_us() - own
    assert used > 0.05
    assert quiet._used_by_all() - began >= used - 0.05
    assert watch.others() >= 0


_ORPHAN = """
import os, subprocess, sys, time
from benchmarks import quiet
quiet.adopt_orphans()
work = "from time import process_time as used\\nwhile used() < 0.4: pass"
starter = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]])"
before = quiet._used_by_us()
subprocess.run([sys.executable, "-c", starter, work], check=True)
while True:
    quiet.bury_orphans()
    if quiet._used_by_us() - before > 0.3:
        break
    time.sleep(0.02)
print("adopted")
"""


def test_work_of_a_process_whose_starter_ended_before_it_is_our_own():
    """As workers do that their runner does not wait for."""
    command = [sys.executable, "-c", _ORPHAN]
    found = subprocess.run(
        command, cwd=recording.RESULTS.parents[1], capture_output=True, timeout=60
    )
    assert found.stdout == b"adopted\n"


def test_what_is_not_recorded_says_so(tmp_path):
    """No figure from before stands in a table."""
    assert recording.table_of("training", _table, tmp_path) == "Not measured yet."
