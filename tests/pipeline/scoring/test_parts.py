"""Outputs: columns, values and order, in each format."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset.records import Problem
from components.dataset.source import SourceKind
from components.errors import ScoringError
from pipeline.scoring import rows
from pipeline.scoring.parts import join_parts, write_part
from pipeline.scoring.plan import make_plan
from pipeline.scoring.rows import read_chunks
from serving.predictions import Prediction

ANSWERS = {b"good": Prediction(0.75, "positive"), b"bad": Prediction(0.25, "negative")}
ADDED = {"probability": 0.75, "sentiment": "positive", "model_version": 7}


@pytest.fixture
def score(tmp_path, monkeypatch):
    """Scores a file in chunks of two rows, which arrive in the wrong order; returns the output."""
    monkeypatch.setattr(rows, "ROWS_PER_CHUNK", 2)

    def score(name: str, output_kind: SourceKind | None = None, version: int | None = 7):
        folder = tmp_path / "work"
        folder.mkdir()
        plan = make_plan([str(tmp_path / name)], tmp_path / "out", output_kind=output_kind)
        (file,) = plan.files
        parts = [
            write_part(chunk, [ANSWERS[text] for text in chunk.texts], version, plan.added, folder)
            for chunk in read_chunks(file, plan)
            if not isinstance(chunk, Problem)
        ]
        output, count = join_parts(file, reversed(parts), plan.added, folder)
        assert [path.name for path in folder.iterdir()] == [output]
        assert count == sum(part.rows for part in parts)
        return folder / output

    return score


def test_json_lines_keep_every_value_and_the_order(tmp_path, score):
    """Nested ones, large integers, and columns that only some rows have."""
    records = [
        {"text": "good", "id": 2**70, "more": {"a": [1, None]}},
        {"text": "bad"},
        {"text": "good", "name": "Amélie\u2028"},
    ]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    scored = [json.loads(line) for line in score("a.jsonl").read_bytes().splitlines()]
    assert scored[0] == {**records[0], **ADDED}
    assert list(scored[0]) == ["text", "id", "more", "probability", "sentiment", "model_version"]
    assert [row["probability"] for row in scored] == [0.75, 0.25, 0.75]
    assert scored[2]["name"] == "Amélie\u2028"


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t")])
def test_separated_values_keep_quotes_and_line_breaks(tmp_path, score, name, delimiter):
    """Within their fields."""
    rows_in = [["id", "text"], ['1, "one"\n\tx', "good"], ["", "bad"], ["3", "good"]]
    with (tmp_path / name).open("w", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows_in)
    with score(name).open(newline="") as stream:
        scored = list(csv.reader(stream, delimiter=delimiter))
    assert [row[:2] for row in scored] == rows_in
    assert [row[2:] for row in scored] == [
        ["probability", "sentiment", "model_version"],
        ["0.75", "positive", "7"],
        ["0.25", "negative", "7"],
        ["0.75", "positive", "7"],
    ]


def test_compressed_files_stay_compressed(tmp_path, score):
    """A version whose folder is no number is null."""
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as stream:
        stream.write('{"text": "good"}\n')
    with gzip.open(score("a.jsonl.gz", version=None)) as stream:
        assert json.load(stream) == {"text": "good", **ADDED, "model_version": None}


def test_parquet_keeps_its_types(tmp_path, score):
    """Those of text too; the new columns are float32, string and int64."""
    table = pyarrow.table(
        {
            "text": pyarrow.array(["good", "bad", "good"]).dictionary_encode(),
            "when": pyarrow.array([1, 2, 3], pyarrow.timestamp("ns", "UTC")),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", version="2.6")
    scored = pyarrow.parquet.read_table(score("a.parquet"))
    assert scored.select(["text", "when"]).equals(table)
    assert [str(scored.schema.field(name).type) for name in ADDED] == ["float", "string", "int64"]
    assert scored["probability"].to_pylist() == [0.75, 0.25, 0.75]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", b"probability,sentiment,model_version\n"),
        ("a.csv", b"id,text\n", b"id,text,probability,sentiment,model_version\n"),
        ("a.jsonl", b"", b""),
    ],
)
def test_an_empty_file_gives_an_empty_file(tmp_path, score, name, content, expected):
    """With a header where the format has one."""
    (tmp_path / name).write_bytes(content)
    assert score(name).read_bytes() == expected


def test_an_empty_parquet_file_keeps_its_columns(tmp_path, score):
    """And gets the new ones."""
    pyarrow.parquet.write_table(
        pyarrow.table({"text": pyarrow.array([], "string")}), tmp_path / "a.parquet"
    )
    scored = pyarrow.parquet.read_table(score("a.parquet"))
    assert (scored.num_rows, scored.column_names) == (0, ["text", *ADDED])


def test_json_becomes_parquet_where_types_allow(tmp_path, score):
    """Whole numbers in one chunk and fractions in the next are numbers."""
    lines = ['{"text":"good","n":1}', '{"text":"bad","n":null}', '{"text":"good","n":1.5}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert pyarrow.parquet.read_table(score("a.jsonl", SourceKind.PARQUET))["n"].to_pylist() == [
        1.0,
        None,
        1.5,
    ]


@pytest.mark.parametrize("between", ["", '{"text":"bad","n":2}\n'])
def test_json_of_several_types_does_not(tmp_path, score, between):
    """In one chunk or in two: the column is named, and the way out."""
    (tmp_path / "a.jsonl").write_text(
        f'{{"text":"good","n":1}}\n{between}{{"text":"bad","n":"one"}}\n'
    )
    with pytest.raises(ScoringError, match=r"a.jsonl cannot become Parquet.*'n'.*--format"):
        score("a.jsonl", SourceKind.PARQUET)


def test_parquet_becomes_text(tmp_path, score):
    """Dates by ISO 8601, decimals by their digits, lists as JSON, nothing as nothing."""
    table = pyarrow.table(
        {
            "text": ["good"],
            "when": [datetime(2024, 2, 29, 12, 30)],
            "price": [Decimal("1.10")],
            "tags": [["a", "b"]],
            "none": pyarrow.array([None], "int32"),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with score("a.parquet", SourceKind.CSV).open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row == {
        "text": "good", "when": "2024-02-29T12:30:00", "price": "1.10", "tags": '["a", "b"]',
        "none": "", "probability": "0.75", "sentiment": "positive", "model_version": "7",
    }  # fmt: skip
