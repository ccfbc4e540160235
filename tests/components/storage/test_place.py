"""Places: pathlib's names for what lies on a disk or in a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.storage.place import StorePath, below, matching, place_of, size_of
from serving.small_files import MOST_BYTES, UnreadableFileError, read_small_file


def test_a_path_with_a_scheme_is_a_place_in_a_store():
    """Its slashes stay two; other paths are pathlib's."""
    root = place_of("gs://bucket/root/")
    assert str(root / "logs" / "a.log") == "gs://bucket/root/logs/a.log"
    assert str((root / "logs/a.log").parent) == "gs://bucket/root/logs"
    assert root.absolute() is root
    assert (root / "a.tar.gz").suffix == ".gz"
    assert str((root / "a.html").with_name("b.csv")) == "gs://bucket/root/b.csv"
    assert place_of("artifacts") == Path("artifacts")
    assert place_of(root) is root


def test_the_operating_system_is_never_given_a_path_in_a_store():
    """It would make a folder "gs:" on the disk."""
    with pytest.raises(TypeError):
        Path(place_of("gs://bucket"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("gs://bucket/root", "serving_model/m/1", "gs://bucket/root/serving_model/m/1"),
        ("gs://bucket/root", "/srv/m/1", "/srv/m/1"),
        ("gs://bucket/root", "gs://other/m/1", "gs://other/m/1"),
        ("/root", "gs://other/m/1", "gs://other/m/1"),
        ("/root", "serving_model/m/1", "/root/serving_model/m/1"),
    ],
)
def test_a_recorded_path_is_below_the_root_or_absolute(root, path, expected):
    """A path in a store is absolute as well."""
    assert str(below(place_of(root), path)) == expected


def test_what_lies_in_a_store_is_found_as_on_a_disk(mem_store, tmp_path):
    """By patterns of one folder or of several, and below a folder at any depth."""
    for base in (place_of("mem://box/root"), tmp_path):
        (base / "Split-train").mkdir(parents=True)
        (base / "Split-test").mkdir(parents=True)
        (base / "Split-train" / "b.gz").write_bytes(b"12")
        (base / "Split-train" / "a.gz").write_bytes(b"3")
        (base / "Split-test" / "c.pb").write_text("ä", encoding="utf-8")
        names = [str(each).removeprefix(f"{base}/") for each in matching(base, "Split-*/*.gz")]
        assert names == ["Split-train/a.gz", "Split-train/b.gz"]
        assert matching(base / "none", "*.gz") == []
        assert sorted(each.name for each in base.rglob("*.gz")) == ["a.gz", "b.gz"]
        assert size_of(base) == 5
        assert (base / "Split-test").is_dir()
        assert not (base / "Split-test").is_file()
        assert (base / "Split-test" / "c.pb").is_file()
        assert (base / "Split-test" / "c.pb").read_text(encoding="utf-8") == "ä"
        (base / "Split-test" / "c.pb").unlink()
        (base / "Split-test" / "c.pb").unlink(missing_ok=True)
        assert not (base / "Split-test" / "c.pb").exists()


def test_a_small_text_in_a_store_has_the_bounds_of_one_on_a_disk():
    """Of size and of encoding; what is missing is told without the path."""
    place = StorePath("ram://bounds/id")
    with pytest.raises(UnreadableFileError, match=r"^No such file or directory$"):
        read_small_file(str(place))
    place.write_bytes(b"a" * MOST_BYTES)
    assert len(read_small_file(str(place))) == MOST_BYTES
    place.write_bytes(b"a" * (MOST_BYTES + 1))
    with pytest.raises(UnreadableFileError, match="larger than 256 KiB"):
        read_small_file(str(place))
    # TensorFlow's store in memory does not shorten a file that is written anew.
    place = place.with_name("name")
    place.write_bytes(b"abc\xff")
    with pytest.raises(UnreadableFileError, match="byte 3 is not UTF-8"):
        read_small_file(str(place))
