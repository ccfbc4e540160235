"""Parquet: records by column, strings as the bytes that they are.

Other formats are read where pyarrow is not installed: it is imported by the first Parquet file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.dataset.nested import MOST_DEPTH, MOST_PATHS, value_inside
from components.storage.place import Place

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

_BATCH = 1_024


class ParquetError(Exception):
    """A file is no Parquet, truncated or corrupt; in pyarrow's words."""


@contextlib.contextmanager
def open_parquet(path: Place) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Opens a file.

    Raises:
      ParquetError: It cannot be read, or not further.
      OSError: It is not there, or not readable.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with contextlib.ExitStack() as stack:
            # pyarrow reads a disk itself.
            source = path if isinstance(path, os.PathLike) else stack.enter_context(path.open("rb"))
            yield stack.enter_context(pyarrow.parquet.ParquetFile(source))
    except pyarrow.ArrowException as error:
        raise ParquetError(str(error)) from error


def column_names(path: Place) -> list[str]:
    """Returns the names of a file's columns, one that occurs twice twice."""
    with open_parquet(path) as file:
        return list(file.schema_arrow.names)


def nested_names(path: Place, needed: Sequence[str] = (), enters_lists: bool = False) -> list[str]:
    """Returns the names of values inside a file's columns, "a.b", at most `MOST_PATHS`.

    Args:
      path: The file.
      needed: Names to look for inside lists as well.
      enters_lists: Whether to return what is in the first object of a list as well, "a.0.b".
    """
    import pyarrow

    with open_parquet(path) as file:
        schema = file.schema_arrow
    asked = [name for name in needed if name not in schema.names and _column_and_type(schema, name)]
    waiting = [(field.name, field.type, 1) for field in schema]
    found = dict.fromkeys(asked)
    while waiting and len(found) < MOST_PATHS:
        name, kind, depth = waiting.pop(0)
        is_list = pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind)
        if enters_lists and is_list and pyarrow.types.is_struct(kind.value_type):
            name, kind = f"{name}.0", kind.value_type
        if pyarrow.types.is_struct(kind) and depth <= MOST_DEPTH:
            fields = [kind.field(at) for at in range(kind.num_fields)]
            waiting[:0] = [(f"{name}.{each.name}", each.type, depth + 1) for each in fields]
        elif depth > 1:
            found[name] = None
    return list(found)


def composite_names(path: Place, nested: Sequence[str] = ()) -> set[str]:
    """Returns the names under which a file holds structs, lists or maps.

    Args:
      path: The file.
      nested: Names of values inside its columns, which are looked at beside the columns.
    """
    import pyarrow

    with open_parquet(path) as file:
        schema = file.schema_arrow
    kinds = {field.name: field.type for field in schema}
    for name in nested:
        if name not in kinds and (found := _column_and_type(schema, name)):
            kinds[name] = found[1]
    return {name for name, kind in kinds.items() if pyarrow.types.is_nested(kind)}


def _column_and_type(schema: pyarrow.Schema, name: str) -> tuple[str, Any] | None:
    """Returns the column that a nested name begins with, and the type of what it names."""
    for field in schema:
        if name.startswith(f"{field.name}."):
            kind = _type_inside(field.type, name[len(field.name) + 1 :])
            if kind is not None:
                return field.name, kind
    return None


def _type_inside(kind: Any, path: str) -> Any:
    import pyarrow

    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        head, _, rest = path.partition(".")
        if not head.isdecimal():
            return None
        return _type_inside(kind.value_type, rest) if rest else kind.value_type
    if not pyarrow.types.is_struct(kind):
        return None
    for at in range(kind.num_fields):
        field = kind.field(at)
        if path == field.name:
            return field.type
        if path.startswith(f"{field.name}."):
            found = _type_inside(field.type, path[len(field.name) + 1 :])
            if found is not None:
                return found
    return None


def has_rows(path: Place) -> bool:
    """Says whether a file has any."""
    with open_parquet(path) as file:
        return bool(file.metadata.num_rows)


def read_parquet(
    path: Place, columns: Sequence[str], row_groups: Sequence[int] | None = None
) -> Iterator[Mapping[str, Any]]:
    """Yields the records' values of some columns, which may be inside others.

    Args:
      path: The file.
      columns: Names; "a.b" is what the column `a` holds under `b`.
      row_groups: Which parts of the file to read; None for all.
    """
    with open_parquet(path) as file:
        schema = file.schema_arrow
        whole = [_whole_column(schema, name) for name in columns]
        for batch in file.iter_batches(
            _BATCH, columns=list(dict.fromkeys(whole)), row_groups=row_groups
        ):
            values = [values_of(batch, name) for name in columns]
            for row in zip(*values, strict=True):
                yield dict(zip(columns, row, strict=True))


def _inside(column: pyarrow.Array, path: str) -> pyarrow.Array | list[Any]:
    """Returns what a column holds at a path; behind the index of a list, values."""
    import pyarrow
    import pyarrow.compute

    while path and pyarrow.types.is_struct(column.type):
        names = [column.type.field(at).name for at in range(column.type.num_fields)]
        name = next((each for each in names if f"{path}.".startswith(f"{each}.")), None)
        if name is None:
            return [None] * len(column)
        column = pyarrow.compute.struct_field(column, [names.index(name)])
        path = path[len(name) + 1 :]
    if not path:
        return column
    return [value_inside(value, path) for value in column.to_pylist()]


def _whole_column(schema: pyarrow.Schema, name: str) -> str:
    """Returns the column that holds what `name` names."""
    if name in schema.names:
        return name
    found = _column_and_type(schema, name)
    return found[0] if found else name


def values_of(table: pyarrow.Table | pyarrow.RecordBatch, name: str) -> list[Any]:
    """Returns the values of a column, which may be inside another; strings as bytes."""
    whole = _whole_column(table.schema, name)
    column = table.column(whole)
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    found = _inside(column, name[len(whole) + 1 :])
    return found if isinstance(found, list) else without_decoding(found).to_pylist()


def without_decoding(column: pyarrow.Array) -> pyarrow.Array:
    """Returns strings as bytes: one that is not UTF-8 would cost its whole batch."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pyarrow.types.is_string(column.type):
        return column.cast(pyarrow.binary())
    if pyarrow.types.is_large_string(column.type):
        return column.cast(pyarrow.large_binary())
    return column
