"""Reads the reviews to ask about: JSON Lines, CSV, plain lines, standard input."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from components.errors import ConfigurationError, did_you_mean

SUFFIXES = (".jsonl", ".csv", ".txt")


def read_texts(file: str, column: str) -> list[str]:
    """Returns the texts of a file; "-" is standard input.

    Standard input is taken for JSON Lines if it begins with "{", else for a text per line.

    Raises:
      ConfigurationError: It cannot be read, or a record has no text.
    """
    suffix = Path(file).suffix.lower()
    if file != "-" and suffix not in SUFFIXES:
        raise ConfigurationError(f"--file {file}: expected {', '.join(SUFFIXES)}, or - for stdin.")
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"--file {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"--file {file}: byte {error.start} is not UTF-8.") from error
    # Not splitlines: a review may hold other separators of lines than these.
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    if suffix == ".csv":
        return _of_csv(file, lines, column)
    if suffix == ".jsonl" or (file == "-" and text.startswith("{")):
        return _of_json_lines(file, lines, column)
    return lines


def _of_csv(file: str, lines: Iterable[str], column: str) -> list[str]:
    rows = csv.DictReader(f"{line}\n" for line in lines)
    columns = list(rows.fieldnames or ())
    if column not in columns:
        raise ConfigurationError(
            f"--file {file} has no column '{column}'.{did_you_mean(column, columns)} Columns: "
            f"{', '.join(columns) or 'none'}; choose one by --text-column."
        )
    return [row[column] or "" for row in rows]


def _of_json_lines(file: str, lines: Iterable[str], column: str) -> list[str]:
    texts = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ConfigurationError(f"--file {file}, line {number}: {error}.") from error
        text = record.get(column) if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise ConfigurationError(
                f"--file {file}, line {number}: expected an object with a string '{column}'; "
                "--text-column names another field."
            )
        texts.append(text)
    return texts
