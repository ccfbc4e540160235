"""From the setting `data` to a ReviewSource that is known to be readable."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from components.dataset import imdb, sample
from components.dataset.archive import labelled_folders
from components.dataset.class_names import class_names_in, names_in_force
from components.dataset.columns import check_columns, choose_columns
from components.dataset.detected_table import notices
from components.dataset.found_tables import find_tables
from components.dataset.look_at import ARCHIVE_SUFFIXES
from components.dataset.names import name_and_origin, name_of
from components.dataset.paths import AUTO, IMDB, SAMPLE, expand, tables_in
from components.dataset.source import ReviewSource, SourceFile, SourceKind
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.table_splits import drawn_by_column, drawn_by_names
from components.errors import DatasetError, DownloadError

_BLOCK = 1 << 20


def resolve_source(
    data: str,
    *,
    imdb_archive: str | None = None,
    cache_dir: Path | None = None,
    text_column: str = "",
    label_column: str = "",
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
      text_column: Column of the text, for tables; "" finds it, see `columns.choose_columns`.
      label_column: Column of the label, for tables; "" finds it.
      positive_label: The labels that mean positive, for tables; see `labels.labels_named`.
      negative_label: The labels that mean negative, for tables.
      options: How tables are written, as far as the user says so.
      notify: Called with a sentence that the user must not miss.

    Raises:
      DatasetError: The data cannot be found, or is not what it should be.
    """
    cache_dir = cache_dir or Path.home() / ".cache" / "sentiment"
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
    paths = expand(data)
    if len(paths) == 1 and (labelled := labelled_source(paths[0])):
        return labelled
    return _table_source(
        tables_in(paths),
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
        SourceKind.IMDB_ARCHIVE,
        IMDB,
        (SourceFile(str(archive.path)),),
        digest=archive.sha256,
        origin=IMDB,
    )


def labelled_source(path: Path, digest: bool = True) -> ReviewSource | None:
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
            digest=_digest(file for folder in folders for file in sorted(folder.iterdir()))
            if digest
            else "",
            origin=str(path),
        )
    if path.name.endswith(ARCHIVE_SUFFIXES) and path.is_file():
        return ReviewSource(
            kind=SourceKind.IMDB_ARCHIVE,
            name=name_of(path),
            files=(SourceFile(str(path)),),
            digest=_digest([path]) if digest else "",
            origin=str(path),
        )
    return None


def _table_source(
    paths: list[Path],
    text_column: str,
    label_column: str,
    positive_label: str,
    negative_label: str,
    options: TableOptions,
    notify: Callable[[str], None],
) -> ReviewSource:
    found = find_tables(paths, text_column, label_column, options, notify)
    text_column, label_column = choose_columns(
        found.tables.values(), text_column, label_column, notify
    )
    check_columns(found.named, text_column, label_column)
    for line in notices(found.named):
        notify(line)
    first = next(iter(found.splits))
    kind = found.tables[first].format.kind
    data_name, origin = name_and_origin(first, keeps_splits=bool(found.splits[first]))
    class_names = class_names_in(first, label_column) if kind is SourceKind.PARQUET else ()
    source = ReviewSource(
        kind=kind,
        name=data_name,
        files=found.files,
        digest=_digest(found.splits),
        text_column=text_column,
        label_column=label_column,
        split_column=found.split_column,
        positive_label=positive_label,
        negative_label=negative_label,
        origin=str(origin),
        class_names=class_names
        and names_in_force(class_names, positive_label, negative_label, notify),
    )
    return drawn_by_column(source, notify) if found.split_column else drawn_by_names(source)


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
