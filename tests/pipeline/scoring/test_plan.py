"""What is scored, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset.source import SourceKind
from components.errors import ConfigurationError, DatasetError
from pipeline.scoring.plan import make_plan


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with tables in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,text\n1,fine\n")
    (tmp_path / "b.jsonl.gz").write_bytes(b"")
    (tmp_path / "c.tsv").write_text("review\tsentiment\nfine\t1\n")
    (tmp_path / "twice.csv").write_text("text,id,id\n")
    (tmp_path / "notes.doc").write_text("")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.csv").write_text("text\n")
    pyarrow.parquet.write_table(pyarrow.table({"text": ["x"]}), tmp_path / "d.parquet")
    return tmp_path


def test_each_file_keeps_its_name_and_format(folder):
    """A file that two patterns name is scored once."""
    plan = make_plan(["a.*", "a.csv", "d.parquet"], folder / "out")
    assert [(file.output, file.output_kind, file.columns) for file in plan.files] == [
        ("a.csv", SourceKind.CSV, ("id", "text")),
        ("d.parquet", SourceKind.PARQUET, ("text",)),
    ]


def test_another_format_gives_another_suffix(folder):
    """Neither the old suffix nor .gz is kept."""
    files = make_plan(["a.csv", "b.jsonl.gz"], folder / "out", output_kind=SourceKind.PARQUET).files
    assert [file.output for file in files] == ["a.parquet", "b.parquet"]


@pytest.mark.parametrize(
    ("inputs", "options", "error", "message"),
    [
        (["b*.csv"], {}, DatasetError, r"--input 'b\*.csv': there is no such file"),
        (["a.csw"], {}, DatasetError, "Did you mean 'a.csv'"),
        (["deep"], {}, DatasetError, r"is a folder; expected files, e.g. 'deep/\*.jsonl'"),
        (["notes.doc"], {}, DatasetError, "notes.doc: unknown format. Expected .csv"),
        (["a.csv"], {"text_column": "txt"}, DatasetError, "no column 'txt'.*Did you mean 'text'"),
        (["twice.csv"], {}, DatasetError, "two columns 'id'"),
        (
            ["c.tsv"],
            {"text_column": "review"},
            ConfigurationError,
            "has a column 'sentiment' already.*--prefix predicted_ adds 'predicted_sentiment'",
        ),
        (["a.csv", "deep/a.csv"], {}, ConfigurationError, "would both become a.csv"),
    ],
)
def test_what_cannot_be_scored_is_named(folder, inputs, options, error, message):
    """With what to do instead."""
    with pytest.raises(error, match=message):
        make_plan(inputs, folder / "out", **options)


def test_a_prefix_makes_room_for_a_column_of_the_same_name(folder):
    """All three columns get it."""
    plan = make_plan(["c.tsv"], folder / "out", text_column="review", prefix="predicted_")
    assert plan.added.names == (
        "predicted_probability", "predicted_sentiment", "predicted_model_version",
    )  # fmt: skip


def test_nothing_is_overwritten_unasked(folder):
    """And an input never."""
    (folder / "out").mkdir()
    (folder / "out" / "a.csv").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"has a\.csv already.*--overwrite"):
        make_plan(["a.csv"], folder / "out")
    assert make_plan(["a.csv"], folder / "out", overwrite=True).files
    with pytest.raises(ConfigurationError, match=r"a\.csv there is an input"):
        make_plan(["a.csv"], folder, overwrite=True)
