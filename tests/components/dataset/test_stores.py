"""Data in a store: read as on a disk, known again by what the store tells, refused in a line."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from collections import Counter
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.testing.util import assert_that, equal_to

from components.dataset import stores
from components.dataset.inspection.look import look_at_layout, look_at_tables
from components.dataset.layout_labels import read_part
from components.dataset.paths import expand, tables_in
from components.dataset.places import matching
from components.dataset.read import REVIEWS, ReadReviews
from components.dataset.records import Problem, Review
from components.dataset.resolve import labelled_source, resolve_source
from components.dataset.table_options import FOUND_BY_CONTENT
from components.dataset.tables import read_table
from components.dataset.texts import read_texts
from components.errors import DatasetError
from components.storage import files
from components.storage.place import StorePath, place_of
from tests.stores import Store, no_permission

from . import test_cases
from .test_one_reader import PACKED

CSV = test_cases.CSV
BOTH = test_cases.BOTH


def counts_of(data: str) -> Counter:
    """Counts the reviews of each split and the problems, as a run reads them."""
    source = resolve_source(data)
    found = [each for file in source.files for each in read_table(file, source)]
    return Counter(
        each.split if isinstance(each, Review) else Problem
        for each in found
        if isinstance(each, Review | Problem)
    )


@pytest.mark.parametrize("case", test_cases.CASES, ids=str)
def test_a_troubled_file_is_read_from_a_store_as_from_a_disk(mem_store: Store, case):
    """By run, score and predict, by value and in words."""
    path = mem_store.put(f"mem://bucket/{case.name}", case.content)
    test_cases.check(place_of(path), case)


@pytest.mark.parametrize("suffix", [suffix for suffix in PACKED if suffix])
def test_a_packed_file_is_read_from_a_store(mem_store: Store, suffix):
    """Packed in every way."""
    for case in test_cases.MAY_BE_PACKED[-4:]:
        content = PACKED[suffix](case.content, case.name)
        path = mem_store.put(f"mem://bucket/{case.name}{suffix}", content)
        test_cases.check(place_of(path), case)


def put_splits(store: Store, folder: str) -> None:
    """Puts three tables of splits, and what lies beside them in such folders."""
    for split, start, end in (("train", 0, 240), ("validation", 240, 300), ("test", 300, 400)):
        content = test_cases.rows(test_cases.TEXTS[start:end], test_cases.LABELS[start:end])
        store.put(f"{folder}/data/{split}-00000-of-00001.csv", content)
    store.put(f"{folder}/README.md", "---\ntags: []\n---\n")
    store.put(f"{folder}/.cache/old.csv", "x\n")
    store.put(f"{folder}/dataset_info.json", "{}")


@pytest.mark.parametrize(
    "data",
    [
        "mem://bucket/films",
        "mem://bucket/films/",
        "mem://bucket/films/data/*.csv",
        "mem://bucket/**/t*-0000?-of-*.csv,mem://bucket/films/data/validation-00000-of-00001.csv",
        "mem://bucket/*/data",
        "mem://bucket/films/data/train-00000-of-00001.csv, "
        "mem://bucket/films/data/validation-00000-of-00001.csv, "
        "mem://bucket/films/data/test-00000-of-00001.csv",
    ],
)
def test_folders_patterns_and_several_paths_name_tables_in_a_store(mem_store: Store, data):
    """Splits are those that names tell; the data is named for the folder."""
    put_splits(mem_store, "mem://bucket/films")
    assert counts_of(data) == {"train": 240, "eval": 60, "test": 100}
    source = resolve_source(data)
    assert (source.name, source.origin) == ("films", "mem://bucket/films")


def test_data_may_be_on_a_disk_and_in_a_store(mem_store: Store, tmp_path):
    """Train here, test there."""
    (tmp_path / "train.csv").write_text(CSV)
    mem_store.put("mem://bucket/test.csv", test_cases.rows(["a b", "c d"], [0, 1]))
    data = f"{tmp_path}/train.csv,mem://bucket/test.csv"
    assert counts_of(data) == {"train": 400, "test": 2}


def test_patterns_of_a_store_match_as_those_of_a_disk(mem_store: Store, tmp_path, monkeypatch):
    """Hidden names only where they are asked for; `**` is any number of folders, and none."""
    names = ["a.csv", "b.CSV", ".hidden.csv", "deep/c.csv", "deep/er/d.csv", "[x].csv", "deep/.e/f"]
    for name in names:
        mem_store.put(f"mem://bucket/{name}", "")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for pattern in (
        *("*.csv", "**/*.csv", "deep/*", "**/d.csv", "*/*/*.csv", ".*", "?.csv", "[ab].csv"),
        *("[x].csv", "nothing*", "deep/nothing", "*/c.csv", "**"),
    ):
        here = {Path(path).relative_to(tmp_path) for path in matching(f"{tmp_path}/{pattern}")}
        there = matching(f"mem://bucket/{pattern}")
        expected = {str(path) for path in here if pattern != "**" or (tmp_path / path).is_file()}
        found = {str(path).removeprefix("mem://bucket").lstrip("/") for path in there}
        if pattern == "**":
            found = {name for name in found if (tmp_path / name).is_file()}
        assert found == expected, pattern


def archive_of(reviews: dict[str, bytes]) -> bytes:
    """Returns a .tar.gz in IMDB's layout."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in reviews.items():
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


REVIEWS_OF_IMDB = {
    f"{split}/{side}/{number}_{stars}.txt": f"It is {side}, number {number}.".encode()
    for split in ("train", "test")
    for side, stars in (("neg", 2), ("pos", 9))
    for number in range(3)
}


def test_the_layout_of_imdb_is_read_from_an_archive_and_a_folder_in_a_store(mem_store: Store):
    """An archive is read as a stream: nothing is copied, and a disk needs no room."""
    mem_store.put("mem://bucket/films.tar.gz", archive_of(REVIEWS_OF_IMDB))
    for name, content in REVIEWS_OF_IMDB.items():
        mem_store.put(f"mem://bucket/films/{name}", content)
    for data in ("mem://bucket/films.tar.gz", "mem://bucket/films"):
        source = resolve_source(data)
        read = [each for part in source.files for each in read_part(part, source)]
        assert source.name == "films"
        assert sorted(each.text for each in read) == sorted(REVIEWS_OF_IMDB.values())
        (path,) = expand(data)
        found = look_at_layout(labelled_source(path, digest=False), "")
        assert found.rows == 12
        assert found.survey.labels == {"neg": 6, "pos": 6}


def test_beam_reads_from_a_store(mem_store: Store):
    """With the transform of ReviewExampleGen."""
    mem_store.put("mem://bucket/a.csv.gz", gzip.compress(CSV.encode()))
    source = resolve_source("mem://bucket/a.csv.gz")
    arguments = ["--runner=FnApiRunner", "--direct_running_mode=in_memory"]
    with beam.Pipeline(argv=arguments) as pipeline:
        read = (pipeline | ReadReviews(source))[REVIEWS] | beam.combiners.Count.Globally()
        assert_that(read, equal_to([400]))


def test_a_store_is_inspected(mem_store: Store):
    """Files, rows and labels are those of the same data on a disk."""
    put_splits(mem_store, "mem://bucket/films")
    found = look_at_tables(tables_in(expand("mem://bucket/films")), "", "", FOUND_BY_CONTENT)
    assert found.rows == 400
    assert {path.rpartition("/")[0] for path, _, _ in found.files} == {"mem://bucket/films/data"}
    assert found.survey.labels == {"0": BOTH[0], "1": BOTH[1]}


def test_an_edited_object_is_another_fingerprint_and_an_unedited_one_the_same(mem_store: Store):
    """By size and time."""
    path = mem_store.put("mem://bucket/a.csv", CSV)
    first = resolve_source(path).digest
    assert resolve_source(path).digest == first
    mem_store.put(path, CSV.replace("superb", "touchy"))
    edited = resolve_source(path).digest
    assert edited != first
    assert resolve_source(path).digest == edited


def test_where_a_store_tells_no_time_the_content_is_the_fingerprint(mem_store: Store):
    """The same bytes, written once more, are the same data."""
    mem_store.tells_times = False
    path = mem_store.put("mem://bucket/a.csv", CSV)
    first = resolve_source(path).digest
    mem_store.put(path, CSV)
    assert resolve_source(path).digest == first
    mem_store.put(path, CSV.replace("superb", "touchy"))
    assert resolve_source(path).digest != first


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zip", "a.parquet"])
def test_data_is_read_by_the_file_systems_of_tensorflow(name):
    """From its own store in memory, whose files are TensorFlow's."""
    content = PACKED[Path(name).suffix if name.count(".") > 1 else ""](CSV.encode(), "a.csv")
    if name == "a.parquet":
        content = test_cases.parquet(test_cases.TEXTS, test_cases.LABELS)
    path = f"ram://data/{name}"
    files.write_bytes(path, content)
    first = resolve_source(path).digest
    assert counts_of(path).total() == 400
    assert counts_of("ram://data/*").total() == 400
    assert resolve_source(path).digest == first
    tf.io.gfile.remove(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("mem://bucket/b.csv", r"no file or folder 'mem://bucket/b.csv'.*'mem://bucket/a.csv'"),
        ("mem://bucket/b*.csv", r"no file or folder 'mem://bucket/b\*\.csv'"),
        ("mem://other/a.csv", "the store 'mem://other' is not there, or is empty"),
        ("s4://bucket/a.csv", r"know no s4://, only gs://, mem://, ram://\. Choose a disk"),
        ("mem://bucket/a.csv,s4://bucket/a.csv", r"s4://bucket/a.csv: the installed libraries"),
    ],
)
def test_what_is_wrong_with_a_store_is_said_in_one_line(mem_store: Store, data, words):
    """No such store, object or scheme; the path is as it was typed."""
    mem_store.put("mem://bucket/a.csv", CSV)
    with pytest.raises(DatasetError, match=words) as error:
        resolve_source(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("operation", ["exists", "isdir", "open", "stat"])
def test_a_store_that_refuses_is_quoted_with_what_may_help(mem_store: Store, operation):
    """Whatever it is that it refuses."""
    path = mem_store.put("mem://bucket/a.csv", CSV)
    mem_store.fail(operation, error=no_permission)
    with pytest.raises(DatasetError, match=r"a\.csv cannot be read.*Permission denied") as error:
        resolve_source(path)
    assert "\n" not in str(error.value)
    assert counts_of(path).total() == 400


def test_a_folder_that_cannot_be_listed_is_an_error_in_one_line(mem_store: Store):
    """Not an unexpected one."""
    put_splits(mem_store, "mem://bucket/films")
    mem_store.fail("listdir", error=no_permission, matching="data")
    with pytest.raises(DatasetError, match="mem://bucket/films/data cannot be read: Permission"):
        resolve_source("mem://bucket/films")


def test_a_store_that_does_not_answer_is_left_alone_after_a_while(mem_store: Store):
    """The message names the store and the time."""
    path = mem_store.put("mem://bucket/a.csv", CSV)
    mem_store.delay("exists", 5.0)
    started = time.monotonic()
    with pytest.raises(
        DatasetError, match=r"mem://bucket does not answer within 0\.05 seconds\. Check its name"
    ):
        stores.check_store(path, seconds=0.05)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_reading_that_breaks_off_stops_a_run_in_words(mem_store: Store, suffix):
    """An error in the middle, and an end without an error: neither is taken for the data's end."""
    content = gzip.compress(CSV.encode()) if suffix else CSV.encode()
    path = mem_store.put(f"mem://bucket/a.csv{suffix}", content)
    source = resolve_source(path)
    mem_store.fail("read")
    *_, last = read_table(source.files[0], source)
    assert last.fatal
    assert last.detail.startswith("reading it failed: Connection reset by peer. Check the store")
    mem_store.cut_reads(len(content) // 2)
    *_, last = read_table(source.files[0], source)
    assert last.fatal
    assert "the store ended it after" in last.detail
    mem_store.mend()
    assert counts_of(path).total() == 400


def test_texts_of_a_store_are_read_for_predict(mem_store: Store):
    """A text a line; a missing file is called by its path."""
    mem_store.put("mem://bucket/a.txt", "one\ntwo\n")
    assert read_texts(place_of("mem://bucket/a.txt")).texts == ["one", "two"]
    with pytest.raises(DatasetError, match=r"'mem://bucket/b\.txt'.*: there is no such file"):
        read_texts(place_of("mem://bucket/b.txt"))


def test_a_place_in_a_store_answers_as_a_path_does():
    """Names, suffixes and folders."""
    here, there = Path("/bucket/a b/r.csv.gz"), place_of("mem://bucket/a b/r.csv.gz")
    assert isinstance(there, StorePath)
    for name in ("name", "stem", "suffix", "suffixes"):
        assert getattr(there, name) == getattr(here, name)
    assert [path.name for path in there.parents] == ["a b", "bucket"]
    assert there.parent / "r.csv.gz" == there
    assert place_of("mem://bucket").parent == place_of("mem://bucket")
