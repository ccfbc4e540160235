"""Which files are scored, and what becomes of each: checked before anything heavy starts."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from components.dataset import tables
from components.dataset.resolve import readable_columns
from components.dataset.source import SourceKind
from components.errors import ConfigurationError, DatasetError, did_you_mean

SUFFIX_OF = {
    SourceKind.CSV: ".csv",
    SourceKind.TSV: ".tsv",
    SourceKind.JSON_LINES: ".jsonl",
    SourceKind.PARQUET: ".parquet",
}


class AddedColumns(NamedTuple):
    """Names of the columns that scoring adds, in their order.

    Attributes:
      probability: That the review is positive, 0 to 1.
      sentiment: "positive" or "negative".
      model_version: The version that answered, a number; empty if its folder is named otherwise.
    """

    probability: str
    sentiment: str
    model_version: str

    @classmethod
    def with_prefix(cls, prefix: str) -> AddedColumns:
        """Returns the fields' own names behind `prefix`."""
        return cls(*(f"{prefix}{name}" for name in cls._fields))


@dataclass(frozen=True)
class ScoringFile:
    """One file to score.

    Attributes:
      path: Absolute path.
      kind: Its format.
      columns: Its columns, in their order: the header's, or the first record's.
      output: Name of the file that is written.
      output_kind: The format of that.
    """

    path: str
    kind: SourceKind
    columns: tuple[str, ...]
    output: str
    output_kind: SourceKind


@dataclass(frozen=True)
class ScoringPlan:
    """What is scored.

    Attributes:
      files: Each has an output of its own.
      text_column: Column of the text.
      added: The columns that are added.
    """

    files: tuple[ScoringFile, ...]
    text_column: str
    added: AddedColumns


def make_plan(
    inputs: Iterable[str],
    output: Path,
    *,
    text_column: str = "text",
    output_kind: SourceKind | None = None,
    prefix: str = "",
    overwrite: bool = False,
) -> ScoringPlan:
    """Finds the files and checks what can be checked at once.

    Args:
      inputs: Paths and globs.
      output: The folder that is written to; it need not be there yet.
      text_column: Column of the text.
      output_kind: Format of all outputs; None keeps each file's own.
      prefix: What the added columns' names begin with.
      overwrite: Whether files that are there already may be replaced.

    Raises:
      DatasetError: A file cannot be found or read, or lacks the text.
      ConfigurationError: An output cannot be written as asked.
    """
    added = AddedColumns.with_prefix(prefix)
    files = tuple(
        _file(path, output_kind, text_column, added) for path in dict.fromkeys(_matches(inputs))
    )
    _check_outputs(files, output, overwrite)
    return ScoringPlan(files, text_column, added)


def refuse_existing(names: Iterable[str], output: Path) -> None:
    """Refuses to replace what is there.

    Raises:
      ConfigurationError: Names the first few files.
    """
    there = [name for name in names if (output / name).exists()]
    if there:
        more = f" and {len(there) - 3:,} more" if len(there) > 3 else ""
        raise ConfigurationError(
            f"{output} has {', '.join(there[:3])}{more} already. Choose another --output, or "
            "replace them by --overwrite."
        )


def _matches(inputs: Iterable[str]) -> Iterable[Path]:
    for part in inputs:
        matches = [part] if Path(part).exists() else sorted(glob.glob(part, recursive=True))
        if not matches:
            folder = Path(part).parent
            near = [str(folder / path.name) for path in folder.iterdir()] if folder.is_dir() else []
            raise DatasetError(
                f"--input '{part}': there is no such file, and none that the pattern fits."
                f"{did_you_mean(part, near)} Quote a pattern: --input 'reviews-*.jsonl'."
            )
        for match in matches:
            if Path(match).is_dir():
                raise DatasetError(
                    f"--input '{match}' is a folder; expected files, e.g. '{match}/*.jsonl'."
                )
            yield Path(match).absolute()


def _file(
    path: Path, output_kind: SourceKind | None, text_column: str, added: AddedColumns
) -> ScoringFile:
    kind = tables.kind_of(path)
    if kind is None:
        raise DatasetError(
            f"{path.name}: unknown format. Expected {', '.join(tables.SUFFIXES)}, text formats "
            "also with .gz."
        )
    columns = readable_columns(path, kind)
    _check_columns(path.name, columns, text_column, added)
    output_kind = output_kind or kind
    output = path.name if output_kind is kind else f"{_stem(path)}{SUFFIX_OF[output_kind]}"
    return ScoringFile(str(path), kind, tuple(columns), output, output_kind)


def _stem(path: Path) -> str:
    """Returns the name without the format's suffix, and without .gz."""
    return Path(path.stem).stem if path.suffix.lower() == ".gz" else path.stem


def _check_columns(
    name: str, columns: Sequence[str], text_column: str, added: AddedColumns
) -> None:
    # A file without a byte in it has no columns, and no row that would miss one.
    if columns and text_column not in columns:
        raise DatasetError(
            f"{name} has no column '{text_column}'. Its columns are: {', '.join(columns)}."
            f"{did_you_mean(text_column, columns)} Name it with --text-column."
        )
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise DatasetError(f"{name} has two columns '{twice[0]}'. Give each a name of its own.")
    clash = [column for column in added if column in columns]
    if clash:
        raise ConfigurationError(
            f"{name} has a column '{clash[0]}' already, which scoring would add. Rename it, or "
            f"give the new ones other names: --prefix predicted_ adds 'predicted_{clash[0]}'."
        )


def _check_outputs(files: Sequence[ScoringFile], output: Path, overwrite: bool) -> None:
    by_output: dict[str, str] = {}
    for file in files:
        other = by_output.setdefault(file.output, file.path)
        if other != file.path:
            raise ConfigurationError(
                f"{other} and {file.path} would both become {file.output}. Score them in separate "
                "runs with an --output each."
            )
    sources = {Path(file.path).resolve() for file in files}
    for file in files:
        target = output / file.output
        if target.resolve() in sources:
            raise ConfigurationError(
                f"--output '{output}': {file.output} there is an input. Choose another folder."
            )
        if target.is_dir():
            raise ConfigurationError(
                f"--output '{output}': {file.output} there is a folder. Choose another --output."
            )
    if not overwrite:
        refuse_existing(by_output, output)
