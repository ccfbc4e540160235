"""From the setting `data` to a ReviewSource that is known to be readable."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from components.dataset import imdb, sample
from components.dataset.archive import labelled_folders, objection_to_layout
from components.dataset.class_names import class_names_in, names_in_force
from components.dataset.classes import with_classes
from components.dataset.columns import (
    DEFAULT_LABEL,
    check_columns,
    check_labelled,
    choose_columns,
)
from components.dataset.detected_table import notices, same_column
from components.dataset.found_tables import FoundTables, find_tables
from components.dataset.label_settings import LabelSettings
from components.dataset.layout_labels import COLUMNS, STARS
from components.dataset.look_at import ARCHIVE_SUFFIXES
from components.dataset.names import name_and_origin, name_of
from components.dataset.paths import AUTO, IMDB, SAMPLE, expand, tables_in
from components.dataset.places import inside, shared_folder
from components.dataset.slice_columns import (
    columns_asked,
    slices_by_columns,
    slices_of_layout,
)
from components.dataset.source import ReviewSource, SourceFile, SourceKind
from components.dataset.stores import errors_of_stores
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.table_splits import drawn_by_column, drawn_by_names
from components.dataset.text_folders import texts_in
from components.errors import DatasetError, DownloadError, as_setting
from components.storage.place import Place, StorePath

_BLOCK = 1 << 20


@errors_of_stores()
def resolve_source(
    data: str,
    *,
    imdb_archive: str | None = None,
    cache_dir: Path | None = None,
    text_column: str = "",
    label_column: str = "",
    labels: str = "",
    map_labels: str = "",
    positive_label: str = "",
    negative_label: str = "",
    slice_by: str = "",
    options: TableOptions = FOUND_BY_CONTENT,
    notify: Callable[[str], None] = lambda _: None,
    note: Callable[[str], None] | None = None,
) -> ReviewSource:
    """Finds the data, downloads it if need be, and checks what can be checked at once.

    >>> from components import resolve_source
    >>> resolve_source("sample").name
    'sample'

    Args:
      data: "imdb"; "sample", which is generated; "auto", the sample where IMDB cannot be had; or
        a file or folder, or several of them and patterns, with commas between.
      imdb_archive: IMDB's archive, when the user has it somewhere.
      cache_dir: Where a downloaded archive is kept; by default in `~/.cache/sentiment`.
      text_column: Column of a table's text; "" finds it, see `columns.choose_columns`.
      label_column: Of the label; in data laid out as IMDB's, "rating" for the stars; "" finds it.
      labels: The classes in their order, "good,bad"; where nothing is said of them, they are
        learned from train.
      map_labels: Labels and the classes that they mean, "5=good,4=good,1=bad".
      positive_label: Those of the second of two classes; see `labels.labels_named`.
      negative_label: Those of the first of two classes.
      slice_by: Columns that slices are by, "product,product+language"; see `slice_columns`.
      options: How tables are written, as far as the user says so.
      notify: Called with a sentence that the user must not miss.
      note: Called with one that is good to know, such as which columns were taken; `notify` where
        it is None.

    Raises:
      DatasetError: The data cannot be found, or is not what it should be.
      DataGateError: Its labels are not those that are named, or are too many to be classes.
      ConfigurationError: What is said of labels contradicts itself.
    """
    settings = LabelSettings(labels, map_labels, positive_label, negative_label)
    note = note or notify
    cache_dir = cache_dir or Path.home() / ".cache" / "sentiment"
    laid_out, paths = _known_source(data, imdb_archive, cache_dir, notify), []
    if not laid_out:
        paths = expand(data)
        laid_out = labelled_source(paths[0]) if len(paths) == 1 else None
    if laid_out:
        return _with_layout_classes(laid_out, label_column, settings, slice_by, notify, note)
    asked = columns_asked(slice_by)
    found = find_tables(tables_in(paths), text_column, label_column, options, notify, asked)
    source = _table_source(found, text_column, label_column, settings, notify, note)
    return _with_slices(source, slice_by, found, note)


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
    slice_by: str,
    notify: Callable[[str], None],
    note: Callable[[str], None],
) -> ReviewSource:
    """Returns a source in IMDB's layout with its classes: folders, or stars as `rating`."""
    label_column = label_column or DEFAULT_LABEL
    if label_column not in COLUMNS:
        label, rating = (as_setting("label_column", column) for column in COLUMNS)
        raise DatasetError(
            f"{as_setting('label_column', label_column)}: {source.name} is no table. Its labels "
            f"are its folders, neg and pos ({label}), or the stars in its files' names ({rating})."
        )
    source = replace(source, label_column=label_column)
    source = replace(source, slice_by=slices_of_layout(slice_by, source))
    if not settings.names_anything:
        if label_column == DEFAULT_LABEL:
            return source
        if source.name in (IMDB, SAMPLE) and source.origin in (IMDB, ""):
            pairs = tuple((stars, stars) for stars in STARS)
            return replace(source, classes=STARS, label_classes=pairs)
    return with_classes(source, settings, notify, note)


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


@errors_of_stores()
def labelled_source(path: Place, digest: bool = True) -> ReviewSource | None:
    """Returns a folder or an archive laid out as IMDB's; None for any other path.

    Args:
      path: The path.
      digest: Whether to read all of it for the source's digest, which is "" otherwise.
    """
    if path.is_dir() and (folders := labelled_folders(path)):
        return ReviewSource(
            kind=SourceKind.IMDB_DIRECTORY,
            name=name_of(path),
            files=tuple(SourceFile(str(folder), folder.parent.name) for folder in folders),
            digest=_digest(file for folder in folders for file in inside(folder)) if digest else "",
            origin=str(path),
        )
    if path.name.endswith(ARCHIVE_SUFFIXES) and path.is_file():
        if objection := objection_to_layout(str(path)):
            raise DatasetError(objection)
        return ReviewSource(
            kind=SourceKind.IMDB_ARCHIVE,
            name=name_of(path),
            files=(SourceFile(str(path)),),
            digest=_digest([path]) if digest else "",
            origin=str(path),
        )
    return None


def _table_source(
    found: FoundTables,
    text_column: str,
    label_column: str,
    settings: LabelSettings,
    notify: Callable[[str], None],
    note: Callable[[str], None],
) -> ReviewSource:
    text_column, label_column = choose_columns(
        found.tables.values(), text_column, label_column, note
    )
    check_labelled(found.tables, label_column)
    check_columns(found.named, text_column, label_column)
    if text_column == label_column:
        raise DatasetError(same_column(next(iter(found.tables.values())), text_column))
    for line in notices(found.named):
        note(line)
    first = next(iter(found.splits))
    kind = found.tables[first].format.kind
    if kind is SourceKind.TEXT_FOLDER:
        data_name, origin = name_and_origin(shared_folder(list(found.splits)), keeps_splits=False)
    else:
        data_name, origin = name_and_origin(first, keeps_splits=bool(found.splits[first]))
    class_names = class_names_in(first, label_column, kind)
    source = ReviewSource(
        kind=kind,
        name=data_name,
        files=found.files,
        digest=_digest(_files_in(found)),
        text_column=text_column,
        label_column=label_column,
        split_column=found.split_column,
        origin=str(origin),
        class_names=names_in_force(class_names, settings.spellings()),
    )
    source = with_classes(source, settings, notify, note)
    return drawn_by_column(source, notify) if found.split_column else drawn_by_names(source)


def _files_in(found: FoundTables) -> Iterator[Place]:
    for path, table in found.tables.items():
        yield from texts_in(path) if table.format.kind is SourceKind.TEXT_FOLDER else [path]


def _with_slices(
    source: ReviewSource, slice_by: str, found: FoundTables, note: Callable[[str], None]
) -> ReviewSource:
    columns = source.text_column, source.label_column
    return replace(source, slice_by=slices_by_columns(slice_by, found, *columns, note))


def _digest(files: Iterable[Place]) -> str:
    """Returns the SHA-256 of names and contents.

    A store is believed what it tells, a file's size and when it was written, and the content is not
    fetched for that; where it does not tell when, it is.

    Raises:
      DatasetError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for file in files:
        if not file.is_file():
            continue
        name = f"{file.parent.name}/{file.name}"
        try:
            status = file.stat()
            digest.update(os.fsencode(f"{name}\0{status.st_size}\0"))
            if isinstance(file, StorePath) and status.st_mtime_ns:
                digest.update(f"{status.st_mtime_ns}\0".encode())
                continue
            with file.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            raise DatasetError(f"{file} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
