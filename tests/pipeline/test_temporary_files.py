"""What libraries leave in the temporary folder of a command is gone when the command ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipeline import temporary_files
from pipeline.session import Session
from pipeline.temporary_files import PREFIX, temporary_folder


@pytest.fixture
def in_tmp(tmp_path, monkeypatch) -> Path:
    """The temporary folder of the process is an empty one."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_what_this_process_and_others_leave_is_removed(in_tmp):
    """Files, and folders with files; then all is as before."""
    write = "import tempfile; tempfile.mkstemp(dir=tempfile.mkdtemp())"
    with temporary_folder() as folder:
        tempfile.mkstemp(dir=tempfile.mkdtemp())
        subprocess.run([sys.executable, "-c", write], check=True)
        assert sorted(os.listdir(in_tmp)) == [folder.name]
        assert len(os.listdir(folder)) == 2
    assert os.listdir(in_tmp) == []
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(in_tmp)


def test_an_error_passes_through(in_tmp):
    """And the folder goes."""
    with pytest.raises(KeyboardInterrupt), temporary_folder():
        raise KeyboardInterrupt
    assert os.listdir(in_tmp) == []


def test_where_there_is_no_place_for_it_the_variable_is_named(in_tmp, monkeypatch):
    """And what stands in the way."""
    (in_tmp / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(in_tmp / "file"))
    with (
        pytest.raises(ConfigurationError, match=rf"Not a directory \({in_tmp}/file.*TMPDIR\.$"),
        temporary_folder(),
    ):
        pass


def test_a_file_that_is_written_meanwhile_is_removed_as_well(in_tmp):
    """By a process that takes its time to end, until it is told that the folder is gone."""
    program = """
        import pathlib, sys
        folder = pathlib.Path(sys.argv[1])
        print("ready", flush=True)
        number = 0
        while number < 1e6:
            try:
                (folder / str(number)).touch()
            except FileNotFoundError:
                break
            number += 1
    """
    with temporary_folder() as folder:
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(folder)], stdout=subprocess.PIPE
        )
        assert writer.stdout.readline() == b"ready\n"
    assert writer.wait(60) == 0
    writer.stdout.close()
    assert os.listdir(in_tmp) == []


HOLD = """
import sys
from pipeline.temporary_files import temporary_folder
with temporary_folder() as folder:
    (folder / "file").touch()
    print(folder.name, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_command_left_goes_at_the_next_start(in_tmp):
    """A folder in use stays, and so does one of another name."""
    (in_tmp / "sentiment-of-somebody").mkdir()
    (in_tmp / f"{PREFIX}file").touch()
    held = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    killed, living = (process.stdout.readline().strip() for process in held)
    try:
        held[0].kill()
        held[0].wait()
        assert (in_tmp / killed / "file").exists()
        with temporary_folder() as folder:
            kept = {"sentiment-of-somebody", f"{PREFIX}file"}
            assert set(os.listdir(in_tmp)) == {living, folder.name} | kept
            assert (in_tmp / living / "file").exists()
    finally:
        for process in held:
            process.communicate()
    assert held[1].returncode == 0
    assert set(os.listdir(in_tmp)) == kept


def test_commands_that_start_at_once_take_nothing_from_each_other(in_tmp):
    """Each finds its own folder there, as often as it looks."""

    def work(_: int) -> bool:
        folder, lock = temporary_files._locked_folder()
        temporary_files._remove_abandoned(in_tmp)
        is_there = folder.is_dir()
        os.close(lock)
        return is_there

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(2_000)))
    temporary_files._remove_abandoned(in_tmp)
    assert os.listdir(in_tmp) == []


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt(), OSError("full")])
def test_a_session_has_such_a_folder(in_tmp, ending):
    """However it ends."""
    seen = []

    def work(console, log_path):
        seen.append(Path(tempfile.mkstemp()[1]))
        assert seen[0].exists()
        if ending:
            raise ending
        return 0

    root = in_tmp / "root"
    session = Session("run", str(root), debug=False, folder=str(root))
    assert session.run(work) == {type(None): 0, KeyboardInterrupt: 130, OSError: 1}[type(ending)]
    assert seen[0].parent.parent == in_tmp
    assert os.listdir(in_tmp) == ["root"]
