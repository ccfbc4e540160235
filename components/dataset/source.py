"""Where reviews come from: a plain description that travels as JSON into ReviewExampleGen."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum


class SourceKind(str, Enum):
    """How the files of a source are read."""

    IMDB_ARCHIVE = "imdb_archive"
    IMDB_DIRECTORY = "imdb_directory"
    SAMPLE = "sample"
    CSV = "csv"
    TSV = "tsv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True)
class SourceFile:
    """One file (or, for IMDB_DIRECTORY, one folder) to read.

    Attributes:
      path: Absolute path.
      split: "train" or "test" when the file's or folder's name says so, else "".
    """

    path: str
    split: str = ""


@dataclass(frozen=True)
class ReviewSource:
    """Everything that a reader needs to know, resolved and checked at the edge.

    Attributes:
      kind: How the files are read.
      name: Short name for people and for default pipeline names: "imdb", "sample", or the
        file's stem in snake case.
      files: What to read; empty for the sample.
      digest: Content digest of all files. It takes the place of the files in the cache's key:
        the same content is not read twice, and changed content is never missed.
      text_column: Column of the text (tables only).
      label_column: Column of the label (tables only).
      split_column: Column that says "train" or "test"; "" when the tables have none.
      positive_label: The label that means positive; "" for the usual spellings.
      negative_label: The label that means negative; "" for the usual spellings, or, when
        `positive_label` is given, for the one other value that occurs.
    """

    kind: SourceKind
    name: str
    files: tuple[SourceFile, ...]
    digest: str
    text_column: str = "text"
    label_column: str = "label"
    split_column: str = ""
    positive_label: str = ""
    negative_label: str = ""

    def to_json(self) -> str:
        """Returns a JSON object with sorted keys: equal sources give equal text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ReviewSource:
        """Reads what `to_json` wrote."""
        fields = json.loads(text)
        fields["kind"] = SourceKind(fields["kind"])
        fields["files"] = tuple(SourceFile(**file) for file in fields["files"])
        return cls(**fields)
