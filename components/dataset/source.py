"""Where reviews come from: a plain description that travels as JSON into ReviewExampleGen."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from components import features


class SourceKind(str, Enum):
    """How the files of a source are read."""

    IMDB_ARCHIVE = "imdb_archive"
    IMDB_DIRECTORY = "imdb_directory"
    SAMPLE = "sample"
    CSV = "csv"
    TSV = "tsv"
    JSON_LINES = "jsonl"
    JSON = "json"
    PARQUET = "parquet"
    TEXT_FOLDER = "text_folder"


FORMAT_NAMES = {
    SourceKind.CSV: "CSV",
    SourceKind.TSV: "TSV",
    SourceKind.JSON_LINES: "JSON Lines",
    SourceKind.JSON: "JSON",
    SourceKind.PARQUET: "Parquet",
    SourceKind.TEXT_FOLDER: "texts, one a file",
}


class Compression(str, Enum):
    """How a whole file is packed."""

    NONE = ""
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZIP = "zip"


class Quoting(str, Enum):
    """What a quotation mark means in a table of text."""

    DOUBLED = "doubled"
    BACKSLASH = "backslash"
    NONE = "none"


@dataclass(frozen=True)
class TableFormat:
    """How one table is written: found once, so that every reader reads it in the same way.

    Attributes:
      kind: CSV and TSV for rows of fields, whatever the delimiter; JSON_LINES for an object a
        line; JSON for one array of objects, or objects over several lines; PARQUET; TEXT_FOLDER
        for a folder of texts.
      compression: How the file is packed, whatever its name says.
      encoding: Name of a codec of Python's.
      delimiter: The character between two fields; "" when a line is one field.
      quoting: DOUBLED: a quoted field may hold delimiters and line breaks, and a quotation mark in
        it is written twice; BACKSLASH: or behind a backslash; NONE: it is a character like any.
      skips_blanks: Whether blanks behind a delimiter, and between a closing quote and the next
        delimiter, are no part of the field.
      has_header: Whether the first row names the columns; they have numbers from 1 otherwise.
      skipped_lines: Lines before the first row.
      ends_at_carriage_return: Whether CR alone ends a line.
      wrapper: The name in one JSON object under which the array of all records is, or "".
    """

    kind: SourceKind
    compression: Compression = Compression.NONE
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    quoting: Quoting = Quoting.DOUBLED
    skips_blanks: bool = False
    has_header: bool = True
    skipped_lines: int = 0
    ends_at_carriage_return: bool = False
    wrapper: str = ""

    @classmethod
    def usual(cls, kind: SourceKind) -> TableFormat:
        """Returns how a table of a kind is usually written."""
        return cls(kind, delimiter="\t" if kind is SourceKind.TSV else ",")

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> TableFormat:
        """Returns what `asdict` took apart."""
        enums = {"kind": SourceKind, "compression": Compression, "quoting": Quoting}
        return cls(**{name: enums.get(name, _as_is)(value) for name, value in fields.items()})


def _as_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class SourceFile:
    """One file (or, for IMDB_DIRECTORY and TEXT_FOLDER, one folder) to read.

    Attributes:
      path: Absolute path.
      split: "train", "eval" or "test" when the file's or folder's name says so, else "".
      format: How it is written, for tables.
    """

    path: str
    split: str = ""
    format: TableFormat | None = None

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> SourceFile:
        """Returns what `asdict` took apart."""
        found = fields.get("format")
        return cls(**{**fields, "format": TableFormat.from_dict(found) if found else None})


@dataclass(frozen=True)
class ReviewSource:
    """Everything that a reader needs to know, resolved and checked at the edge.

    `resolve_source` returns one; ReviewExampleGen takes it.

    >>> from components import ReviewSource, resolve_source
    >>> source = resolve_source("sample")
    >>> ReviewSource.from_json(source.to_json()) == source
    True

    Attributes:
      kind: How the files are read.
      name: Short name for people and for default pipeline names: "imdb", "sample", or that of
        the file or its folder in snake case.
      files: What to read; empty for the sample.
      digest: Content digest of all files. It takes the place of the files in the cache's key:
        the same content is not read twice, and changed content is never missed.
      text_column: Column of the text (tables only).
      label_column: Column of the label (tables only).
      split_column: Column that says "train", "validation" or "test"; "" when the tables have
        none.
      classes: Names of the classes, 2 to 1,000 different ones; a class's place is its label.
      label_classes: Pairs of a label as it is spelt and the name of its class; see
        `labels.LabelLookup`. Empty for the usual spellings of negative and positive.
      leaves_out: Whether the user named the classes: other labels are then left out, and are bad
        records otherwise.
      origin: What distinguishes this data set from others of the same name: the absolute path of
        the file or folder that it is named after, or "imdb".
      has_eval: Whether the data set's authors drew an eval split.
      carves_test: Whether test is taken out of train by a hash of the text, because there are
        splits and none for testing.
      class_names: What the numbers 0, 1, ... in the label column stand for; empty if they
        stand for themselves.
      slice_by: Slices that the user asked for: each by one column or by two together.
    """

    kind: SourceKind
    name: str
    files: tuple[SourceFile, ...]
    digest: str
    text_column: str = "text"
    label_column: str = "label"
    split_column: str = ""
    classes: tuple[str, ...] = features.CLASSES
    label_classes: tuple[tuple[str, str], ...] = ()
    leaves_out: bool = False
    origin: str = ""
    has_eval: bool = False
    carves_test: bool = False
    class_names: tuple[str, ...] = ()
    slice_by: tuple[tuple[str, ...], ...] = ()

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Returns the columns of all slices, each once."""
        return tuple(dict.fromkeys(column for columns in self.slice_by for column in columns))

    def to_json(self) -> str:
        """Returns a JSON object with sorted keys: equal sources give equal text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ReviewSource:
        """Reads what `to_json` wrote."""
        fields = json.loads(text)
        fields["kind"] = SourceKind(fields["kind"])
        fields["files"] = tuple(SourceFile.from_dict(file) for file in fields["files"])
        for name in ("classes", "class_names"):
            fields[name] = tuple(fields[name])
        for name in ("label_classes", "slice_by"):
            fields[name] = tuple(map(tuple, fields[name]))
        return cls(**fields)
