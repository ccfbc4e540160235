"""The store of the tests: what TFX's fileio and Beam find in it, and how it fails on purpose."""

import pytest
from apache_beam.io.filesystems import FileSystems

from components.storage import files
from tests import stores


def test_what_is_written_by_one_library_is_read_by_the_other(mem_store):
    """mem:// is one store for TFX's fileio and for Beam."""
    files.write_bytes("mem://bucket/a/b.csv", b"text")
    with FileSystems.open("mem://bucket/a/b.csv") as stream:
        assert stream.read() == b"text"
    with FileSystems.create("mem://bucket/a/c.csv") as stream:
        stream.write(b"more")
    assert files.read_bytes("mem://bucket/a/c.csv") == b"more"
    found = FileSystems.match(["mem://bucket/a/*.csv"])[0].metadata_list
    assert [each.path for each in found] == ["mem://bucket/a/b.csv", "mem://bucket/a/c.csv"]


def test_folders_are_beginnings_of_names(mem_store):
    """A folder is there while a name begins with it, and no longer."""
    mem_store.put("mem://bucket/a/deep/b.csv", "text")
    assert files.is_folder("mem://bucket/a")
    assert files.names_in("mem://bucket/a") == ["deep"]
    assert files.files_below("mem://bucket") == ["a/deep/b.csv"]
    files.remove_folder("mem://bucket/a")
    assert not files.exists("mem://bucket/a")
    assert mem_store.objects == {}
    with pytest.raises(FileNotFoundError):
        files.names_in("mem://bucket/a")


def test_the_planned_call_fails_and_no_other(mem_store):
    """The second write raises what was planned, under the path that was planned."""
    mem_store.fail("write", 2, error=stores.no_permission, matching="bucket/b")
    files.write_bytes("mem://bucket/a", b"1")
    files.write_bytes("mem://bucket/b", b"2")
    with pytest.raises(PermissionError):
        files.write_bytes("mem://bucket/b", b"3")
    files.write_bytes("mem://bucket/b", b"4")
    assert mem_store.objects["mem://bucket/b"] == b"4"
    assert mem_store.count("write") == 4


def test_reads_are_cut_short_without_an_error(mem_store):
    """An object seems to end early, and is whole again once the store is mended."""
    path = mem_store.put("mem://bucket/a", b"12345")
    mem_store.cut_reads(2)
    assert files.read_bytes(path) == b"12"
    mem_store.mend()
    assert files.read_bytes(path) == b"12345"


def test_nothing_can_be_renamed(mem_store):
    """As in an object store."""
    path = mem_store.put("mem://bucket/a", b"1")
    with pytest.raises(OSError, match="no rename"):
        files.rename(path, "mem://bucket/b")
