"""How Python is started for a module of ours."""

from __future__ import annotations

import os
import subprocess

from serving import start


def test_a_started_module_has_its_arguments_and_a_collector_that_looks_seldom(tmp_path):
    """What lies in the current folder takes nobody's place; PYTHONPATH is read."""
    found, here = tmp_path / "found", tmp_path / "here"
    for folder in (found, here):
        folder.mkdir()
    (here / "random.py").write_text("raise ImportError('the file of the user')")
    (found / "probe.py").write_text(
        "import gc, random, sys\nprint(__name__, sys.argv[1:], gc.get_threshold()[0])"
    )
    started = subprocess.run(
        [*start.command("probe"), "--flag", "a b"],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(found)},
        capture_output=True,
        text=True,
    )
    assert (started.stdout, started.stderr) == ("__main__ ['--flag', 'a b'] 50000\n", "")
