"""What the suffixes of files' names say of their formats."""

from __future__ import annotations

from components.dataset.source import SourceKind

SUFFIXES = {
    ".csv": SourceKind.CSV,
    ".tsv": SourceKind.TSV,
    ".jsonl": SourceKind.JSON_LINES,
    ".ndjson": SourceKind.JSON_LINES,
    ".json": SourceKind.JSON_LINES,
    ".parquet": SourceKind.PARQUET,
}
# Suffixes that say "text", but not which format: the content tells.
TEXT_SUFFIXES = ("", ".txt", ".tab", ".psv", ".dat", ".data", ".text")
