"""Folders of texts, one a file, whose names are the labels."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from components.dataset import text_folders
from components.dataset.first_look import checked, look_at
from components.dataset.inspection import look as looking
from components.dataset.inspection import sampling
from components.dataset.inspection.look import look_at_tables
from components.dataset.paths import tables_in
from components.dataset.records import MalformedRecord, Problem, Review
from components.dataset.resolve import labelled_source, resolve_source
from components.dataset.source import ReviewSource, SourceKind
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.tables import read_table
from components.dataset.text_folders import read_text_folder
from components.errors import DatasetError


def write(root: Path, *folders: str, count: int = 4, suffix: str = ".txt") -> Path:
    """Writes `count` texts into each folder; returns the root."""
    for number, folder in enumerate(folders):
        (root / folder).mkdir(parents=True)
        for text in range(count):
            (root / folder / f"{text}{suffix}").write_text(f"text {number} {text}")
    return root


def read(source: ReviewSource) -> list[tuple[str, str, str]]:
    """Returns text, class and split of each review."""
    return [
        (review.text.decode(), source.classes[review.label], review.split)
        for file in source.files
        for review in read_table(file, source)
        if isinstance(review, Review)
    ]


def refusal(path: Path) -> str:
    """Returns the sentence with which it is refused."""
    with pytest.raises(DatasetError) as error:
        resolve_source(str(path))
    return str(error.value)


@pytest.mark.parametrize("suffix", [".txt", ""])
def test_a_folder_is_a_class_under_the_name_that_it_has(tmp_path, suffix):
    """Also one that is called like a split; the data set is named after the folder of all."""
    root = write(tmp_path / "My News", "très bon", "test", "c", suffix=suffix)
    (root / "README.md").write_text("no text")
    source = resolve_source(str(root))
    assert (source.kind, source.name) == (SourceKind.TEXT_FOLDER, "my_news")
    assert source.classes == ("c", "test", "très bon")
    assert {(text, name) for text, name, _ in read(source)} == {
        (f"text {number} {text}", name)
        for number, name in enumerate(("très bon", "test", "c"))
        for text in range(4)
    }


def test_folders_above_may_be_splits(tmp_path):
    """The usual names are; two known classes are negative and positive without stars in names."""
    folders = ("train/pos", "train/neg", "val/pos", "val/neg", "test/pos", "test/neg")
    source = resolve_source(str(write(tmp_path / "r", *folders)))
    assert source.has_eval and not source.carves_test
    found = read(source)
    assert {(name, split) for _, name, split in found} == {
        (name, split) for name in ("positive", "negative") for split in ("train", "eval", "test")
    }
    assert len(found) == 24
    checked(source, 0.0, 2)


def test_stars_in_names_are_imdb_s_layout(tmp_path):
    """As before."""
    root = write(tmp_path / "r", "train/pos", "train/neg")
    (root / "train/pos/7_9.txt").write_text("fine")
    source = labelled_source(root)
    assert source and source.kind is SourceKind.IMDB_DIRECTORY


def test_a_changed_text_changes_the_digest(tmp_path):
    """So that the cache sees it."""
    root = write(tmp_path / "r", "a", "b")
    before = resolve_source(str(root)).digest
    assert resolve_source(str(root)).digest == before
    (root / "a/0.txt").write_text("another")
    assert resolve_source(str(root)).digest != before


def test_encodings(tmp_path, monkeypatch):
    """Marks are seen; what is not UTF-8 is a bad record with the way out; `encoding` reads it."""
    root = write(tmp_path / "r", "a", "b")
    (root / "a/0.txt").write_bytes("für\0".encode("utf-16"))
    (root / "a/1.txt").write_bytes("für".encode("latin-1"))
    (root / "a/2.txt").write_bytes(b"\xef\xbb\xbffine")
    source = resolve_source(str(root))
    found = list(read_table(source.files[0], source))
    assert [each.text.decode() for each in found if isinstance(each, Review)] == [
        "für ",
        "fine",
        "text 0 3",
    ]
    (problem,) = (each for each in found if isinstance(each, Problem))
    assert "is it Latin-1? `encoding='latin-1'`" in problem.detail
    source = resolve_source(str(root), options=TableOptions(encoding="latin-1"))
    assert ("für", "a") in {(text, name) for text, name, _ in read(source)}
    monkeypatch.setattr(text_folders, "MAX_TEXT_BYTES", 5)
    assert list(read_text_folder(root / "b", "utf-8", ["text"])) == [
        MalformedRecord(f"{number}.txt has more than 5 bytes") for number in range(4)
    ]


def test_labels_are_known_without_reading_texts(tmp_path):
    """Of 100,000 files, only names are needed to learn the classes."""
    root = write(tmp_path / "r", "a", "b")
    for file in root.rglob("*.txt"):
        file.unlink()
        file.symlink_to(tmp_path / "nowhere")
    assert list(read_text_folder(root / "a", "utf-8", ["label"])) == [{"label": "a"}] * 4


def test_a_look_reads_some_of_many_texts(tmp_path, monkeypatch):
    """And counts them all."""
    monkeypatch.setattr(looking, "WHOLE_LINES", 100)
    monkeypatch.setattr(sampling, "TEXTS_OF_PART", 1)
    root = write(tmp_path / "r", "a", "b", count=40)
    found = look_at_tables(tables_in([root]), "", "", FOUND_BY_CONTENT)
    assert (found.rows, found.survey.records, found.is_whole) == (80, 24, False)
    assert found.survey.labels == {"a": 12, "b": 12}
    assert found.bytes == sum(file.stat().st_size for file in root.rglob("*.txt"))


def test_a_folder_that_is_not_read_says_what_it_holds(tmp_path):
    """And what to do with it, by the content of what there is most of."""
    root = write(tmp_path / "r", "only")
    assert "It holds 4 .txt. Put files that are a text each into a folder" in refusal(root)
    (root / "only/x.arrow").write_bytes(b"\xff\xff\xff\xff\0\0")
    assert "It holds 4 .txt, 1 .arrow. Of x.arrow: it is an Arrow stream" in refusal(root)


def test_an_archive_of_another_layout_is_refused_at_once(tmp_path):
    """With the next step, which works."""
    root = write(tmp_path / "r", "a", "b")
    with tarfile.open(tmp_path / "r.tar.gz", "w:gz") as archive:
        archive.add(root, "r")
    message = refusal(tmp_path / "r.tar.gz")
    assert "but 8 other files, e.g. r/a/" in message and "or their folder." in message
    assert look_at(resolve_source(str(root))).records == 8
