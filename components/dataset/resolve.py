"""From what a person writes after --data to a ReviewSource that is known to be readable."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from components import features
from components.dataset import imdb, sample
from components.dataset.archive import labelled_folders
from components.dataset.compressed import SUFFIXES as COMPRESSIONS
from components.dataset.detect import (
    SUFFIXES,
    TEXT_SUFFIXES,
    detect,
    kind_of,
)
from components.dataset.detected_table import DetectedTable, missing_column, notices
from components.dataset.records import printable
from components.dataset.source import ReviewSource, SourceFile, SourceKind
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.errors import DatasetError, DownloadError, did_you_mean

AUTO, IMDB, SAMPLE = "auto", "imdb", "sample"
SPLIT_COLUMN = "split"

_ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz")
_SPLIT_NAME = re.compile(rf"({features.TRAIN_SPLIT}|{features.TEST_SPLIT})(?![a-z])", re.IGNORECASE)
_BLOCK = 1 << 20
# Formats that are told apart by each file for itself.
_FAMILY = {SourceKind.JSON: SourceKind.JSON_LINES}


def resolve_source(
    data: str,
    *,
    imdb_archive: str | None,
    cache_dir: Path,
    text_column: str = "text",
    label_column: str = "label",
    positive_label: str = "",
    negative_label: str = "",
    options: TableOptions = FOUND_BY_CONTENT,
    notify: Callable[[str], None] = lambda _: None,
) -> ReviewSource:
    """Finds the data, downloads it if need be, and checks what can be checked at once.

    Args:
      data: "auto", "imdb", "sample", or paths: see `PipelineConfig.data`.
      imdb_archive: IMDB's archive, when the user has it somewhere.
      cache_dir: Where a downloaded archive is kept.
      text_column: Column of the text, for tables.
      label_column: Column of the label, for tables.
      positive_label: The label that means positive, for tables.
      negative_label: The label that means negative, for tables.
      options: How tables are written, as far as the user says so.
      notify: Called with a sentence that the user must not miss.

    Raises:
      DatasetError: The data cannot be found, or is not what it should be.
    """
    if data == SAMPLE:
        return _sample_source()
    if data == IMDB:
        return _imdb_source(imdb.find_or_download(imdb_archive, cache_dir))
    if data == AUTO:
        try:
            return _imdb_source(imdb.find_or_download(imdb_archive, cache_dir))
        except DownloadError as error:
            notify(
                f"THIS RUN USES THE GENERATED SAMPLE, NOT THE REAL REVIEWS. {error} "
                f"The sample's model is named {SAMPLE}_... and never takes a real one's place."
            )
            return _sample_source()
    paths = _expand(data)
    if len(paths) == 1 and paths[0].is_dir() and labelled_folders(paths[0]):
        folders = labelled_folders(paths[0])
        return ReviewSource(
            kind=SourceKind.IMDB_DIRECTORY,
            name=_name_of(paths[0]),
            files=tuple(SourceFile(str(folder), folder.parent.name) for folder in folders),
            digest=_digest(file for folder in folders for file in sorted(folder.iterdir())),
        )
    if len(paths) == 1 and paths[0].name.endswith(_ARCHIVE_SUFFIXES):
        return ReviewSource(
            kind=SourceKind.IMDB_ARCHIVE,
            name=_name_of(paths[0]),
            files=(SourceFile(str(paths[0])),),
            digest=_digest(paths),
        )
    return _table_source(
        _tables_in(paths),
        text_column,
        label_column,
        positive_label,
        negative_label,
        options,
        notify,
    )


def _sample_source() -> ReviewSource:
    return ReviewSource(SourceKind.SAMPLE, SAMPLE, (), digest=sample.SAMPLE_VERSION)


def _imdb_source(archive: imdb.VerifiedArchive) -> ReviewSource:
    return ReviewSource(
        SourceKind.IMDB_ARCHIVE, IMDB, (SourceFile(str(archive.path)),), digest=archive.sha256
    )


def _expand(data: str) -> list[Path]:
    """Returns the existing paths that the argument names; commas and globs name several."""
    if Path(data).exists():
        return [Path(data).absolute()]
    paths: list[Path] = []
    for part in data.split(","):
        matches = [part] if Path(part).exists() else sorted(glob.glob(part, recursive=True))
        if not matches:
            raise DatasetError(
                f"--data '{data}': there is no file or folder '{part}'. Expected auto, imdb, "
                f"sample or a path.{did_you_mean(part, (AUTO, IMDB, SAMPLE, *_neighbours(part)))}"
            )
        paths += [Path(match).absolute() for match in matches]
    return list(dict.fromkeys(paths))


def _neighbours(part: str) -> list[str]:
    folder = Path(part).parent
    return [str(folder / path.name) for path in folder.iterdir()] if folder.is_dir() else []


def _tables_in(paths: Iterable[Path]) -> list[Path]:
    """Returns the tables among files and in folders."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if kind_of(file) and file.is_file()]
            if not inside:
                raise DatasetError(
                    f"The folder {path} holds no reviews: expected {features.TRAIN_SPLIT}/pos, "
                    f"{features.TRAIN_SPLIT}/neg, {features.TEST_SPLIT}/pos and "
                    f"{features.TEST_SPLIT}/neg with files such as 123_8.txt, or tables "
                    f"({', '.join(SUFFIXES)})."
                )
            found += inside
        else:
            found.append(path)
    return found


def _table_source(
    paths: list[Path],
    text_column: str,
    label_column: str,
    positive_label: str,
    negative_label: str,
    options: TableOptions,
    notify: Callable[[str], None],
) -> ReviewSource:
    tables = [look_at(path, options) for path in paths]
    kinds = [table.format.kind for table in tables]
    if len({_FAMILY.get(kind, kind) for kind in kinds}) > 1:
        listed = ", ".join(path.name for path in paths[:5])
        raise DatasetError(f"The files are of several formats ({listed}). Give files of one.")
    for path, table in zip(paths, tables, strict=True):
        _check_columns(path, table, text_column, label_column)
    named_tables = [(printable(path.name), t) for path, t in zip(paths, tables, strict=True)]
    for line in notices(named_tables):
        notify(line)
    columns = [table.columns for table in tables]
    with_split = [SPLIT_COLUMN in names for names in columns]
    has_split_column = all(with_split)
    if any(with_split) and not has_split_column:
        without = paths[with_split.index(False)].name
        raise DatasetError(
            f"{without} has no column '{SPLIT_COLUMN}', and other files have one. Give it to all "
            "files or to none."
        )
    splits = _splits_named(paths)
    if not has_split_column and any(splits) and not all(splits):
        unnamed = paths[splits.index("")].name
        raise DatasetError(
            f"{unnamed} is named for no split, and other files are named "
            f"{features.TRAIN_SPLIT} or {features.TEST_SPLIT}. Name all files so, or none."
        )
    # train.csv alone names no split that could be tested on: it is split like any other file.
    keeps_splits = not has_split_column and len(set(splits)) > 1
    _check_records(named_tables, splits if keeps_splits else [""] * len(splits), notify)
    return ReviewSource(
        kind=kinds[0],
        name=_name_of(paths[0]),
        files=tuple(
            SourceFile(str(path), split if keeps_splits else "", table.format)
            for path, split, table in zip(paths, splits, tables, strict=True)
        ),
        digest=_digest(paths),
        text_column=text_column,
        label_column=label_column,
        split_column=SPLIT_COLUMN if has_split_column else "",
        positive_label=positive_label,
        negative_label=negative_label,
    )


def look_at(path: Path, options: TableOptions) -> DetectedTable:
    """Returns how a table is written.

    Raises:
      DatasetError: Its name is that of no format and its content is none either, or it cannot be
        read.
    """
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        suffix = Path(path.stem).suffix.lower()
    if kind_of(path) is None and suffix not in TEXT_SUFFIXES:
        try:
            table = detect(path, options)
        except DatasetError as error:
            if " is no table: " in str(error):
                raise
            raise _unknown_format(path) from error
        if table.format.kind in (SourceKind.PARQUET, SourceKind.JSON, SourceKind.JSON_LINES):
            return table
        raise _unknown_format(path)
    return detect(path, options)


def _unknown_format(path: Path) -> DatasetError:
    return DatasetError(
        f"{printable(path.name)}: unknown format. Expected {', '.join(SUFFIXES)}, text formats "
        f"also with {', '.join(COMPRESSIONS)}, or an archive ({', '.join(_ARCHIVE_SUFFIXES)}) "
        "laid out as IMDB's."
    )


def _check_columns(path: Path, table: DetectedTable, text_column: str, label_column: str) -> None:
    name = printable(path.name)
    if not table.columns:
        raise DatasetError(f"{name} is empty: expected columns {text_column}, {label_column}.")
    for column, flag in ((text_column, "--text-column"), (label_column, "--label-column")):
        if column not in table.columns:
            raise DatasetError(missing_column(table, name, column, flag, "--label-column"))


def _check_records(
    tables: list[tuple[str, DetectedTable]], splits: list[str], notify: Callable[[str], None]
) -> None:
    """Refuses tables without any record, and splits; tells of those that are such among others."""
    empty = [name for name, table in tables if not table.has_records]
    if not empty:
        return
    listed = f"{empty[0]} has" if len(empty) == 1 else f"{', '.join(empty[:3])} have"
    if len(empty) > 3:
        listed = f"{len(empty):,} files, {empty[0]} among them, have"
    for split in sorted(set(splits)):
        of_split = [table for (_, table), own in zip(tables, splits, strict=True) if own == split]
        if not any(table.has_records for table in of_split):
            purpose = f"to {split} on" if split else "with reviews in it"
            raise DatasetError(f"{listed} columns and no records. Give a table {purpose}.")
    notify(f"{listed} columns and no records")


def _splits_named(paths: list[Path]) -> list[str]:
    """Returns for each file the split that its name, or a folder's, begins with, or "".

    Only folders below the one that all files share tell files apart.
    """
    shared = os.path.commonpath([path.parent for path in paths])
    splits = []
    for path in paths:
        names = reversed(path.relative_to(shared).parts)
        matches = (_SPLIT_NAME.match(name) for name in names)
        splits.append(next((match[1].lower() for match in matches if match), ""))
    return splits


def _name_of(path: Path) -> str:
    """Returns a name in snake case: "My Reviews.csv.gz" gives "my_reviews"."""
    stem = path.name.split(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_") or "reviews"


def _digest(files: Iterable[Path]) -> str:
    """Returns the SHA-256 of names and contents."""
    digest = hashlib.sha256()
    for file in files:
        if not file.is_file():
            continue
        name = f"{file.parent.name}/{file.name}"
        digest.update(os.fsencode(f"{name}\0{file.stat().st_size}\0"))
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
