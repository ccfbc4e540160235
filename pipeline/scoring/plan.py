"""Which files are scored, and what becomes of each: checked before anything heavy starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.dataset.columns import DEFAULT_TEXT, choose_text_column, objection_to_column
from components.dataset.compressed import compression_named
from components.dataset.detected_table import (
    DetectedTable,
    notices,
)
from components.dataset.look_at import look_at
from components.dataset.places import inside, matching
from components.dataset.records import printable
from components.dataset.source import Compression, Quoting, SourceKind, TableFormat
from components.dataset.stores import check_store, errors_of_stores
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.errors import ConfigurationError, DatasetError, did_you_mean
from components.storage.place import Place, place_of
from pipeline.scoring.columns import names_of_columns
from serving.model_cards import DEFAULT_CLASSES

SUFFIX_OF = {
    SourceKind.CSV: ".csv",
    SourceKind.TSV: ".tsv",
    SourceKind.JSON_LINES: ".jsonl",
    SourceKind.JSON: ".json",
    SourceKind.PARQUET: ".parquet",
}


@dataclass(frozen=True)
class AddedColumns:
    """The columns that scoring adds.

    Attributes:
      names: In their order: the probability, the name of the class (`sentiment` or `label`), the
        version that answered (a number; empty if its folder is named otherwise), and the
        probability of each of `scored`.
      has_two_classes: Whether the probability is that of the second class; else it is that of the
        class that is named.
      scored: Classes whose probabilities are asked for.
    """

    names: tuple[str, ...]
    has_two_classes: bool = True
    scored: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, classes: Sequence[str], prefix: str = "", *, with_scores: bool = False
    ) -> AddedColumns:
        """Returns the columns for a model of some classes, each named behind `prefix`."""
        has_two_classes = len(classes) == 2
        scored = tuple(classes) if with_scores else ()
        names = names_of_columns(has_two_classes=has_two_classes, scored=scored)
        return cls(tuple(f"{prefix}{name}" for name in names), has_two_classes, scored)


@dataclass(frozen=True)
class ScoringFile:
    """One file to score.

    Attributes:
      path: Absolute path.
      format: How it is written.
      columns: Its columns, in their order: the header's, or the first record's.
      output: Name of the file that is written.
      output_kind: The format of that.
    """

    path: str
    format: TableFormat
    columns: tuple[str, ...]
    output: str
    output_kind: SourceKind

    @property
    def kind(self) -> SourceKind:
        """Returns its format's kind."""
        return self.format.kind

    @property
    def output_format(self) -> TableFormat:
        """Returns how the output is written: as the file is, but for quotes and encoding."""
        if self.output_kind is self.kind:
            return self.format
        return TableFormat.usual(self.output_kind)


@dataclass(frozen=True)
class ScoringPlan:
    """What is scored.

    Attributes:
      files: Each has an output of its own.
      text_column: Column of the text.
      added: The columns that are added.
      notices: What was found about files that their names do not say.
    """

    files: tuple[ScoringFile, ...]
    text_column: str
    added: AddedColumns
    notices: tuple[str, ...] = ()


@errors_of_stores()
def make_plan(
    inputs: Iterable[str],
    output: Place,
    *,
    text_column: str = "",
    output_kind: SourceKind | None = None,
    prefix: str = "",
    classes: Sequence[str] = DEFAULT_CLASSES,
    with_scores: bool = False,
    overwrite: bool = False,
    options: TableOptions = FOUND_BY_CONTENT,
) -> ScoringPlan:
    """Finds the files and checks what can be checked at once.

    Args:
      inputs: Paths and globs.
      output: The folder that is written to; it need not be there yet.
      text_column: Column of the text; "" finds it, see `columns.choose_text_column`.
      output_kind: Format of all outputs; None keeps each file's own.
      prefix: What the added columns' names begin with.
      classes: Of the model.
      with_scores: Whether the probability of each class is added.
      overwrite: Whether files that are there already may be replaced.
      options: How the files are written, as far as the user says so.

    Raises:
      DatasetError: A file cannot be found or read, or lacks the text.
      ConfigurationError: An output cannot be written as asked.
    """
    _check_store_of(output)
    added = AddedColumns.of(classes, prefix, with_scores=with_scores)
    needed = (text_column or DEFAULT_TEXT,)
    tables = {path: look_at(path, options, needed) for path in dict.fromkeys(_matches(inputs))}
    told: list[str] = []
    text_column = choose_text_column(tables.values(), text_column, told.append)
    files = tuple(
        _file(path, table, output_kind, text_column, added) for path, table in tables.items()
    )
    _check_outputs(files, output, overwrite)
    _check_names(files, classes)
    told += notices((printable(path.name), table) for path, table in tables.items())
    empty = [printable(path.name) for path, table in tables.items() if not table.has_records]
    if empty:
        more = f" and {len(empty) - 1:,} more" if len(empty) > 1 else ""
        told.append(f"{empty[0]}{more}: no records")
    return ScoringPlan(files, text_column, added, tuple(told))


def _check_store_of(output: Place) -> None:
    try:
        check_store(str(output))
    except DatasetError as error:
        raise ConfigurationError(f"--output: {error}") from error


def refuse_existing(names: Iterable[str], output: Place) -> None:
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


def _matches(inputs: Iterable[str]) -> Iterable[Place]:
    for part in inputs:
        check_store(part)
        matches = matching(part)
        if not matches:
            folder = place_of(part).parent
            near = [str(path) for path in inside(folder)] if folder.is_dir() else []
            raise DatasetError(
                f"--input '{part}': there is no such file, and none that matches the pattern."
                f"{did_you_mean(part, near)} Quote a pattern: --input 'reviews-*.jsonl'."
            )
        for match in matches:
            if match.is_dir():
                raise DatasetError(
                    f"--input '{match}' is a folder; expected files, e.g. '{match}/*.jsonl'."
                )
            yield match.absolute()


def _file(
    path: Place,
    table: DetectedTable,
    output_kind: SourceKind | None,
    text_column: str,
    added: AddedColumns,
) -> ScoringFile:
    _check_columns(printable(path.name), table, text_column, added)
    kind = table.format.kind
    output_kind = output_kind or kind
    output = path.name
    if output_kind is not kind:
        output = f"{_stem(path)}{SUFFIX_OF[output_kind]}"
    elif compression_named(path) is Compression.ZIP:
        # An archive may hold several files; an output is one.
        inner = Path(path.stem)
        output = inner.name if inner.suffix else f"{inner.name}{SUFFIX_OF[output_kind]}"
    return ScoringFile(str(path), table.format, table.columns, output, output_kind)


def _stem(path: Place) -> str:
    """Returns the name without the format's suffix, and without that of its compression."""
    return Path(path.stem).stem if compression_named(path) else path.stem


def _check_columns(name: str, table: DetectedTable, text_column: str, added: AddedColumns) -> None:
    columns = table.columns
    # A file without a byte in it has no columns, and no row that would miss one.
    if columns and (objection := objection_to_column(table, name, text_column, "text_column")):
        raise DatasetError(objection)
    clash = [column for column in added.names if column in columns]
    if clash:
        raise ConfigurationError(
            f"{name} has a column '{clash[0]}' already, which scoring would add. Rename it, or "
            f"give the new ones other names: --prefix predicted_ adds 'predicted_{clash[0]}'."
        )


def _check_outputs(files: Sequence[ScoringFile], output: Place, overwrite: bool) -> None:
    by_output: dict[str, str] = {}
    for file in files:
        other = by_output.setdefault(file.output, file.path)
        if other != file.path:
            raise ConfigurationError(
                f"{other} and {file.path} would both become {file.output}. Score them in separate "
                "runs with an --output each."
            )
    sources = {place_of(file.path).resolve() for file in files}
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


def _check_names(files: Sequence[ScoringFile], classes: Sequence[str]) -> None:
    """Refuses names of classes that would break a table without quotes."""
    for file in files:
        form = file.output_format
        if form.quoting is not Quoting.NONE or not form.delimiter:
            continue
        breaks = [name for name in classes if not {form.delimiter, "\n", "\r"}.isdisjoint(name)]
        if breaks:
            raise ConfigurationError(
                f"{printable(place_of(file.path).name)} has no quotes, so that the name of the "
                f"class {breaks[0]!r} cannot be written into it. Choose another --format."
            )
