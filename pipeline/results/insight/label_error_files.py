"""The list of doubted labels as files: CSV for a spreadsheet, Parquet with the texts unchanged."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from components.storage import files
from components.storage.place import Place
from pipeline.results.insight.label_errors import DoubtedLabel

COLUMNS = ("review_id", "split", "label", "suggested_label", "probability", "text")
# Excel's cells hold 32,767 characters.
_MOST_CHARACTERS = 32_000
# What a spreadsheet takes for the beginning of a formula, full-width forms among them (OWASP, CSV
# Injection).
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Control characters but for tabs and ends of lines: a terminal would obey them.
_CONTROL = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r"}


def write_csv(path: Place, doubted: Sequence[DoubtedLabel], classes: Sequence[str]) -> None:
    """Writes a CSV file that a spreadsheet opens as text: no cell is a formula.

    A cell that would be one has an apostrophe in front; control characters are replaced.

    Args:
      path: The file; it is replaced whole.
      doubted: What to write, a row each.
      classes: Names of the classes, by label.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in _rows(doubted, classes):
        writer.writerow([_cell(value) for value in row])
    # With the mark by which Excel knows UTF-8.
    files.write_bytes(str(path), text.getvalue().encode("utf-8-sig"))


def write_parquet(path: Path, doubted: Sequence[DoubtedLabel], classes: Sequence[str]) -> None:
    """Writes a Parquet file of the same columns; arguments as `write_csv` has them."""
    import pyarrow as pa
    import pyarrow.parquet

    schema = pa.schema(
        [(name, pa.float64() if name == "probability" else pa.string()) for name in COLUMNS]
    )
    columns = [*zip(*_rows(doubted, classes), strict=True)] or [()] * len(COLUMNS)
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )
    unfinished = path.with_name(f".{path.name}.unfinished")
    pyarrow.parquet.write_table(table, unfinished)
    os.replace(unfinished, path)


def _rows(
    doubted: Sequence[DoubtedLabel], classes: Sequence[str]
) -> list[tuple[str, str, str, str, float, str]]:
    return [
        (
            each.review_id,
            each.split,
            classes[each.label],
            classes[each.suggested],
            each.probability,
            each.text,
        )
        for each in doubted
    ]


def _cell(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    text = value.translate(_CONTROL)[:_MOST_CHARACTERS]
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
