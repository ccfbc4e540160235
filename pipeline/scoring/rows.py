"""Reads files to score in chunks: a file of any size takes the memory of a few chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import pyarrow

from components.dataset.nested import value_at
from components.dataset.parquet_records import open_parquet, values_of
from components.dataset.records import MalformedRecord, Problem, encoded, problem_of_text
from components.dataset.source import SourceKind
from components.dataset.tables import UNREADABLE, read_records, unreadable, with_way_out
from components.storage.place import Place, place_of
from pipeline.scoring.plan import ScoringFile, ScoringPlan

ROWS_PER_CHUNK = 1_024
# Of texts: a chunk of long ones is closed before it has all its rows.
BYTES_PER_CHUNK = 16 << 20

DESCRIBED_PROBLEMS = 5

Rows: TypeAlias = list[dict[str, Any]] | pyarrow.Table


class Chunk(NamedTuple):
    """Rows of a file that follow each other.

    Attributes:
      file: The file.
      number: Place of the chunk in the file, from 0.
      texts: UTF-8 bytes, one a row, none of them blank.
      rows: All columns: a table from Parquet to Parquet, where no value may change its type;
        else values by column.
    """

    file: ScoringFile
    number: int
    texts: list[bytes]
    rows: Rows


@dataclass
class Findings:
    """What is in the files, before any of it is scored.

    Attributes:
      rows: Rows that can be scored, by output.
      problems: Records that cannot, by kind.
      problem_examples: The first few of each kind, "where: detail".
      fatal: Problems after which a file could not be read further.
    """

    rows: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    problem_examples: dict[str, list[str]] = field(default_factory=dict)
    fatal: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Returns the number of rows that can be scored."""
        return sum(self.rows.values())

    @property
    def bad_record_share(self) -> float:
        """Returns the share, 0 to 1, of records that cannot be scored."""
        bad = sum(self.problems.values())
        return bad / (bad + self.total) if bad else 0.0

    def add(self, problem: Problem) -> None:
        """Counts a problem."""
        described = f"{problem.where}: {problem.detail}"
        if problem.fatal:
            self.fatal.append(described)
            return
        self.problems[problem.kind] = self.problems.get(problem.kind, 0) + 1
        examples = self.problem_examples.setdefault(problem.kind, [])
        if len(examples) < DESCRIBED_PROBLEMS:
            examples.append(described)


def check_rows(plan: ScoringPlan) -> Findings:
    """Reads everything once before it is scored: that takes little time compared with the model."""
    findings = Findings()
    for file in plan.files:
        findings.rows[file.output] = 0
        for found in read_chunks(file, plan):
            if isinstance(found, Problem):
                findings.add(found)
            else:
                findings.rows[file.output] += len(found.texts)
    return findings


def read_chunks(file: ScoringFile, plan: ScoringPlan) -> Iterator[Chunk | Problem]:
    """Yields the file's rows in their order, and the problems in between.

    A file without rows has one empty chunk. A file that breaks off ends with a fatal Problem.
    """
    read = _tables if file.kind is file.output_kind is SourceKind.PARQUET else _records
    number = 0
    try:
        for found in read(file, plan):
            if isinstance(found, Problem):
                yield found
                continue
            yield Chunk(file, number, *found)
            number += 1
    except UNREADABLE as error:
        yield unreadable(place_of(file.path), error)


def _records(
    file: ScoringFile, plan: ScoringPlan
) -> Iterator[tuple[list[bytes], list[dict[str, Any]]] | Problem]:
    """Yields texts and rows of each chunk."""
    path = place_of(file.path)
    texts: list[bytes] = []
    rows: list[dict[str, Any]] = []
    size = 0
    is_empty = True
    for number, record in enumerate(read_records(path, file.format, file.columns), start=1):
        row = _row_or_problem(record, file, plan, f"{path.name}, record {number}")
        if isinstance(row, Problem):
            yield row
            continue
        text = encoded(value_at(row, plan.text_column))
        texts.append(text)
        rows.append(row)
        size += len(text)
        if len(rows) == ROWS_PER_CHUNK or size >= BYTES_PER_CHUNK:
            yield texts, rows
            texts, rows, size, is_empty = [], [], 0, False
    if rows or is_empty:
        yield texts, rows


def _row_or_problem(
    record: Mapping[str, Any] | MalformedRecord, file: ScoringFile, plan: ScoringPlan, where: str
) -> dict[str, Any] | Problem:
    """Returns a row with a text that can be scored and values that can be written."""
    if isinstance(record, MalformedRecord):
        return Problem("malformed_row", where, record.detail, fatal=record.is_last)
    row = {
        column: value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        for column, value in record.items()
    }
    text = value_at(row, plan.text_column)
    if not isinstance(text, str | None):
        detail = f"the text is of type {type(text).__name__}, expected a string"
        return Problem("malformed_row", where, detail, fatal=False)
    problem = problem_of_text(encoded(text or ""), where)
    if problem:
        return with_way_out(problem, file.format)
    detail = _unwritable(row, file, plan)
    return Problem("malformed_row", where, detail, fatal=False) if detail else row


def _unwritable(row: dict[str, Any], file: ScoringFile, plan: ScoringPlan) -> str:
    """Says why a row cannot be written, or returns an empty string."""
    if not row.keys() <= set(file.columns):
        clash = [column for column in plan.added.names if column in row]
        if clash:
            return f"it has '{clash[0]}' already, which scoring would add (--prefix renames it)"
        if file.output_kind not in (SourceKind.JSON_LINES, SourceKind.JSON):
            column = next(iter(row.keys() - set(file.columns)))
            return (
                f"it has '{column}', which the first record does not have; "
                f"{file.output_kind.value} needs the same columns in all "
                "records (--format jsonl does not)"
            )
    try:
        json.dumps(row, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return "a column holds bytes that are not UTF-8"
    return ""


def _tables(
    file: ScoringFile, plan: ScoringPlan
) -> Iterator[tuple[list[bytes], pyarrow.Table] | Problem]:
    """Yields texts and rows of each chunk, as Parquet's own types; the first holds no row."""
    path = place_of(file.path)
    with open_parquet(path) as parquet:
        yield [], parquet.schema_arrow.empty_table()
        start = 1
        for batch in parquet.iter_batches(ROWS_PER_CHUNK):
            yield from _checked(pyarrow.Table.from_batches([batch]), path, plan, start)
            start += batch.num_rows


def _checked(
    table: pyarrow.Table, path: Place, plan: ScoringPlan, start: int
) -> Iterator[tuple[list[bytes], pyarrow.Table] | Problem]:
    """Yields the problems of a table, and then what is left of it."""
    values = values_of(table, plan.text_column)
    problems = [
        _problem_of_value(value, f"{path.name}, record {number}")
        for number, value in enumerate(values, start)
    ]
    yield from filter(None, problems)
    if any(problems):
        table = table.filter(pyarrow.array([problem is None for problem in problems]))
    texts = [value for value, problem in zip(values, problems, strict=True) if problem is None]
    yield texts, table


def _problem_of_value(value: Any, where: str) -> Problem | None:
    if not isinstance(value, bytes | None):
        detail = f"the text is of type {type(value).__name__}, expected a string"
        return Problem("malformed_row", where, detail, fatal=False)
    return problem_of_text(value or b"", where)
