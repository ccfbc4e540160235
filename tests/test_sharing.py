"""What processes of a test run share is made once, and whole."""

from __future__ import annotations

import pytest

from tests.sharing import made_once


def test_a_folder_is_made_by_the_first_who_asks(tmp_path_factory):
    """Others get the same one."""
    made = []

    def make(folder):
        made.append(folder)
        (folder / "file").write_text(str(len(made)))

    folders = {made_once(tmp_path_factory, "of-a-test", make) for _ in range(2)}
    assert folders == {*made} and len(made) == 1
    assert (made[0] / "file").read_text() == "1"


def test_what_was_not_made_whole_is_made_anew(tmp_path_factory):
    """Nothing is left of the attempt that failed."""

    def fail(folder):
        (folder / "half").touch()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made_once(tmp_path_factory, "of-another-test", fail)
    folder = made_once(tmp_path_factory, "of-another-test", lambda folder: (folder / "b").touch())
    assert [path.name for path in folder.iterdir()] == ["b"]
