"""From the setting `data` to a source, or to a sentence that says what to do."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import json
import os
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset import imdb, sample
from components.dataset import resolve as resolving
from components.dataset.download import Download
from components.dataset.records import LabelSpelling, LeftOut, Review
from components.dataset.resolve import resolve_source
from components.dataset.source import ReviewSource, SourceFile, SourceKind, TableFormat
from components.dataset.splits import split_of
from components.dataset.tables import read_table
from components.errors import ArchiveError, DatasetError
from pipeline.scoring.plan import make_plan

PLAIN = TableFormat(SourceKind.CSV)
CSV = "text,label\ngood,1\nbad,0\n"


def resolve(data: object, tmp_path: Path, **settings) -> ReviewSource:
    """Resolves with an empty cache and no archive."""
    settings = {"imdb_archive": None, "cache_dir": tmp_path / "cache"} | settings
    return resolve_source(str(data), **settings)


def refusal(data: object, tmp_path: Path, **settings) -> str:
    """Returns the sentence with which the data is refused."""
    with pytest.raises(DatasetError) as error:
        resolve(data, tmp_path, **settings)
    return str(error.value)


@pytest.fixture
def unreachable(monkeypatch):
    """The official address answers nobody."""
    nowhere = Download("http://127.0.0.1:1/aclImdb_v1.tar.gz", 10, "0" * 64)
    monkeypatch.setattr(imdb, "OFFICIAL", nowhere)
    return nowhere


def write(path: Path, content: str = CSV) -> Path:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


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


def splits(data: object, tmp_path: Path) -> dict[str, str]:
    """Returns the split of each file."""
    return {
        str(Path(file.path).relative_to(tmp_path)): file.split
        for file in resolve(data, tmp_path).files
    }


@pytest.mark.parametrize(
    "names",
    [
        ("train.csv", "test.csv"),
        ("Train-00001.csv", "TEST_2.csv"),
        ("train/a.csv", "test/a.csv"),
        ("train/part/a.csv", "test_set/part/a.csv"),
    ],
)
def test_files_and_folders_named_for_their_split_keep_it(tmp_path, names):
    """By how the name begins."""
    for name in names:
        write(tmp_path / "test" / name)
    assert splits(tmp_path / "test", tmp_path) == {
        f"test/{names[0]}": "train",
        f"test/{names[1]}": "test",
    }


@pytest.mark.parametrize(
    "names",
    [("train.csv",), ("test/reviews.csv",), ("trainers.csv", "testimonials.csv")],
)
def test_a_name_that_tells_no_two_splits_apart_is_none(tmp_path, names):
    """train.csv alone is split by hash, as a file in a project's folder named test is."""
    for name in names:
        write(tmp_path / name)
    data = ",".join(str(tmp_path / name) for name in names)
    assert set(splits(data, tmp_path).values()) == {""}


def test_a_file_named_for_no_split_among_others_is_refused(tmp_path):
    """In which split it belongs cannot be guessed."""
    for name in ("train.csv", "test.csv", "extra.csv"):
        write(tmp_path / "test" / name)
    assert refusal(tmp_path / "test", tmp_path) == (
        "extra.csv is named for no split, and other files are named for one. Name all files for "
        "train, validation or test, or none; or give only the others: "
        f"{os.path.relpath(tmp_path)}/test/test.csv,{os.path.relpath(tmp_path)}/test/train.csv."
    )


def test_files_without_labels_among_others_are_named(tmp_path, monkeypatch):
    """A contest does not publish those of test; what is advised can be read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text("id,text,target\n" + "1,a,0\n2,b,1\n" * 9)
    (tmp_path / "test.csv").write_text("id,text\n1,a\n2,b\n")
    sentence = "test.csv has no column 'target', as train.csv has. If it has no labels, give only "
    for settings in ({}, {"label_column": "target"}):
        assert refusal(tmp_path, tmp_path, **settings) == f"{sentence}what has some: train.csv."
    assert resolve("train.csv", tmp_path).label_column == "target"


@pytest.mark.parametrize(
    "names",
    [
        ("train-00000-of-00001.csv", "validation-00000-of-00001.csv", "test-00000-of-00001.csv"),
        ("train.csv", "val.csv", "test.csv"),
        ("train/a.csv", "dev/a.csv", "test/a.csv"),
        ("reviews_train.csv", "reviews_valid.csv", "reviews_holdout.csv"),
    ],
)
def test_validation_becomes_eval_whatever_it_is_called(tmp_path, names):
    """In names of files and of folders."""
    for name in names:
        write(tmp_path / "films" / name)
    found = splits(tmp_path / "films", tmp_path)
    assert found == dict(
        zip((f"films/{name}" for name in names), ("train", "eval", "test"), strict=True)
    )
    source = resolve(tmp_path / "films", tmp_path)
    assert (source.has_eval, source.carves_test) == (True, False)


def test_train_and_test_alone_have_no_eval(tmp_path):
    """Nothing changes for them."""
    for name in ("train.csv", "test.csv"):
        write(tmp_path / name)
    source = resolve(f"{tmp_path}/*.csv", tmp_path)
    assert (source.has_eval, source.carves_test) == (False, False)


def test_a_missing_test_split_is_carved_from_train_and_told(tmp_path):
    """By a hash; validation stays what it is."""
    for name in ("train.csv", "validation.csv"):
        write(tmp_path / name)
    told: list[str] = []
    source = resolve(f"{tmp_path}/*.csv", tmp_path, notify=told.append)
    assert (source.has_eval, source.carves_test) == (True, True)
    assert told == [
        "There is no test split: a fifth of train, by a hash of the text, becomes test. To test on "
        "reviews of your own choice, give a file named test as well."
    ]


def test_a_split_without_labels_is_left_out_and_told(tmp_path):
    """As IMDB has one; its content plays no part."""
    for name in ("train.csv", "test.csv", "unsupervised-00000-of-00001.csv"):
        write(tmp_path / "imdb" / name)
    told: list[str] = []
    source = resolve(tmp_path / "imdb", tmp_path, notify=told.append)
    assert [file.split for file in source.files] == ["test", "train"]
    assert told == [
        "unsupervised-00000-of-00001.csv is left out: it is named for reviews without labels."
    ]
    write(tmp_path / "imdb" / "unsupervised-00000-of-00001.csv", "text,label\nx,-1\n")
    assert resolve(tmp_path / "imdb", tmp_path).digest == source.digest
    alone = write(tmp_path / "unsupervised.csv")
    assert resolve(alone, tmp_path).files == (SourceFile(str(alone), "", PLAIN),)


def test_splits_without_one_for_training_are_refused(tmp_path):
    """Testing on what is trained on is never guessed."""
    for name in ("val.csv", "test.csv"):
        write(tmp_path / name)
    assert refusal(f"{tmp_path}/*.csv", tmp_path) == (
        "The files are named for eval and test, and none for train. Add that one, or give a single "
        "file: it is split by a hash of the text."
    )


def test_a_split_column_may_call_validation_as_people_do(tmp_path):
    """Any case, and in its own name as well; each split is read from it."""
    rows = "a,1, Train \nb,0,DEV\nc,1,test\nd,-1,unsupervised\n"
    path = write(tmp_path / "r.csv", f"text,label,Split\n{rows}")
    source = resolve(path, tmp_path)
    assert (source.split_column, source.has_eval, source.carves_test) == ("Split", True, False)
    records = [r for r in read_table(source.files[0], source) if not isinstance(r, LabelSpelling)]
    assert [(r.text, r.split) for r in records[:-1]] == [
        (b"a", "train"), (b"b", "eval"), (b"c", "test"),
    ]  # fmt: skip
    assert records[-1] == LeftOut("in split 'unsupervised'")


def test_a_split_column_without_test_has_it_carved_from_train(tmp_path):
    """By the same hash as without any split; eval stays whole."""
    rows = [f"text {n},1,{'train' if n % 2 else 'val'}\n" for n in range(1_000)]
    path = write(tmp_path / "r.csv", f"text,label,split\n{''.join(rows)}")
    told: list[str] = []
    source = resolve(path, tmp_path, notify=told.append)
    assert told[0].endswith("give some whose 'split' is test.")
    records = [r for r in read_table(source.files[0], source) if isinstance(r, Review)]
    found = Counter(record.split for record in records)
    assert found == {"eval": 500, "train": 500 - found["test"], "test": found["test"]}
    assert 75 < found["test"] < 125
    assert all(
        split_of(record.text) == record.split for record in records if record.split != "eval"
    )


def test_a_split_column_of_another_meaning_is_refused(tmp_path):
    """With a way out."""
    path = write(tmp_path / "r.csv", "text,label,split\na,1,A\nb,0,B\n")
    assert refusal(path, tmp_path) == (
        "The column 'split' names no split (r.csv, record 1: split 'A', expected train, validation "
        "or test). Rename it to have the reviews split by a hash of the text."
    )
    write(path, "text,label,split\na,1,test\nb,0,test\n")
    assert "names test, and no review for train" in refusal(path, tmp_path)


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl", "r.parquet"])
def test_the_only_other_column_is_taken_for_the_label_and_told(tmp_path, name):
    """Where nobody named one."""
    path = tmp_path / name
    if name == "r.parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": ["a"], "mood": [1]}), path)
    elif name == "r.jsonl":
        path.write_text('{"text": "a", "mood": 1}\n')
    else:
        path.write_text("text,mood\na,1\n".replace(",", "\t" if name == "r.tsv" else ","))
    told: list[str] = []
    assert resolve(path, tmp_path, notify=told.append).label_column == "mood"
    assert told == [
        "The column 'mood' is taken for the label: it is the only one beside 'text'. "
        "`label_column` names another."
    ]
    assert "has no column 'mod'. Its columns are: text, mood. Did you mean 'mood'?" in refusal(
        path, tmp_path, label_column="mod"
    )


def test_data_sets_in_folders_are_told_apart_by_their_folders(tmp_path):
    """Names of files that say no more than the split are in all of them."""
    for folder in ("hf", "other"):
        for split in ("train", "test"):
            write(tmp_path / folder / "data" / f"{split}-00000-of-00001.csv")
    names = {
        (s := resolve(tmp_path / folder, tmp_path)).name: s.origin for folder in ("hf", "other")
    }
    assert names == {"hf": str(tmp_path / "hf"), "other": str(tmp_path / "other")}


def test_a_split_column_goes_before_names(tmp_path):
    """It is in all files or in none."""
    content = "text,label,split\na,1,train\n"
    files = [write(tmp_path / name, content) for name in ("train.csv", "test.csv")]
    source = resolve(tmp_path, tmp_path)
    assert source.split_column == "split"
    assert [file.split for file in source.files] == ["", ""]
    write(files[0])
    assert refusal(tmp_path, tmp_path) == (
        "train.csv has no column 'split', and other files have one. Give it to all files or to "
        "none."
    )


def test_a_missing_column_lists_those_that_exist_and_names_the_nearest(tmp_path):
    """And the setting that names another."""
    path = write(tmp_path / "r.csv", "Film Notes,labls,id\na,1,2\n")
    assert refusal(path, tmp_path) == (
        "r.csv has no column 'text'. Its columns are: Film Notes, labls, id. Name it with "
        "`text_column`, and the label's with `label_column`."
    )
    assert refusal(path, tmp_path, text_column="Filmnotes") == (
        "r.csv has no column 'Filmnotes'. Its columns are: Film Notes, labls, id. Did you mean "
        "'Film Notes'? Name it with `text_column`, and the label's with `label_column`."
    )
    assert refusal(path, tmp_path, text_column="Film Notes") == (
        "r.csv has no column 'label'. Its columns are: Film Notes, labls, id. Did you mean "
        "'labls'? Name it with `label_column`."
    )


def test_a_table_of_one_column_is_refused_with_what_is_missing(tmp_path):
    """No setting names labels that are not there; two fields may be taken for one."""
    path = write(tmp_path / "sports.csv", "text\na\nb\n")
    assert refusal(path, tmp_path).endswith(
        "Its columns are: text. Texts and labels need a column each: write the label of each text "
        "beside it."
    )
    path = write(tmp_path / "words.csv", "one word~B\ntwo words~O\n")
    assert "if a line holds both, name what stands between them with `delim" in refusal(
        path, tmp_path
    )


def test_a_missing_column_is_named_where_its_values_tell(tmp_path):
    """Whoever types the advice has both columns."""
    rows = "".join(
        f"{n},tt{n},a film of some words that is number {n},{'good' if n % 2 else 'bad'}\n"
        for n in range(40)
    )
    path = write(tmp_path / "r.csv", f",id,the film,how it was\n{rows}")
    found = refusal(path, tmp_path)
    assert found.endswith(
        "Name it with `text_column`, e.g. `text_column='the film'` `label_column='how it was'`."
    )
    found = refusal(path, tmp_path, text_column="the film")
    assert found.endswith("Name it with `label_column`, e.g. `label_column='how it was'`.")
    source = resolve(path, tmp_path, text_column="the film", label_column="how it was")
    assert source.label_column == "how it was"


def test_a_column_that_differs_in_its_case_is_told(tmp_path):
    """So that nobody wonders which was read."""
    told: list[str] = []
    path = write(tmp_path / "r.csv", "Text,LABEL\na,1\nb,0\n")
    source = resolve(path, tmp_path, notify=told.append)
    assert (source.text_column, source.label_column) == ("Text", "LABEL")
    assert told == [
        "The column 'Text' is taken for 'text'.",
        "The column 'LABEL' is taken for 'label'.",
    ]
    told.clear()
    write(path, "text,label,Label\na,1,0\nb,0,1\n")
    assert resolve(path, tmp_path, notify=told.append).label_column == "label"
    assert told == ["There is a column 'Label' as well; 'label' is read."]


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet", "r.tsv.gz"])
def test_a_missing_column_is_found_in_every_format(tmp_path, name):
    """Before anything runs."""
    path = tmp_path / name
    if name == "r.parquet":
        pyarrow.parquet.write_table(pyarrow.table({"words": ["a"], "label": [1]}), path)
    elif name == "r.jsonl":
        path.write_text('{"words": "a", "label": 1}\n')
    else:
        path.write_bytes(gzip.compress(b"words\tlabel\na\t1\n"))
    assert f"{name} has no column 'text'. Its columns are: words, label." in refusal(path, tmp_path)


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
