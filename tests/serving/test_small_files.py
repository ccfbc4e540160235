"""Files of settings: whatever a path leads to, the answer comes at once."""

from __future__ import annotations

import os
import re
import threading
import time

import pytest

from serving.small_files import MOST_BYTES, UnreadableFileError, read_small_file


@pytest.fixture(autouse=True)
def at_once():
    """Nothing here takes a second."""
    since = time.monotonic()
    yield
    assert time.monotonic() - since < 2


def test_a_file_is_read_whole(tmp_path):
    """Up to the bound, to the byte."""
    (tmp_path / "file").write_text("é" * (MOST_BYTES // 2))
    assert read_small_file(tmp_path / "file") == "é" * (MOST_BYTES // 2)


def test_a_larger_file_is_refused_by_its_first_bytes(tmp_path):
    """A terabyte is as quick as a byte too many."""
    for size in (MOST_BYTES + 1, 1 << 40):
        with open(tmp_path / "file", "wb") as file:
            file.truncate(size)
        with pytest.raises(UnreadableFileError, match=r"^it is larger than 256 KiB, "):
            read_small_file(tmp_path / "file")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/dev/zero", "it is larger than 256 KiB"),
        ("/dev/urandom", "it is larger than 256 KiB"),
        ("none", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "there is a NUL in its path"),
        ("latin", "byte 3 is not UTF-8"),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_is_no_file_of_settings_is_refused(tmp_path, monkeypatch, path, reason):
    """In a few words."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    with pytest.raises(UnreadableFileError, match=f"^{re.escape(reason)}"):
        read_small_file(path)


def test_nothing_is_waited_for(tmp_path):
    """A pipe that nobody writes to, or that has no end, is given up."""
    os.mkfifo(tmp_path / "pipe")
    reader, writer = os.pipe()
    os.write(writer, b"x")
    for path in (str(tmp_path / "pipe"), f"/dev/fd/{reader}"):
        with pytest.raises(UnreadableFileError, match=r"no end of it, arrived within 0\.5 s"):
            read_small_file(path)
    assert read_small_file("/dev/null") == ""
    os.close(reader)
    os.close(writer)


def test_a_pipe_with_an_end_is_read():
    """As a shell makes it from the output of a command."""
    reader, writer = os.pipe()

    def write() -> None:
        os.write(writer, b"seed = 1\n")
        os.close(writer)

    thread = threading.Timer(0.05, write)
    thread.start()
    assert read_small_file(f"/dev/fd/{reader}") == "seed = 1\n"
    thread.join()
    os.close(reader)
