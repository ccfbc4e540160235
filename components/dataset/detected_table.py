"""What the beginning of a file tells of its format, and the messages about it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from components.dataset.source import SourceKind, TableFormat
from components.errors import DatasetError, as_setting, did_you_mean

# Of a message that lists columns.
_MOST_LISTED = 30
_LONGEST_SHOWN = 60
_TEXT_COLUMN = "text_column"


class DetectedTable(NamedTuple):
    """What the beginning of a file tells.

    Attributes:
      format: How the file is written.
      columns: Names of the columns: the header's, or the first record's; empty for an empty file.
      remarks: What was found that the file's name does not say, for people.
      has_records: Whether there is any record.
      row_remarks: The same of rows of fields.
      numbers: Where text and label seem to be, from "1", if the first row is no header.
      likely: Names of the columns that hold texts and labels by the look of it, or "".
      wrapper: The one name under which a JSON object holds all records, or "".
      nested: Names of what is inside columns, "a.b"; see `nested.paths_in`.
      in_lists: Names of what is inside the first objects of lists, "a.0.b": for advice alone.
      composite: Names of those, of both kinds, that hold objects or lists: no texts, no labels.
    """

    format: TableFormat
    columns: tuple[str, ...]
    remarks: tuple[str, ...]
    has_records: bool
    row_remarks: tuple[str, ...] = ()
    numbers: tuple[str, str] | None = None
    wrapper: str = ""
    likely: tuple[str, str] = ("", "")
    nested: tuple[str, ...] = ()
    composite: frozenset[str] = frozenset()
    in_lists: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names of columns, and of what is inside them."""
        return tuple(dict.fromkeys((*self.columns, *self.nested)))

    @property
    def names_of_values(self) -> tuple[str, ...]:
        """Returns the names of what may be a text or a label."""
        return tuple(name for name in self.names if name not in self.composite)


def refuse_repeated(table: DetectedTable, name: str) -> None:
    """Refuses a table in which two columns have one name: which is meant cannot be known.

    Raises:
      DatasetError: Names the column.
    """
    twice = [column for column, count in Counter(table.columns).items() if count > 1]
    if twice:
        raise DatasetError(
            f"{name} has two columns '{shortened(twice[0])}'. Give each a name of its own."
        )


def column_meant(
    tables: Iterable[DetectedTable], column: str, notify: Callable[[str], None]
) -> str:
    """Returns the column that a name means: in all tables the only one that differs in its case.

    Blanks around a name and characters without a width make no difference either. A column of
    that very name comes first; where no column is meant, the name itself is returned.

    Args:
      tables: The tables; those without columns do not count.
      column: The name.
      notify: Is told which column is read, where its name is not the very same.
    """
    found = [table.names for table in tables if table.columns]
    meant = {tuple(name for name in columns if folded(name) == folded(column)) for columns in found}
    alike = sorted({name for names in meant for name in names if name != column})
    if any(column in columns for columns in found):
        if any(len(names) > 1 and column in names for names in meant):
            notify(f"There is a column '{shortened(alike[0])}' as well; '{column}' is read.")
        return column
    if len(meant) != 1 or len(alike) != 1 or len(next(iter(meant))) != 1:
        return column
    notify(f"The column '{shortened(alike[0])}' is taken for '{column}'.")
    return alike[0]


def folded(name: str) -> str:
    """Returns what is the same for names that people take for one."""
    seen = "".join(each for each in name if unicodedata.category(each) not in ("Cc", "Cf"))
    return unicodedata.normalize("NFKC", seen).strip().casefold()


def missing_column(
    table: DetectedTable,
    name: str,
    column: str,
    setting: str,
    label_setting: str = "",
    lacks_both: bool = False,
) -> str:
    """Says that a table lacks a column, which it has, and how to name one.

    Args:
      table: The table.
      name: The file's name.
      column: What was looked for.
      setting: The setting that names it.
      label_setting: The setting that names the column of labels, where there is one.
      lacks_both: Whether the column of labels is not known either.
    """
    if len(table.columns) == 1 and label_setting and not (table.nested or table.wrapper):
        return _only_column(table, name, column, setting == label_setting and not lacks_both)
    likely = dict(zip((_TEXT_COLUMN, label_setting), table.likely, strict=True))
    # Without the text's name, the label's may be wrong as well.
    asked = (_TEXT_COLUMN, label_setting) if setting == _TEXT_COLUMN else (setting,)
    named = [as_setting(each, likely[each]) for each in asked if each and likely.get(each)]
    example = f", e.g. {' '.join(named)}" if named else ""
    nested = (*table.nested, *table.in_lists)
    inside = f" Inside them are: {listed(nested)}." if nested else ""
    both = f", and the label's with `{label_setting}`" if lacks_both and not named else ""
    message = (
        f"{name} has no column '{column}'. Its columns are: {listed(table.columns)}.{inside}"
        f"{did_you_mean(column, table.names)} Name it with `{setting}`{both}{example}."
    )
    if table.wrapper:
        return (
            f"{message} Its records seem to be below '{table.wrapper}': write them as one array, "
            f"or one a line, e.g. by jq -c '.[\"{table.wrapper}\"][]'."
        )
    if table.numbers:
        text, label = table.numbers
        columns = as_setting("text_column", text)
        if label_setting and label:
            columns += f" {as_setting(label_setting, label)}"
        if table.format.has_header:
            without = as_setting("header", False)
            return f"{message} Has the file no header? Then: {without} {columns}."
        return f"{message} Without a header, columns have numbers, e.g. {columns}."
    return message


def _only_column(table: DetectedTable, name: str, column: str, has_text: bool) -> str:
    """Says that a table has one column, where texts and labels need two."""
    message = (
        f"{name} has no column '{column}'. Its columns are: {listed(table.columns)}. Texts and "
        "labels need a column each:"
    )
    if not has_text and table.format.kind in (SourceKind.CSV, SourceKind.TSV):
        return (
            f"{message} if a line holds both, name what stands between them with `delimiter`; if "
            "not, write the labels beside the texts."
        )
    return f"{message} write the label of each text beside it."


def same_column(table: DetectedTable, column: str) -> str:
    """Says that one column is named for both text and label, and how to name another."""
    others = [name for name in table.columns if name != column]
    likely = table.likely[1] if table.likely[1] in others else ""
    example = f", e.g. {as_setting('label_column', likely)}" if likely else ""
    return (
        f"The column '{column}' is named for the text and for the label. The other columns are: "
        f"{listed(others) or 'none'}. Name the label's with `label_column`{example}, or the "
        f"text's with `{_TEXT_COLUMN}`."
    )


def notices(tables: Iterable[tuple[str, DetectedTable]]) -> list[str]:
    """Returns a line for each remark about formats, with the names of the files."""
    files: dict[tuple[str, ...], list[str]] = {}
    for name, table in tables:
        if remarks := (*table.remarks, *table.row_remarks):
            files.setdefault(remarks, []).append(name)
    return [
        f"{names[0]}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}: "
        f"{', '.join(remarks)}"
        for remarks, names in files.items()
    ]


def listed(columns: Sequence[str]) -> str:
    """Returns the names of columns as messages list them."""
    more = f" and {len(columns) - _MOST_LISTED:,} more" if len(columns) > _MOST_LISTED else ""
    return f"{', '.join(map(shortened, columns[:_MOST_LISTED]))}{more}"


def shortened(name: str) -> str:
    """Returns a column's name as messages show it."""
    return name if len(name) <= _LONGEST_SHOWN else f"{name[: _LONGEST_SHOWN - 3]}..."
