"""How a table that a person names is written, or why it is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.dataset import text_folders
from components.dataset.compressed import SUFFIXES as COMPRESSIONS
from components.dataset.detect import detect, kind_of
from components.dataset.detected_table import DetectedTable
from components.dataset.records import printable
from components.dataset.source import SourceKind, TableFormat
from components.dataset.suffixes import SUFFIXES, TEXT_SUFFIXES
from components.dataset.table_options import TableOptions
from components.dataset.text_encoding import UTF_8, checked_encoding
from components.errors import DatasetError
from components.storage.place import Place

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz")


def look_at(path: Place, options: TableOptions, needed: Sequence[str] = ()) -> DetectedTable:
    """Returns how a table is written.

    Args:
      path: The file, or a folder of texts.
      options: What the user says of it.
      needed: Columns that are looked for, see `detect`.

    Raises:
      DatasetError: Its name is that of no format and its content is none either, or it cannot be
        read.
    """
    if path.is_dir():
        encoding = checked_encoding(options.encoding) if options.encoding else UTF_8
        form = TableFormat(SourceKind.TEXT_FOLDER, encoding=encoding)
        return DetectedTable(form, text_folders.COLUMNS, (), has_records=True)
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        suffix = Path(path.stem).suffix.lower()
    if kind_of(path) is None and suffix not in TEXT_SUFFIXES:
        try:
            table = detect(path, options, needed=needed)
        except DatasetError as error:
            if " is no table: " in str(error) or not path.is_file():
                raise
            raise _unknown_format(path) from error
        if table.format.kind in (SourceKind.PARQUET, SourceKind.JSON, SourceKind.JSON_LINES):
            return table
        raise _unknown_format(path)
    return detect(path, options, needed=needed)


def _unknown_format(path: Place) -> DatasetError:
    return DatasetError(
        f"{printable(path.name)}: unknown format. Expected {', '.join(SUFFIXES)}, text formats "
        f"also with {', '.join(COMPRESSIONS)}, or an archive ({', '.join(ARCHIVE_SUFFIXES)}) "
        "laid out as IMDB's."
    )
