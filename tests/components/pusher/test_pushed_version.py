"""What a push's artifact tells, and when the cache may take it."""

from __future__ import annotations

import shutil

import pytest

from components.pusher import pushed_version
from components.storage import files
from pipeline.root import working_in


def push(version):
    """Puts a version where a server finds it."""
    files.make_folder(version)
    files.write_bytes(files.join(version, "saved_model.pb"), b"graph")


def test_below_a_root_the_root_may_be_moved(tmp_path):
    """The path is relative to the artifact."""
    root = tmp_path / "root"
    push(str(root / "serving_model/films/7"))
    artifact = "pipelines/films/Pusher/pushed_model/3"
    with working_in(root):
        pushed_version.write(artifact, "serving_model/films/7")
    moved = root.rename(tmp_path / "moved")
    with working_in(moved):
        assert pushed_version.version_of(artifact) == "serving_model/films/7"
        assert pushed_version.is_there(artifact)
        shutil.rmtree(moved / "serving_model/films/7")
        assert not pushed_version.is_there(artifact)


@pytest.mark.parametrize("store", ["ram://pushed-version", ""])
def test_a_version_elsewhere_is_named_by_its_whole_path(tmp_path, store):
    """In a store, or on this machine; what no server would load is not there."""
    version = f"{store or tmp_path}/serving/films/7"
    artifact = str(tmp_path / "artifact")
    pushed_version.write(artifact, version)
    assert pushed_version.version_of(artifact) == version
    assert not pushed_version.is_there(artifact)
    push(version)
    assert pushed_version.is_there(artifact)
    files.remove_folder(version)
    assert not pushed_version.is_there(artifact)


def test_what_an_earlier_release_left_is_read_as_before(tmp_path):
    """A link that leads nowhere, once the version is gone, is no artifact any more."""
    (tmp_path / "serving/7").mkdir(parents=True)
    link = tmp_path / "artifact"
    link.symlink_to("serving/7", target_is_directory=True)
    assert pushed_version.version_of(str(link)) is None
    assert pushed_version.is_there(str(link))
    (tmp_path / "serving/7").rmdir()
    assert not pushed_version.is_there(str(link))


@pytest.mark.parametrize("content", ["", "[]", '{"version": 7}', "\x00"])
def test_a_damaged_file_is_taken_for_no_version(tmp_path, content):
    """The next run pushes again, and writes it anew."""
    (tmp_path / pushed_version.FILE).write_text(content)
    assert not pushed_version.is_there(str(tmp_path))
