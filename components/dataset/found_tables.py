"""The tables of a data set as they are written, and the splits that they are named for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from components.dataset.columns import DEFAULT_LABEL, DEFAULT_TEXT
from components.dataset.detected_table import DetectedTable
from components.dataset.look_at import look_at
from components.dataset.records import printable
from components.dataset.source import SourceFile, SourceKind
from components.dataset.splits import is_split_column
from components.dataset.table_options import TableOptions
from components.dataset.table_splits import splits_by_name
from components.errors import DatasetError
from components.storage.place import Place

# Formats that count as one: each file's content tells which of them it has.
_FAMILY = {SourceKind.JSON: SourceKind.JSON_LINES}


class FoundTables(NamedTuple):
    """What the beginnings of files tell of all of them.

    Attributes:
      tables: By path; those that are read, in their order.
      splits: The split that each is named for, or "".
      split_column: Column that tells splits, or "".
    """

    tables: dict[Place, DetectedTable]
    splits: dict[Place, str]
    split_column: str

    @property
    def named(self) -> list[tuple[str, DetectedTable]]:
        """Returns each table behind the name that messages call it; two may have the same."""
        return [(printable(path.name), table) for path, table in self.tables.items()]

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """Returns what to read."""
        return tuple(
            SourceFile(str(path), split, self.tables[path].format)
            for path, split in self.splits.items()
        )


def find_tables(
    paths: list[Place],
    text_column: str,
    label_column: str,
    options: TableOptions,
    notify: Callable[[str], None],
    others: Sequence[str] = (),
) -> FoundTables:
    """Looks at the beginning of each file.

    Args:
      paths: The files.
      text_column: Column of the text; "" if none is named.
      label_column: Column of the label; "" if none is named.
      options: How tables are written, as far as the user says so.
      notify: Called with a sentence that the user must not miss.
      others: Columns that are needed besides; the first record may lack them.

    Raises:
      DatasetError: One is no table, or they do not belong together.
    """
    needed = (text_column or DEFAULT_TEXT, label_column or DEFAULT_LABEL, *others)
    tables = {path: look_at(path, options, needed) for path in paths}
    kinds = {_FAMILY.get(table.format.kind, table.format.kind) for table in tables.values()}
    if len(kinds) > 1:
        listed = ", ".join(path.name for path in paths[:5])
        raise DatasetError(f"The files are of several formats ({listed}). Give files of one.")
    split_columns = {
        path: next(filter(is_split_column, table.columns), "") for path, table in tables.items()
    }
    split_column = next(filter(None, split_columns.values()), "")
    for path, name in split_columns.items():
        if name != split_column:
            raise DatasetError(
                f"{path.name} has no column '{split_column}', and other files have one. Give it to "
                "all files or to none."
            )
    are_classes = SourceKind.TEXT_FOLDER in kinds
    splits = (
        dict.fromkeys(paths, "") if split_column else splits_by_name(paths, notify, are_classes)
    )
    return FoundTables({path: tables[path] for path in splits}, splits, split_column)
