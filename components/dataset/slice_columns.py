"""The setting `slice_by`: by which columns of a table slices are made."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from components import features
from components.dataset.detected_table import (
    DetectedTable,
    column_meant,
    folded,
    listed,
    shortened,
)
from components.dataset.found_tables import FoundTables
from components.dataset.labels import labels_named
from components.dataset.source import ReviewSource, SourceKind
from components.errors import ConfigurationError, DatasetError, as_setting

SLICE_BY = "slice_by"
AND = "+"
MOST_COLUMNS, MOST_SLICES = 10, 20
# Of a slice. Three columns of 100 values have a million slices.
MOST_TOGETHER = 2

# Files in which a record need not have all columns.
_MAY_LACK = (SourceKind.JSON, SourceKind.JSON_LINES)


def columns_asked(setting: str) -> tuple[str, ...]:
    """Returns all that may be a column in the setting: what stands between `,` and `+`.

    >>> columns_asked("product, product+language")
    ('product', 'product+language', 'language')
    """
    asked = labels_named(setting)
    parts = (part for each in asked for part in (each, *map(str.strip, each.split(AND))))
    return tuple(dict.fromkeys(filter(None, parts)))


def slices_by_columns(
    setting: str,
    found: FoundTables,
    text_column: str,
    label_column: str,
    note: Callable[[str], None],
) -> tuple[tuple[str, ...], ...]:
    """Returns the columns of each slice that the setting asks for, as the tables call them.

    Args:
      setting: Slices separated by commas as in a row of a CSV file; the columns of one by `+`.
      found: The tables.
      text_column: Column of the text.
      label_column: Column of the label.
      note: Is told which column is taken for a name that is not the very same.

    Raises:
      DatasetError: A column is not there, is that of the text or the label, or holds objects.
      ConfigurationError: It asks for more slices than there may be.
    """
    asked = labels_named(setting)
    tables = [(name, table) for name, table in found.named if table.columns]

    def column_of(name: str) -> str:
        column = column_meant((table for _, table in tables), name, note)
        lacking = [(file, table) for file, table in tables if column not in table.names]
        may_lack = all(table.format.kind in _MAY_LACK for _, table in lacking)
        if lacking and not (may_lack and len(lacking) < len(tables)):
            raise DatasetError(_missing(column, *lacking[0]))
        for file, table in tables:
            if column in table.composite:
                raise DatasetError(_composite(column, file, table))
        for role, taken in (("text", text_column), ("label", label_column)):
            if column == taken:
                raise DatasetError(_taken(column, role, tables[0][1], (text_column, label_column)))
        return column

    slices: dict[tuple[str, ...], None] = {}
    for each in asked:
        is_column = any(folded(each) == folded(name) for _, table in tables for name in table.names)
        names = [each] if is_column else [part.strip() for part in each.split(AND)]
        if len(names) > MOST_TOGETHER or not all(names):
            raise ConfigurationError(
                f"{as_setting(SLICE_BY, setting)}: '{shortened(each)}' is neither a column nor two "
                f"with {AND} between them. Slices are by one column or by two, e.g. "
                f"{as_setting(SLICE_BY, f'product,product{AND}language')}."
            )
        columns = tuple(dict.fromkeys(map(column_of, names)))
        if len(columns) == 1 or columns[::-1] not in slices:
            slices[columns] = None
    _check_number(tuple(slices))
    return tuple(slices)


def slices_of_layout(setting: str, source: ReviewSource) -> tuple[tuple[str, ...], ...]:
    """Returns the slices of a source in IMDB's layout: its only column is `rating`.

    Raises:
      DatasetError: Another column is named, or the stars are the label.
    """
    asked = labels_named(setting)
    if any(folded(each) != features.RATING for each in asked):
        raise DatasetError(
            f"{as_setting(SLICE_BY, setting)}: {source.name} is no table. Its only column besides "
            f"text and label is the stars in its files' names: "
            f"{as_setting(SLICE_BY, features.RATING)}."
        )
    if asked and source.label_column == features.RATING:
        raise DatasetError(
            f"{as_setting(SLICE_BY, setting)}: the stars are the label. A slice of one class says "
            f"no more than the class itself. Leave `{SLICE_BY}` out."
        )
    return ((features.RATING,),) if asked else ()


def _check_number(slices: Sequence[tuple[str, ...]]) -> None:
    columns = {column for each in slices for column in each}
    for number, most, what in (
        (len(columns), MOST_COLUMNS, "columns"),
        (len(slices), MOST_SLICES, "slices"),
    ):
        if number > most:
            raise ConfigurationError(
                f"`{SLICE_BY}` names {number} {what}; expected at most {most}. Name fewer."
            )


def _choices(table: DetectedTable, near: str, without: Sequence[str] = ()) -> str:
    """Lists the columns that slices may be by, the nearest to a name first."""
    asked = folded(near)
    names = sorted(
        (name for name in table.names_of_values if name not in without),
        key=lambda name: -difflib.SequenceMatcher(None, asked, folded(name)).ratio(),
    )
    return listed(names) or "none"


def _missing(column: str, file: str, table: DetectedTable) -> str:
    return (
        f"{file} has no column '{shortened(column)}' to slice by. Its columns are, the nearest "
        f"first: {_choices(table, column)}. Name one with `{SLICE_BY}`."
    )


def _composite(column: str, file: str, table: DetectedTable) -> str:
    inside = [name for name in table.names_of_values if name.startswith(f"{column}.")]
    advice = (
        f"Name what is inside, e.g. {as_setting(SLICE_BY, inside[0])}; there are: {listed(inside)}."
        if inside
        else f"Name another with `{SLICE_BY}`: {_choices(table, column)}."
    )
    return (
        f"{file}: the column '{shortened(column)}' holds objects or lists; expected one value a "
        f"record. {advice}"
    )


def _taken(column: str, role: str, table: DetectedTable, taken: Sequence[str]) -> str:
    why = (
        "every review would be a slice of its own"
        if role == "text"
        else "a slice of one class says no more than the class itself"
    )
    return (
        f"{as_setting(SLICE_BY, column)}: that is the column of the {role}; {why}. Name another "
        f"with `{SLICE_BY}`: {_choices(table, column, taken)}."
    )
