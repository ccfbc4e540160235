"""Looks at a data set: its files, its columns, and what a sample of its records tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from components import features
from components.dataset import sample
from components.dataset.archive import read_archive
from components.dataset.class_names import class_names_in
from components.dataset.columns import check_columns, check_labelled, choose_columns
from components.dataset.detected_table import DetectedTable, same_column
from components.dataset.found_tables import FoundTables, find_tables
from components.dataset.inspection import sampling
from components.dataset.inspection.sampling import (
    PARTS,
    WHOLE_BYTES,
    WHOLE_LINES,
    FileSample,
    Record,
    lines_in,
)
from components.dataset.inspection.survey import Survey, as_text
from components.dataset.label_objections import is_date
from components.dataset.labels import spelling_in, spelling_of
from components.dataset.layout_labels import FOLDERS
from components.dataset.nested import value_at
from components.dataset.places import inside
from components.dataset.records import MalformedRecord, Review, printable
from components.dataset.source import ReviewSource, SourceKind
from components.dataset.splits import UNLABELLED, split_spelt
from components.dataset.stores import errors_of_stores
from components.dataset.table_options import TableOptions
from components.dataset.tables import UNREADABLE, read_records, unreadable
from components.dataset.text_folders import texts_in
from components.dataset.text_lines import MAX_LINE_CHARACTERS
from components.errors import DatasetError
from components.storage.place import Place, place_of

# Of many files, so many are read from.
MOST_FILES = 50
# Of an IMDB folder's reviews, so many texts of each split and class.
_TEXTS_OF_FOLDER = 2_500
_MOST_TEXT_BYTES = 1 << 20
# Records whose values are shown as examples; of many columns, as many as have so many values.
_EXAMPLE_RECORDS, _FEWEST_EXAMPLE_RECORDS, _EXAMPLE_VALUES = 100, 5, 50_000
_EXAMPLES = 3
_EXAMPLE_LENGTH = 200
_RATING = "rating"


@dataclass(frozen=True)
class Column:
    """A column, by the first records.

    Attributes:
      name: Its name, "a.b" for what is inside another.
      kind: "text", "number", "true or false", "date", "object", "list", or "blank".
      examples: Some of its different values.
      different: How many different ones there are in the first records.
      values: In how many of those records it has a value.
    """

    name: str
    kind: str
    examples: tuple[str, ...]
    different: int
    values: int


@dataclass
class Inspection:
    """What was found.

    Attributes:
      files: Path, bytes, and how each is written; of IMDB's layout its folders or its archive.
      columns: In their order.
      text_column: Column of the text, "" if it is not known.
      label_column: Column of the label, "" if it is not known.
      split_column: Column that tells splits, or "".
      named_splits: Splits that files are named for.
      class_names: What the numbers 0, 1, ... in the label column stand for.
      survey: Counts over the records that were read.
      is_whole: Whether all records were read.
      places: From how many places in the files they come.
      rows: How many records there are, counted or estimated; None if that cannot be told.
      notices: What a run would say of how the files are read.
      objection: Why the columns are not known, or why reading ended, in a sentence.
      numbers: Columns of text and label, by their numbers, where the file seems to have no header.
    """

    files: list[tuple[str, int, DetectedTable | None]] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    text_column: str = ""
    label_column: str = ""
    split_column: str = ""
    named_splits: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    survey: Survey = field(default_factory=Survey)
    is_whole: bool = True
    places: int = 0
    rows: int | None = None
    notices: list[str] = field(default_factory=list)
    objection: str = ""
    numbers: tuple[str, str] | None = None

    @property
    def bytes(self) -> int:
        """Returns the size of all files."""
        return sum(size for _, size, _ in self.files)


@errors_of_stores()
def look_at_tables(
    paths: Sequence[Place], text_column: str, label_column: str, options: TableOptions
) -> Inspection:
    """Looks at tables.

    Args:
      paths: The files.
      text_column: Column of the text; "" finds it.
      label_column: Column of the label; "" finds it.
      options: How tables are written, as far as the user says so.

    Raises:
      DatasetError: One is no table, or they do not belong together.
    """
    found = Inspection()
    tables = find_tables(list(paths), text_column, label_column, options, found.notices.append)
    found.files = [
        (str(path), _size_of(path, table), table) for path, table in tables.tables.items()
    ]
    found.split_column = tables.split_column
    found.named_splits = tuple(dict.fromkeys(filter(None, tables.splits.values())))
    first_path, first = next(iter(tables.tables.items()))
    found.columns = _columns(first_path, first)
    found.numbers = first.numbers
    _choose(found, tables, text_column, label_column)
    if found.label_column:
        kind = first.format.kind
        found.class_names = class_names_in(first_path, found.label_column, kind)
    if found.text_column:
        _survey_tables(found, tables)
    return found


@errors_of_stores()
def look_at_layout(source: ReviewSource, label_column: str) -> Inspection:
    """Looks at IMDB's layout, in a folder or an archive, or at the sample.

    Args:
      source: Where it is.
      label_column: "rating" takes the stars for labels.
    """
    found = Inspection(text_column=features.TEXT, label_column=label_column or features.LABEL)
    found.named_splits = (features.TRAIN_SPLIT, features.TEST_SPLIT)
    found.places = max(len(source.files), 1)
    if source.kind is SourceKind.IMDB_DIRECTORY:
        _survey_folders(found, source)
        return found
    if source.kind is SourceKind.SAMPLE:
        records: Iterator[Any] = map(sample.generate_review, range(sample.SAMPLE_SIZE))
    else:
        path = source.files[0].path
        found.files = [(path, place_of(path).stat().st_size, None)]
        records = read_archive(path)
    for record in records:
        if isinstance(record, Review):
            _add_review(found, record.text, record.label, record.rating, record.split)
        elif record.fatal:
            found.objection = f"{record.where}: {record.detail}"
        else:
            found.survey.add_problem(record.where, record.detail)
    found.rows = found.survey.records
    return found


def _add_review(found: Inspection, text: bytes, label: int, rating: int | None, split: str) -> None:
    spelling = str(rating) if found.label_column == _RATING else FOLDERS[label]
    found.survey.add(text.decode("utf-8", "surrogateescape"), spelling, split)


def _survey_folders(found: Inspection, source: ReviewSource) -> None:
    """Reads some of the texts of each folder; the labels and splits of all are in their names."""
    found.rows = 0
    for file in source.files:
        folder = place_of(file.path)
        names = sorted(file.name for file in inside(folder) if file.name.endswith(".txt"))
        found.rows += len(names)
        found.files.append((file.path, 0, None))
        step = max(1, len(names) // _TEXTS_OF_FOLDER)
        found.is_whole &= step == 1
        label = features.POSITIVE if folder.name == "pos" else features.NEGATIVE
        for name in names[::step]:
            stars = name.removesuffix(".txt").rpartition("_")[2]
            rating = int(stars) if stars.isdecimal() and len(stars) < 3 else None
            with (folder / name).open("rb") as stream:
                text = stream.read(_MOST_TEXT_BYTES)
            _add_review(found, text, label, rating, folder.parent.name)


def _choose(found: Inspection, tables: FoundTables, text: str, label: str) -> None:
    """Finds the columns, as a run does; where it would not, by what the values look like."""
    told: list[str] = []
    try:
        columns = choose_columns(tables.tables.values(), text, label, told.append)
        check_labelled(tables.tables, columns[1])
        check_columns(tables.named, *columns)
        if columns[0] == columns[1]:
            raise DatasetError(same_column(next(iter(tables.tables.values())), columns[0]))
        found.text_column, found.label_column = columns
        found.notices += told
        return
    except DatasetError as error:
        found.objection = str(error)
    likely_text, likely_label = next(iter(tables.tables.values())).likely
    names = _in_all_tables(tables)
    found.text_column = next((name for name in (text, likely_text) if name in names), "")
    found.label_column = next((name for name in (label, likely_label) if name in names), "")
    if not found.text_column:
        try:
            chosen, _ = choose_columns(tables.tables.values(), text, "\0", told.append)
        except DatasetError:
            return
        found.text_column = chosen if chosen in names else ""
    elif found.label_column and found.text_column != found.label_column:
        found.notices.append(
            f"By their values, the text is in the column '{found.text_column}', and the label in "
            f"'{found.label_column}'."
        )
        found.objection = ""


def _in_all_tables(tables: FoundTables) -> set[str]:
    """Returns the names of what may be a text or a label in each table that has columns."""
    by_table = [set(each.names_of_values) for each in tables.tables.values() if each.columns]
    return set.intersection(*by_table) if by_table else set()


def _columns(path: Place, table: DetectedTable) -> list[Column]:
    names = list(table.names)
    most = max(_FEWEST_EXAMPLE_RECORDS, min(_EXAMPLE_RECORDS, _EXAMPLE_VALUES // len(names or "-")))
    values: dict[str, list[Any]] = {name: [] for name in names}
    records = read_records(path, table.format, names)
    try:
        for record in islice(records, most):
            if not isinstance(record, MalformedRecord):
                for name in names:
                    values[name].append(value_at(record, name))
    except UNREADABLE:
        # The survey tells of it.
        pass
    return [_column(name, values[name]) for name in names]


def _column(name: str, values: Sequence[Any]) -> Column:
    spelt = [(value, spelling) for value in values if (spelling := spelling_of(value))]
    present = [value for value, _ in spelt]
    shown = dict.fromkeys(_shown(value, spelling) for value, spelling in spelt)
    return Column(
        name,
        _kind(present, [spelling for _, spelling in spelt]),
        tuple(example[:_EXAMPLE_LENGTH] for example in islice(shown, _EXAMPLES)),
        len(shown),
        len(present),
    )


def _shown(value: Any, spelling: str) -> str:
    text = as_text(value)
    return spelling if text is None else text.strip()


def _kind(values: Sequence[Any], spellings: Sequence[str]) -> str:
    if not values:
        return "blank"
    if all(isinstance(value, Mapping) for value in values):
        return "object"
    if all(isinstance(value, list | tuple) for value in values):
        return "list"
    if all(spelling in ("true", "false", "True", "False") for spelling in spellings):
        return "true or false"
    if all(map(_is_number, spellings)):
        return "number"
    return "date" if all(map(is_date, spellings)) else "text"


def _is_number(spelling: str) -> bool:
    try:
        float(spelling)
    except ValueError:
        return False
    return True


def _survey_tables(found: Inspection, tables: FoundTables) -> None:
    """Reads the files that are chosen, whole if all are small."""
    chosen = _some(tables)
    is_whole = (
        found.bytes <= WHOLE_BYTES
        and len(chosen) == len(tables.tables)
        and sum(lines_in(*each) for each in tables.tables.items()) <= WHOLE_LINES
    )
    parts = 0 if is_whole else max(1, PARTS // len(chosen))
    columns = [found.text_column, found.label_column or found.text_column]
    if found.split_column:
        columns.append(found.split_column)
    rows: list[int | None] = []
    for path in chosen:
        read = FileSample(path, tables.tables[path], columns, parts)
        try:
            for number, record in enumerate(read.records(), start=1):
                where = f"{printable(path.name)}, record {number:,}" if not parts else path.name
                _add(found, record, where, tables.splits[path])
        except UNREADABLE as error:
            problem = unreadable(path, error)
            found.objection = f"{printable(path.name)}: {problem.detail}"
        rows.append(read.rows)
        if read.without_end:
            found.notices.append(
                f"{printable(path.name)}: at {read.without_end:,} places no line ends within "
                f"{sampling.PART_BYTES >> 20} MB. A run refuses a line of more than "
                f"{MAX_LINE_CHARACTERS:,} characters."
            )
        found.places += read.places
        found.is_whole &= read.is_whole
    found.is_whole &= len(chosen) == len(tables.tables)
    sizes = {path: size for path, size, _ in found.files}
    read_bytes = sum(sizes[str(path)] for path in chosen)
    known = [count for count in rows if count is not None]
    if len(known) == len(rows):
        share = found.bytes / read_bytes if read_bytes else 1.0
        found.rows = round(sum(known) * share)


def _size_of(path: Place, table: DetectedTable) -> int:
    if table.format.kind is SourceKind.TEXT_FOLDER:
        return sum(file.stat().st_size for file in texts_in(path))
    return path.stat().st_size


def _some(tables: FoundTables) -> list[Place]:
    """Returns the files to read from: all, or some of each split, evenly spread."""
    paths = list(tables.tables)
    if len(paths) <= MOST_FILES:
        return paths
    by_split: dict[str, list[Place]] = {}
    for path in paths:
        by_split.setdefault(tables.splits[path], []).append(path)
    most = MOST_FILES // len(by_split)
    return [path for files in by_split.values() for path in files[:: -(-len(files) // most)]]


def _add(found: Inspection, record: Record, where: str, split: str) -> None:
    survey = found.survey
    if isinstance(record, MalformedRecord):
        survey.add_problem(where, record.detail)
        return
    if found.split_column:
        value = spelling_of(record.get(found.split_column))
        split = split_spelt(value)
        if not split:
            survey.add_problem(where, f"split '{value}'")
            return
    if split in UNLABELLED:
        survey.left_out += 1
        return
    text = as_text(value_at(record, found.text_column))
    if text is None:
        survey.add_problem(where, "the text is no string")
        return
    label = ""
    if found.label_column:
        label = spelling_in(value_at(record, found.label_column), found.class_names)
    survey.add(text, label, split)
