"""What of the data changed, in words."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from components.dataset.source import ReviewSource, SourceFile, SourceKind, TableFormat
from pipeline.planning.changed_data import changed_data

CSV = TableFormat.usual(SourceKind.CSV)
# When the data was last read.
SINCE = 1_000_000_000.0


@pytest.fixture
def source(tmp_path):
    """Three tables, of long ago."""
    files = []
    for name in ("train.csv", "test.csv", "more.csv"):
        path = tmp_path / name
        path.touch()
        files.append(SourceFile(str(path), format=CSV))
    return ReviewSource(SourceKind.CSV, "films", tuple(files), digest="a")


def changes(before: ReviewSource, now: ReviewSource, since: float = SINCE) -> list[str]:
    return changed_data(before.to_json(), now.to_json(), since)


def test_files_that_changed_later_are_named(source):
    """And how many of how many; where none did, that too."""
    now = replace(source, digest="b")
    assert changes(source, now) == [
        "the data changed: train.csv, test.csv and 1 more, 3 of 3 files"
    ]
    after_all = 4_000_000_000.0
    assert changes(source, now, after_all) == ["the data changed: some of 3 files"]
    os.utime(source.files[1].path, (after_all + 1,) * 2)
    assert changes(source, now, after_all) == ["the data changed: test.csv, 1 of 3 files"]
    os.remove(source.files[1].path)
    assert changes(source, now, after_all) == ["the data changed: some of 3 files"]


def test_files_that_came_or_went_are_named(source):
    """One, or several."""
    fewer = replace(source, files=source.files[:1], digest="b")
    assert changes(fewer, source) == ["the data changed: test.csv, more.csv were added"]
    assert changes(source, fewer) == ["the data changed: test.csv, more.csv were left out"]
    assert changes(source, replace(source, files=source.files[:2], digest="b")) == [
        "the data changed: more.csv was left out"
    ]


def test_the_same_data_in_another_place(source):
    """The content is the same; the step runs all the same, for its parameters differ."""
    moved = replace(source, files=(SourceFile("/elsewhere/train.csv", format=CSV),))
    assert changes(source, moved) == [
        f"the same data is at /elsewhere/train.csv, was at {source.files[0].path}"
    ]


def test_how_the_files_are_read_is_named_by_its_flag(source):
    """Once, however many files there are; what no flag sets goes by its name."""
    pipes = replace(CSV, delimiter="|", has_header=False, skipped_lines=2)
    now = replace(
        source,
        files=tuple(replace(file, format=pipes) for file in source.files),
        text_column="body",
        label_classes=(("5", "good"),),
        leaves_out=True,
        carves_test=True,
    )
    assert changes(source, now) == [
        "the data's carves test is True, was False",
        "--labels, --map-labels, --positive-label or --negative-label changed",
        "--text-column is body, was text",
        "--delimiter is |, was ,",
        "--header is off, was on",
        "the data's skipped lines is 2, was 0",
    ]
    assert changes(now, now) == []


def test_another_sample(source):
    """It has no files."""
    sample = ReviewSource(SourceKind.SAMPLE, "sample", (), digest="sample-1")
    assert changes(sample, replace(sample, digest="sample-2")) == ["the generated sample changed"]
