"""Files in chunks: order, bounds, and records that cannot be scored."""

from __future__ import annotations

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset.records import Problem
from components.dataset.source import SourceKind
from components.dataset.table_options import TableOptions
from pipeline.scoring import rows
from pipeline.scoring.plan import make_plan
from pipeline.scoring.rows import check_rows, read_chunks


@pytest.fixture
def read(tmp_path):
    """Reads a file of the given content; returns chunks and problems."""

    def read(name: str, content: bytes, output_kind: SourceKind | None = None):
        (tmp_path / name).write_bytes(content)
        plan = make_plan(
            [str(tmp_path / name)],
            tmp_path / "out",
            output_kind=output_kind,
            options=TableOptions(max_bad_records=1.0),
        )
        found = list(read_chunks(plan.files[0], plan))
        return (
            [item for item in found if not isinstance(item, Problem)],
            [item for item in found if isinstance(item, Problem)],
        )

    return read


def lines(*records) -> bytes:
    """JSON Lines."""
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


def test_chunks_follow_each_other_and_are_bounded(read, monkeypatch):
    """By rows and by bytes; nothing is lost between them."""
    monkeypatch.setattr(rows, "ROWS_PER_CHUNK", 3)
    monkeypatch.setattr(rows, "BYTES_PER_CHUNK", 10)
    texts = ["a", "b", "c", "d", "e" * 10, "f"]
    chunks, problems = read("a.jsonl", lines(*({"text": text} for text in texts)))
    assert not problems
    assert [chunk.number for chunk in chunks] == [0, 1, 2]
    assert [[text.decode() for text in chunk.texts] for chunk in chunks] == [
        ["a", "b", "c"],
        ["d", "e" * 10],
        ["f"],
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv"])
def test_an_empty_file_is_one_empty_chunk(read, name):
    """So that it gets an output."""
    (chunk,), problems = read(name, b"")
    assert (chunk.texts, chunk.rows, problems) == ([], [], [])


@pytest.mark.parametrize(
    ("name", "content", "kind", "where", "detail"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text"', "malformed_row", "a.jsonl, record 2", "not JSON"),
        ("a.jsonl", b'{"text": "x"}\n{"id": 1}', "empty_text", "a.jsonl, record 2", "blank"),
        ("a.jsonl", b'{"text": "x"}\n{"text": 1}', "malformed_row", "a.jsonl, record 2", "int"),
        (
            "a.jsonl",
            b'{"text": "x"}\n{"text":"x", "sentiment": 1}',
            "malformed_row",
            "",
            "--prefix",
        ),
        ("a.jsonl", b'{"text": "\\ud800"}', "not_utf8", "a.jsonl, record 1", "not UTF-8"),
        ("a.jsonl", b'{"text": "x", "id": "\xff"}', "malformed_row", "", "not UTF-8"),
        ("a.csv", b"id,text\n1,\xff\n", "not_utf8", "a.csv, record 1", "byte 0xff"),
        ("a.csv", b"id,text\n1,a,b\n", "malformed_row", "a.csv, record 1", "3 fields, expected 2"),
    ],
)
def test_a_bad_record_is_named_and_the_rest_is_read(read, name, content, kind, where, detail):
    """By file and place."""
    _, (problem,) = read(name, content)
    assert problem.kind == kind and not problem.fatal
    assert where in problem.where and detail in problem.detail


def test_a_table_needs_the_same_columns_in_all_records(read):
    """JSON Lines do not."""
    content = lines({"text": "x"}, {"text": "y", "stars": 3})
    assert read("a.jsonl", content)[1] == []
    _, (problem,) = read("a.jsonl", content, SourceKind.CSV)
    assert "'stars', which the first record does not have" in problem.detail


def test_a_file_that_breaks_off_is_fatal(read):
    """Half of a compressed file is no file."""
    whole = gzip.compress(lines(*({"text": f"review {n}", "hash": hash(n)} for n in range(60_000))))
    _, problems = read("a.jsonl.gz", whole[: len(whole) // 2])
    assert problems[-1].fatal and "truncated" in problems[-1].detail


def test_parquet_stays_a_table_without_its_bad_rows(tmp_path):
    """Types are kept; a blank text and one that is missing are left out."""
    table = pyarrow.table({"text": ["x", " ", None, "y"], "n": pyarrow.array([1, 2, 3, 4], "int8")})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    plan = make_plan([str(tmp_path / "a.parquet")], tmp_path / "out")
    schema, *found = read_chunks(plan.files[0], plan)
    assert schema.rows.num_rows == 0
    assert [problem.where for problem in found[:2]] == [
        "a.parquet, record 2",
        "a.parquet, record 3",
    ]
    assert found[2].texts == [b"x", b"y"]
    assert found[2].rows.to_pydict() == {"text": ["x", "y"], "n": [1, 4]}
    assert found[2].rows.schema.field("n").type == "int8"
    findings = check_rows(plan)
    assert (findings.rows, findings.problems) == ({"a.parquet": 2}, {"empty_text": 2})
    assert findings.bad_record_share == 0.5
