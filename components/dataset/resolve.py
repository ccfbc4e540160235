"""From the setting `data` to a ReviewSource that is known to be readable."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from components import features
from components.dataset import imdb, sample
from components.dataset.archive import labelled_folders
from components.dataset.class_names import class_names_in, names_in_force
from components.dataset.classes import with_classes
from components.dataset.detect import SUFFIXES, kind_of
from components.dataset.detected_table import (
    DetectedTable,
    column_meant,
    missing_column,
    notices,
    same_column,
)
from components.dataset.label_settings import LabelSettings
from components.dataset.layout_labels import COLUMNS, STARS
from components.dataset.look_at import ARCHIVE_SUFFIXES, look_at
from components.dataset.names import name_and_origin, name_of
from components.dataset.records import printable
from components.dataset.source import ReviewSource, SourceFile, SourceKind
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.table_splits import drawn_by_column, drawn_by_names, splits_by_name
from components.errors import DatasetError, DownloadError, as_setting, did_you_mean

AUTO, IMDB, SAMPLE = "auto", "imdb", "sample"
SPLIT_COLUMN = "split"
DEFAULT_LABEL_COLUMN = "label"

# Files that Hugging Face's `datasets` writes beside the data.
_DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
_BLOCK = 1 << 20
# Formats that count as one: each file's content tells which of them it has.
_FAMILY = {SourceKind.JSON: SourceKind.JSON_LINES}


def resolve_source(
    data: str,
    *,
    imdb_archive: str | None = None,
    cache_dir: Path | None = None,
    text_column: str = "text",
    label_column: str = "label",
    labels: str = "",
    map_labels: str = "",
    positive_label: str = "",
    negative_label: str = "",
    options: TableOptions = FOUND_BY_CONTENT,
    notify: Callable[[str], None] = lambda _: None,
) -> ReviewSource:
    """Finds the data, downloads it if need be, and checks what can be checked at once.

    >>> from components import resolve_source
    >>> resolve_source("sample").name
    'sample'

    Args:
      data: "imdb"; "sample", which is generated; "auto", which takes the sample where IMDB cannot
        be had; or a file or folder, or several of them and patterns, with commas between.
      imdb_archive: IMDB's archive, when the user has it somewhere.
      cache_dir: Where a downloaded archive is kept; by default in `~/.cache/sentiment`.
      text_column: Column of the text, for tables.
      label_column: Column of the label; of data laid out as IMDB's, "rating" for the stars.
      labels: The classes in their order, "good,bad"; where nothing is said of them, they are
        learned from train.
      map_labels: Labels and the classes that they mean, "5=good,4=good,1=bad".
      positive_label: The labels of the second of two classes; see `labels.labels_named`.
      negative_label: The labels of the first of two classes.
      options: How tables are written, as far as the user says so.
      notify: Called with a sentence that the user must not miss.

    Raises:
      DatasetError: The data cannot be found, or is not what it should be.
      DataGateError: Its labels are not those that are named, or are too many to be classes.
      ConfigurationError: What is said of labels contradicts itself.
    """
    settings = LabelSettings(labels, map_labels, positive_label, negative_label)
    cache_dir = cache_dir or Path.home() / ".cache" / "sentiment"
    laid_out, paths = _known_source(data, imdb_archive, cache_dir, notify), []
    if not laid_out:
        paths = _expand(data)
        laid_out = _labelled_source(paths[0]) if len(paths) == 1 else None
    if laid_out:
        return _with_layout_classes(laid_out, label_column, settings, notify)
    return _table_source(_tables_in(paths), text_column, label_column, settings, options, notify)


def _known_source(
    data: str, imdb_archive: str | None, cache_dir: Path, notify: Callable[[str], None]
) -> ReviewSource | None:
    """Returns IMDB or the sample; None where the data is a path."""
    if data == SAMPLE:
        return _sample_source()
    if data == IMDB:
        return _imdb_source(imdb.find_or_download(imdb_archive, cache_dir))
    if data == AUTO:
        try:
            archive = imdb.find_or_download(imdb_archive, cache_dir, asks_failed_host=False)
            return _imdb_source(archive)
        except DownloadError as error:
            notify(
                f"THIS RUN USES THE GENERATED SAMPLE, NOT THE REAL REVIEWS. {error} "
                f"The sample's model is named {SAMPLE}_... and never takes a real one's place."
            )
            return _sample_source()
    return None


def _with_layout_classes(
    source: ReviewSource,
    label_column: str,
    settings: LabelSettings,
    notify: Callable[[str], None],
) -> ReviewSource:
    """Returns a source in IMDB's layout with its classes: folders, or stars as `rating`."""
    if label_column not in COLUMNS:
        label, rating = (as_setting("label_column", column) for column in COLUMNS)
        raise DatasetError(
            f"{as_setting('label_column', label_column)}: {source.name} is no table. Its labels "
            f"are its folders, neg and pos ({label}), or the stars in its files' names ({rating})."
        )
    source = replace(source, label_column=label_column)
    if not settings.names_anything:
        if label_column == DEFAULT_LABEL_COLUMN:
            return source
        if source.name in (IMDB, SAMPLE) and source.origin in (IMDB, ""):
            pairs = tuple((stars, stars) for stars in STARS)
            return replace(source, classes=STARS, label_classes=pairs)
    return with_classes(source, settings, notify)


def _sample_source() -> ReviewSource:
    return ReviewSource(SourceKind.SAMPLE, SAMPLE, (), digest=sample.SAMPLE_VERSION)


def _imdb_source(archive: imdb.VerifiedArchive) -> ReviewSource:
    return ReviewSource(
        SourceKind.IMDB_ARCHIVE,
        IMDB,
        (SourceFile(str(archive.path)),),
        digest=archive.sha256,
        origin=IMDB,
    )


def _labelled_source(path: Path) -> ReviewSource | None:
    """Returns a folder or an archive laid out as IMDB's; None for any other path."""
    if path.is_dir() and (folders := labelled_folders(path)):
        return ReviewSource(
            kind=SourceKind.IMDB_DIRECTORY,
            name=name_of(path),
            files=tuple(SourceFile(str(folder), folder.parent.name) for folder in folders),
            digest=_digest(file for folder in folders for file in sorted(folder.iterdir())),
            origin=str(path),
        )
    if path.name.endswith(ARCHIVE_SUFFIXES):
        return ReviewSource(
            kind=SourceKind.IMDB_ARCHIVE,
            name=name_of(path),
            files=(SourceFile(str(path)),),
            digest=_digest([path]),
            origin=str(path),
        )
    return None


def _expand(data: str) -> list[Path]:
    """Returns the existing paths that the argument names; commas and globs name several."""
    # Not `Path.exists`: of a name that is too long, or behind a locked folder, it raises.
    if os.path.exists(data):
        return [Path(data).absolute()]
    paths: list[Path] = []
    for named in data.split(","):
        # "a.csv, b.csv"; and a blank part would be the current folder.
        part = named if os.path.exists(named) else named.strip()
        if not part:
            raise DatasetError(
                f"{as_setting('data', data)}: a comma has no path on one side. Expected paths with "
                "commas in between."
            )
        matches = [part] if os.path.exists(part) else sorted(glob.glob(part, recursive=True))
        if not matches:
            raise DatasetError(
                f"{as_setting('data', data)}: there is no file or folder '{part}'. "
                f"Expected auto, imdb, sample or a path."
                f"{did_you_mean(part, (AUTO, IMDB, SAMPLE, *_neighbours(part)))}"
            )
        paths += [Path(match).absolute() for match in matches]
    return list(dict.fromkeys(paths))


def _neighbours(part: str) -> list[str]:
    folder = Path(part).parent
    try:
        return [str(folder / path.name) for path in folder.iterdir()]
    except OSError:
        return []


def _tables_in(paths: Iterable[Path]) -> list[Path]:
    """Returns the tables among files and in folders."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [
                file
                for file in sorted(path.rglob("*"))
                if kind_of(file) and file.is_file() and not _is_side_file(file, path)
            ]
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


def _is_side_file(file: Path, folder: Path) -> bool:
    """Says whether a file below a folder is hidden, or describes the data set beside it."""
    parts = file.relative_to(folder).parts
    return file.name in _DESCRIPTIONS or any(part.startswith(".") for part in parts)


def _table_source(
    paths: list[Path],
    text_column: str,
    label_column: str,
    settings: LabelSettings,
    options: TableOptions,
    notify: Callable[[str], None],
) -> ReviewSource:
    tables = {path: look_at(path, options, (text_column, label_column)) for path in paths}
    kinds = {_FAMILY.get(table.format.kind, table.format.kind) for table in tables.values()}
    if len(kinds) > 1:
        listed = ", ".join(path.name for path in paths[:5])
        raise DatasetError(f"The files are of several formats ({listed}). Give files of one.")
    split_columns = {path: _split_column(table.columns) for path, table in tables.items()}
    split_column = next(filter(None, split_columns.values()), "")
    for path, name in split_columns.items():
        if name != split_column:
            raise DatasetError(
                f"{path.name} has no column '{split_column}', and other files have one. Give it to "
                "all files or to none."
            )
    splits = dict.fromkeys(paths, "") if split_column else splits_by_name(paths, notify)
    tables = {path: tables[path] for path in splits}
    columns = {path: table.columns for path, table in tables.items()}
    text_column = column_meant(tables.values(), text_column, notify)
    label_column = column_meant(tables.values(), label_column, notify)
    label_column = _label_column(columns, text_column, label_column, notify)
    for path, table in tables.items():
        _check_columns(path, table, text_column, label_column)
    if text_column == label_column:
        raise DatasetError(same_column(next(iter(tables.values())), text_column))
    for line in notices((printable(path.name), table) for path, table in tables.items()):
        notify(line)
    first = next(iter(splits))
    kind = tables[first].format.kind
    data_name, origin = name_and_origin(first, keeps_splits=bool(splits[first]))
    class_names = class_names_in(first, label_column) if kind is SourceKind.PARQUET else ()
    source = ReviewSource(
        kind=kind,
        name=data_name,
        files=tuple(
            SourceFile(str(path), split, tables[path].format) for path, split in splits.items()
        ),
        digest=_digest(splits),
        text_column=text_column,
        label_column=label_column,
        split_column=split_column,
        origin=str(origin),
        class_names=names_in_force(class_names, settings.spellings()),
    )
    source = with_classes(source, settings, notify)
    return drawn_by_column(source, notify) if split_column else drawn_by_names(source)


def _label_column(
    columns: Mapping[Path, Sequence[str]],
    text_column: str,
    label_column: str,
    notify: Callable[[str], None],
) -> str:
    """Returns the label's column: where none was named, the only one that is left."""
    if (
        label_column != DEFAULT_LABEL_COLUMN
        or any(label_column in names for names in columns.values())
        or not all(text_column in names for names in columns.values())
    ):
        return label_column
    left = {
        tuple(
            name for name in names if name.strip() and name != text_column and not _is_split(name)
        )
        for names in columns.values()
    }
    if len(left) != 1 or len(only := left.pop()) != 1:
        return label_column
    notify(
        f"The column '{only[0]}' is taken for the label: it is the only one beside "
        f"'{text_column}'. `label_column` names another."
    )
    return only[0]


def _split_column(columns: Iterable[str]) -> str:
    """Returns the column that tells splits, whatever the case of its name, or ""."""
    return next(filter(_is_split, columns), "")


def _is_split(column: str) -> bool:
    return column.strip().lower() == SPLIT_COLUMN


def _check_columns(path: Path, table: DetectedTable, text_column: str, label_column: str) -> None:
    name = printable(path.name)
    if not table.columns:
        raise DatasetError(f"{name} is empty: expected columns {text_column}, {label_column}.")
    for column, setting in ((text_column, "text_column"), (label_column, "label_column")):
        if column not in table.columns:
            raise DatasetError(missing_column(table, name, column, setting, "label_column"))


def _digest(files: Iterable[Path]) -> str:
    """Returns the SHA-256 of names and contents.

    Raises:
      DatasetError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for file in files:
        if not file.is_file():
            continue
        name = f"{file.parent.name}/{file.name}"
        try:
            digest.update(os.fsencode(f"{name}\0{file.stat().st_size}\0"))
            with file.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            raise DatasetError(f"{file} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
