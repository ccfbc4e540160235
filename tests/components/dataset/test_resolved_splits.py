"""Which split files, folders and records are of, and what is told of it."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from components.dataset.records import LabelSpelling, LeftOut, Review
from components.dataset.source import SourceFile
from components.dataset.splits import split_of
from components.dataset.tables import read_table
from tests.components.dataset.resolving import PLAIN, refusal, resolve, write


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
