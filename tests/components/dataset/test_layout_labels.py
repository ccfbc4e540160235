"""Labels of IMDB's layout: folders, stars, and what the settings make of them."""

from __future__ import annotations

import io
import os
import tarfile
from collections import Counter

import pytest

from components.dataset.layout_labels import parts_of, read_part
from components.dataset.records import LeftOut, Problem, Review
from components.dataset.resolve import resolve_source
from components.errors import DataGateError, DatasetError

STARS = (1, 1, 3, 9, 10, 10)


@pytest.fixture
def layout(tmp_path):
    """Writes IMDB's layout, as a folder or as an archive."""

    def write(kind, test_stars=STARS):
        files = {
            f"{split}/{'pos' if stars > 5 else 'neg'}/{number}_{stars}.txt": f"{split} {number}"
            for split, all_stars in (("train", STARS), ("test", test_stars))
            for number, stars in enumerate(all_stars)
        }
        if kind == "folder":
            for name, text in files.items():
                path = tmp_path / "films" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return str(tmp_path / "films")
        with tarfile.open(tmp_path / "films.tar.gz", "w:gz") as archive:
            for name, text in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        return str(tmp_path / "films.tar.gz")

    return write


def read(source):
    """Returns reviews by split and label, and all else by its kind."""
    counts = Counter()
    for part in parts_of(source):
        for record in read_part(part, source):
            is_review = isinstance(record, Review)
            counts[(record.split, record.label) if is_review else type(record)] += 1
    return counts


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_stars_of_train_are_classes_in_their_order(layout, kind):
    """Numbers by their value: 10 comes last."""
    told = []
    source = resolve_source(layout(kind), label_column="rating", notify=told.append)
    assert source.classes == ("1", "3", "9", "10")
    assert told == ["The labels are 4 classes: '1' (2), '3' (1), '9' (1), '10' (2)."]
    expected = {
        (split, label): (2, 1, 1, 2)[label] for split in ("train", "test") for label in range(4)
    }
    assert read(source) == expected


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_stars_that_train_lacks_are_bad_records(layout, kind):
    """They are named with what was expected."""
    source = resolve_source(layout(kind, (1, 9, 7)), label_column="rating")
    assert read(source)[Problem] == 1
    problems = [
        record
        for part in parts_of(source)
        for record in read_part(part, source)
        if isinstance(record, Problem)
    ]
    assert [(each.kind, each.where, each.detail) for each in problems] == [
        ("unknown_label", "test/pos/2_7", "label '7', expected one of '1', '3', '9', '10'")
    ]


def test_stars_are_mapped_and_left_out_as_labels_of_a_table_are(layout):
    """By all the settings."""
    path = layout("folder")
    mapped = resolve_source(path, label_column="rating", map_labels="1=bad,9=good,10=good")
    assert mapped.classes == ("bad", "good")
    assert read(mapped) == {
        ("train", 0): 2, ("train", 1): 3, ("test", 0): 2, ("test", 1): 3, LeftOut: 2,
    }  # fmt: skip
    sides = resolve_source(path, label_column="rating", positive_label="10", negative_label="1")
    assert (sides.classes, read(sides)[LeftOut]) == (("1", "10"), 4)
    with pytest.raises(DataGateError, match="`labels`: '5' does not occur; labels are '1'"):
        resolve_source(path, label_column="rating", labels="1,5")


def test_folders_are_two_classes_that_can_be_named_and_turned_round(layout):
    """As a rule nobody names them, and nothing is looked up."""
    path = layout("archive")
    assert resolve_source(path).classes == ("negative", "positive")
    assert resolve_source(path).label_classes == ()
    turned = resolve_source(path, labels="pos,neg")
    assert turned.classes == ("pos", "neg")
    assert read(turned) == {(split, label): 3 for split in ("train", "test") for label in (0, 1)}


def test_another_column_than_these_two_is_refused(layout):
    """A folder has no columns."""
    with pytest.raises(DatasetError) as error:
        resolve_source(layout("folder"), label_column="stars")
    assert str(error.value) == (
        "`label_column='stars'`: films is no table. Its labels are its folders, neg and pos "
        "(`label_column='label'`), or the stars in its files' names (`label_column='rating'`)."
    )


def test_the_samples_stars_are_imdbs():
    """From 1 to 4 and from 7 to 10, as many as there are reviews."""
    source = resolve_source("sample", label_column="rating")
    assert source.classes == ("1", "2", "3", "4", "7", "8", "9", "10")
    counts = read(source)
    assert sum(counts.values()) == 2_000
    assert len(counts) == 16


@pytest.mark.imdb
def test_the_stars_of_the_real_archive_are_known_without_reading_it():
    """They are those that it holds."""
    path = os.environ.get("IMDB_ARCHIVE")
    if not path:
        pytest.skip("IMDB_ARCHIVE names no archive")
    known = resolve_source("imdb", imdb_archive=path, label_column="rating")
    learned = resolve_source(path, label_column="rating")
    assert known.classes == learned.classes
    assert known.label_classes == learned.label_classes
