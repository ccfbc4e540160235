"""From the setting `data` to a source, or to a sentence that says what to do."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import json
import os
from pathlib import Path

import pytest

from components.dataset import imdb, sample
from components.dataset import resolve as resolving
from components.dataset.download import Download
from components.dataset.source import ReviewSource, SourceFile, SourceKind
from components.errors import ArchiveError, DatasetError
from pipeline.scoring.plan import make_plan
from tests.components.dataset.resolving import CSV, PLAIN, refusal, resolve, write


@pytest.fixture
def unreachable(monkeypatch):
    """The official address answers nobody."""
    nowhere = Download("http://127.0.0.1:1/aclImdb_v1.tar.gz", 10, "0" * 64)
    monkeypatch.setattr(imdb, "OFFICIAL", nowhere)
    return nowhere


def test_a_table_is_described_in_full(tmp_path):
    """Absolute path, name in snake case, columns and labels."""
    path = write(tmp_path / "My Reviews-2.csv", "text,label\ngood,5\nbad,1\n")
    source = resolve(path, tmp_path, positive_label="5", negative_label="1")
    assert dataclasses.replace(source, digest="") == ReviewSource(
        kind=SourceKind.CSV,
        name="my_reviews_2",
        files=(SourceFile(str(path), "", PLAIN),),
        digest="",
        text_column="text",
        label_column="label",
        split_column="",
        classes=("1", "5"),
        label_classes=(("5", "5"), ("1", "1")),
        leaves_out=True,
        origin=str(path),
    )


def test_a_relative_path_becomes_an_absolute_one(tmp_path, monkeypatch):
    """Worker processes may stand in another folder."""
    path = write(tmp_path / "r.csv")
    monkeypatch.chdir(tmp_path)
    assert resolve("r.csv", tmp_path).files == (SourceFile(str(path), "", PLAIN),)


def test_the_digest_follows_the_content(tmp_path):
    """It stands for the files in the cache's key."""
    path = write(tmp_path / "r.csv")
    first = resolve(path, tmp_path).digest
    assert resolve(path, tmp_path).digest == first
    write(path, CSV.replace("bad", "Bad"))
    assert resolve(path, tmp_path).digest != first


def test_a_source_travels_as_json(tmp_path):
    """Equal sources give equal text."""
    source = resolve(write(tmp_path / "r.csv"), tmp_path)
    assert ReviewSource.from_json(source.to_json()) == source
    assert json.loads(source.to_json())["kind"] == "csv"


def test_several_files_globs_and_folders_name_tables(tmp_path):
    """Each file once, however often it is named."""
    a, b, c = (write(tmp_path / "data" / name) for name in ("a.csv", "b.csv", "c/c.csv"))
    write(tmp_path / "data" / "notes.txt")
    (tmp_path / "data" / "folder.csv").mkdir()

    def files(data: object) -> list[str]:
        return [file.path for file in resolve(data, tmp_path).files]

    assert files(f"{b},{a}") == [str(b), str(a)]
    assert files(tmp_path / "data" / "[ab].csv") == [str(a), str(b)]
    assert files(tmp_path / "data" / "**" / "[a-c].csv") == [str(a), str(b), str(c)]
    assert files(f"{a},{tmp_path}/data/[ab].csv") == [str(a), str(b)]
    assert files(tmp_path / "data") == [str(a), str(b), str(c)]


def test_a_list_of_files_may_have_blanks_and_no_holes(tmp_path, monkeypatch):
    """A hole would be the current folder, with all that is in it."""
    monkeypatch.chdir(tmp_path)
    a, b = (write(tmp_path / name) for name in ("a.csv", "b.csv"))
    assert [file.path for file in resolve("a.csv, b.csv", tmp_path).files] == [str(a), str(b)]
    for data in (",", "a.csv,", "a.csv, ,b.csv"):
        assert "a comma has no path on one side" in refusal(data, tmp_path)


@pytest.mark.parametrize("name", ["x" * 5_000, f"{'x' * 5_000}/a.csv", "a.csv/b.csv"])
def test_a_name_that_no_file_can_have_is_there_no_more_than_another(tmp_path, name):
    """No error of the system's reaches the user."""
    write(tmp_path / "a.csv")
    assert "there is no file or folder" in refusal(tmp_path / name, tmp_path)


def test_a_pipe_is_refused_at_once(tmp_path):
    """It could be read a single time, and opening it would wait for a writer."""
    os.mkfifo(tmp_path / "r.csv")
    assert "r.csv is a pipe" in refusal(tmp_path / "r.csv", tmp_path)
    with pytest.raises(DatasetError, match=r"r\.csv is a pipe"):
        make_plan([str(tmp_path / "r.csv")], tmp_path / "out")


def test_a_file_that_goes_while_it_is_looked_at_is_named(tmp_path, monkeypatch):
    """With the system's reason."""
    path = write(tmp_path / "r.csv")

    def open_locked(self: Path, *arguments: object) -> object:
        raise PermissionError(errno.EACCES, "Permission denied")

    def locks(*arguments: object) -> object:
        monkeypatch.setattr(Path, "open", open_locked)
        return ()

    monkeypatch.setattr(resolving, "notices", locks)
    assert refusal(path, tmp_path) == f"{path} cannot be read: Permission denied."


def test_what_describes_a_folder_of_tables_is_no_table(tmp_path):
    """Hidden files, and those that Hugging Face's datasets writes beside the data."""
    path = write(tmp_path / "data" / "a.csv")
    for name in ("dataset_infos.json", ".cache/b.csv", "._a.csv", "README.md"):
        write(tmp_path / "data" / name)
    assert resolve(tmp_path / "data", tmp_path).files == (SourceFile(str(path), "", PLAIN),)
    named = write(tmp_path / "state.json", '{"text": "a", "label": 1}\n')
    (file,) = resolve(named, tmp_path).files
    assert (file.path, file.split) == (str(named), "")


def test_a_file_whose_name_has_a_comma_or_a_star_is_one_file(tmp_path):
    """What exists is taken by its name."""
    path = write(tmp_path / "a,b*.csv")
    assert resolve(path, tmp_path).files == (SourceFile(str(path), "", PLAIN),)


def test_data_sets_in_folders_are_told_apart_by_their_folders(tmp_path):
    """Names of files that say no more than the split are in all of them."""
    for folder in ("hf", "other"):
        for split in ("train", "test"):
            write(tmp_path / folder / "data" / f"{split}-00000-of-00001.csv")
    names = {
        (s := resolve(tmp_path / folder, tmp_path)).name: s.origin for folder in ("hf", "other")
    }
    assert names == {"hf": str(tmp_path / "hf"), "other": str(tmp_path / "other")}


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl"])
def test_an_empty_file_is_refused(tmp_path, name):
    """With what it should hold."""
    assert refusal(write(tmp_path / name, ""), tmp_path) == (
        f"{name} is empty: expected columns text, label."
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.parquet", b""),
        ("r.parquet", b"PAR1 and then nothing"),
        ("r.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:15]),
        ("r.jsonl", b"[\n"),
        ("r.json", b'[{"text": "a", "label": 1'),
        ("r.csv", b'"text,label\na,1\n'),
        ("r.csv", b"text," + b"x" * (65 << 20)),
    ],
)
def test_a_file_that_is_not_of_its_format_is_refused(tmp_path, name, content):
    """By name and format; the reader's own words follow."""
    (tmp_path / name).write_bytes(content)
    assert f"{name} cannot be read as " in refusal(tmp_path / name, tmp_path)


def test_what_a_name_does_not_say_is_told_once_for_all_files(tmp_path):
    """And read as it is; a plain file is not spoken of."""
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_bytes(CSV.replace(",", ";").encode("utf-16"))
    write(tmp_path / "d.csv")
    notices: list[str] = []
    source = resolve(tmp_path, tmp_path, notify=notices.append)
    assert notices == ["a.csv and 2 more: UTF-16 with a byte-order mark, delimiter ';'"]
    assert [file.format.delimiter for file in source.files] == [";", ";", ";", ","]
    assert ReviewSource.from_json(source.to_json()) == source


def test_a_format_that_is_unknown_lists_those_that_are_known(tmp_path):
    """And archives."""
    assert refusal(write(tmp_path / "r.xlsx"), tmp_path) == (
        "r.xlsx: unknown format. Expected .csv, .tsv, .jsonl, .ndjson, .json, .parquet, text "
        "formats also with .gz, .bz2, .xz, .zip, or an archive (.tar, .tar.gz, .tgz) laid out as "
        "IMDB's."
    )


def test_files_of_several_formats_are_refused(tmp_path):
    """They are listed."""
    write(tmp_path / "a.csv")
    write(tmp_path / "b.tsv", "text\tlabel\n")
    assert refusal(tmp_path, tmp_path) == (
        "The files are of several formats (a.csv, b.tsv). Give files of one."
    )


def test_a_path_that_does_not_exist_names_the_nearest(tmp_path):
    """Among its neighbours, and among the words that `data` may be."""
    path = write(tmp_path / "reviews.csv")
    assert refusal(tmp_path / "reveiws.csv", tmp_path) == (
        f"`data='{tmp_path}/reveiws.csv'`: there is no file or folder "
        f"'{tmp_path}/reveiws.csv'. "
        f"Expected auto, imdb, sample or a path. Did you mean '{path}'?"
    )
    assert refusal("smaple", tmp_path).endswith("Did you mean 'sample'?")


def test_a_directory_without_reviews_says_what_it_should_hold(tmp_path):
    """In either layout."""
    (tmp_path / "empty" / "train").mkdir(parents=True)
    assert refusal(tmp_path / "empty", tmp_path) == (
        f"The folder {tmp_path}/empty holds no reviews: expected tables (.csv, .tsv, .jsonl, "
        ".ndjson, .json, .parquet), or a folder of texts (.txt) for each class, which may be in "
        "train and test. It holds no file."
    )


def test_a_directory_in_imdbs_layout_is_read_by_folder(tmp_path):
    """Its digest follows names and contents."""
    for name in ("train/pos/0_9", "train/neg/1_1", "test/pos/0_8", "test/neg/1_2"):
        write(tmp_path / "aclImdb" / f"{name}.txt", name)
    source = resolve(tmp_path / "aclImdb", tmp_path)
    assert source.kind is SourceKind.IMDB_DIRECTORY
    assert source.name == "aclimdb"
    assert [(Path(file.path).name, file.split) for file in source.files] == [
        ("neg", "train"),
        ("pos", "train"),
        ("neg", "test"),
        ("pos", "test"),
    ]
    (tmp_path / "aclImdb" / "train" / "pos" / "0_9.txt").rename(
        tmp_path / "aclImdb" / "train" / "pos" / "0_8.txt"
    )
    assert resolve(tmp_path / "aclImdb", tmp_path).digest != source.digest


@pytest.mark.parametrize("name", ["mine.tar.gz", "mine.tgz", "mine.tar"])
def test_an_archive_of_ones_own_is_read_without_imdbs_checksum(tmp_path, name):
    """What is wrong in it is found while reading."""
    source = resolve(write(tmp_path / name), tmp_path)
    assert (source.kind, source.name) == (SourceKind.IMDB_ARCHIVE, "mine")


def test_the_sample_needs_no_file(tmp_path):
    """Its version stands for its content."""
    assert resolve("sample", tmp_path) == ReviewSource(
        SourceKind.SAMPLE, "sample", (), sample.SAMPLE_VERSION
    )


def test_auto_takes_the_sample_with_a_notice_when_imdb_cannot_be_had(tmp_path, unreachable):
    """The notice says so in capitals, and why; "imdb" fails instead."""
    notices: list[str] = []
    source = resolve("auto", tmp_path, notify=notices.append)
    assert source.kind is SourceKind.SAMPLE
    (notice,) = notices
    assert notice.startswith(
        "THIS RUN USES THE GENERATED SAMPLE, NOT THE REAL REVIEWS. "
        f"{unreachable.url} cannot be reached: "
    )
    assert refusal("imdb", tmp_path).startswith(f"{unreachable.url} cannot be reached: ")


def test_an_archive_that_is_named_and_wrong_is_never_replaced_by_the_sample(tmp_path, unreachable):
    """Whoever names an archive wants that one."""
    archive = write(tmp_path / "aclImdb_v1.tar.gz", "cut")
    for data in ("auto", "imdb"):
        with pytest.raises(ArchiveError, match=r"is not IMDB's archive: it has 3 bytes"):
            resolve(data, tmp_path, imdb_archive=str(archive))


def test_a_file_whose_name_is_not_utf8_is_read_like_any_other(tmp_path):
    """The system gives such names; the source still travels as JSON."""
    path = write(tmp_path / "caf\udce9.csv")
    source = resolve(path, tmp_path)
    assert source.files == (SourceFile(str(path), "", PLAIN),)
    assert ReviewSource.from_json(source.to_json()) == source
