"""Which columns hold texts and labels: those that are named, else those with usual names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from components.dataset.detected_table import (
    DetectedTable,
    column_meant,
    folded,
    listed,
    missing_column,
    shortened,
)
from components.dataset.places import from_here
from components.dataset.records import printable
from components.dataset.splits import is_split_column
from components.errors import DatasetError, as_setting
from components.storage.place import Place

TEXT_COLUMN, LABEL_COLUMN = "text_column", "label_column"
# What the columns are called where nobody names them.
DEFAULT_TEXT, DEFAULT_LABEL = "text", "label"

# Usual names, without what separates their words. Those of a later group count only where no name
# of an earlier one occurs: a review has a title as well, but where a title is all, it is the text.
_TEXTS = (
    "text texts review reviews reviewtext textreview reviewbody reviewcontent body bodytext "
    "content contents comment comments commenttext message messagetext messagebody sentence "
    "sentences tweet tweettext post posttext document documenttext feedback utterance fulltext "
    "rawtext cleantext articletext article paragraph",
    "title headline subject summary description question query input prompt snippet phrase",
)
_LABELS = (
    "label labels labelname labeltext classlabel sentiment sentimentlabel airlinesentiment class "
    "classes classname target polarity category categoryname intent emotion stars starrating "
    "rating ratings reviewrating reviewstars",
    "score overall topic tag type priority grade verdict output y",
)
# What to do about a list of which more than one value is needed.
_OF_LISTS = {
    TEXT_COLUMN: "To keep all that a list holds, join it in a column of its own.",
    LABEL_COLUMN: "A text has one class: of several labels, say of one whether a text has it, by "
    "yes and no in a column of its own.",
}
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_MOST_NAMED = 8


def choose_columns(
    tables: Iterable[DetectedTable], text: str, label: str, notify: Callable[[str], None]
) -> tuple[str, str]:
    """Returns the columns of texts and labels, in all tables.

    Where none is named, `text` and `label` come first, then a single one of the usual names, and
    for labels a single column beside the text. Where there is none, the name that was looked for
    comes back; `check_columns` explains it.

    Args:
      tables: The tables.
      text: The setting `text_column`; "" if none is named.
      label: The setting `label_column`; "" if none is named.
      notify: Is told which columns were chosen.

    Raises:
      DatasetError: Several columns have usual names.
    """
    tables = list(tables)
    found_text = _meant_or_usual(tables, text, DEFAULT_TEXT, _TEXTS, TEXT_COLUMN, notify)
    found_label = _meant_or_usual(
        tables, label, DEFAULT_LABEL, _LABELS, LABEL_COLUMN, notify, {found_text}
    )
    told = {}
    if not text and _is_guessed(found_text, DEFAULT_TEXT):
        told[TEXT_COLUMN] = f"text from the column '{shortened(found_text)}'"
    if not label and not _is_in_all(tables, found_label):
        found_label = _only_other(tables, found_text, found_label, notify)
    elif not label and _is_guessed(found_label, DEFAULT_LABEL):
        told[LABEL_COLUMN] = f"label from the column '{shortened(found_label)}'"
    _tell(told, notify)
    return found_text, found_label


def choose_text_column(
    tables: Iterable[DetectedTable], text: str, notify: Callable[[str], None]
) -> str:
    """Returns the column of texts, as `choose_columns` does."""
    found = _meant_or_usual(list(tables), text, DEFAULT_TEXT, _TEXTS, TEXT_COLUMN, notify)
    if not text and _is_guessed(found, DEFAULT_TEXT):
        _tell({TEXT_COLUMN: f"text from the column '{shortened(found)}'"}, notify)
    return found


def has_usual_columns(table: DetectedTable) -> bool:
    """Says whether a first row names both texts and labels as people usually do."""
    return all(_usual([table], tiers, set()) for tiers in (_TEXTS, _LABELS))


def check_columns(
    tables: Iterable[tuple[str, DetectedTable]], text_column: str, label_column: str
) -> None:
    """Checks that all tables have both columns.

    Args:
      tables: Each behind the name that messages call it.
      text_column: Column of the text.
      label_column: Column of the label.

    Raises:
      DatasetError: One is empty or lacks a column, or has objects or lists there.
    """
    tables = list(tables)
    for name, table in tables:
        if not table.columns:
            raise DatasetError(f"{name} is empty: expected columns {text_column}, {label_column}.")
        missing = [column for column in (text_column, label_column) if column not in table.names]
        if missing:
            if other := next((each for each, of in tables if missing[0] in of.names), ""):
                raise DatasetError(
                    f"{name} has no column '{shortened(missing[0])}', as {other} has. Its columns "
                    f"are: {listed(table.columns)}. Give the column one name in all files."
                )
            setting = TEXT_COLUMN if missing[0] == text_column else LABEL_COLUMN
            message = missing_column(
                table, name, missing[0], setting, LABEL_COLUMN, lacks_both=len(missing) == 2
            )
            raise DatasetError(message)
        for column, setting in ((text_column, TEXT_COLUMN), (label_column, LABEL_COLUMN)):
            if objection := objection_to_column(table, name, column, setting, LABEL_COLUMN):
                raise DatasetError(objection)


def objection_to_column(
    table: DetectedTable, name: str, column: str, setting: str, label_setting: str = ""
) -> str:
    """Says why a column cannot be read: it is missing, or holds objects or lists; "" if it can.

    Args:
      table: The table, which has columns.
      name: The file's name.
      column: The column.
      setting: The setting that names it.
      label_setting: The setting that names the column of labels, where there is one.
    """
    if column not in table.names:
        return missing_column(table, name, column, setting, label_setting)
    if column not in table.composite:
        return ""
    names = (*table.names_of_values, *table.in_lists)
    inside = [each for each in names if each.startswith(f"{column}.")]
    tiers = _TEXTS if setting == TEXT_COLUMN else _LABELS
    likely = [*_with_usual_name(inside, tiers), *inside, f"{column}.0"][0]
    found = f" Inside it are: {listed(inside)}." if inside else ""
    several = "" if inside else f" {_OF_LISTS.get(setting, '')}"
    return (
        f"{name}: the column '{shortened(column)}' holds objects or lists; expected one value a "
        f"record.{found} Name another with `{setting}`, or what is inside, e.g. "
        f"{as_setting(setting, likely)}.{several}"
    )


def check_labelled(tables: Mapping[Place, DetectedTable], label_column: str) -> None:
    """Refuses some files without the labels that others have: a contest does not publish them.

    Raises:
      DatasetError: Says which files to read alone.
    """
    labels = {
        path: label_column
        if label_column in table.names
        else next(iter(_usual([table], _LABELS, ())), "")
        for path, table in tables.items()
        if table.columns
    }
    labelled = [path for path, label in labels.items() if label]
    if not labelled or len(labelled) == len(labels):
        return
    lacking = next(path for path, label in labels.items() if not label)
    data = ",".join(from_here(str(path)) for path in labelled)
    raise DatasetError(
        f"{printable(lacking.name)} has no column '{shortened(labels[labelled[0]])}', as "
        f"{printable(labelled[0].name)} has. If it has no labels, give only what has some: {data}."
    )


def _tell(told: Mapping[str, str], notify: Callable[[str], None]) -> None:
    if told:
        sentence = ", ".join(told.values())
        verb = "names another" if len(told) == 1 else "name others"
        settings = " and ".join(f"`{setting}`" for setting in told)
        notify(f"{sentence[0].upper()}{sentence[1:]}, by the usual names; {settings} {verb}.")


def _is_guessed(column: str, default: str) -> bool:
    # What differs in its case alone was told already.
    return folded(column) != folded(default)


def _is_in_all(tables: Sequence[DetectedTable], column: str) -> bool:
    return all(column in table.names for table in tables if table.columns)


def _meant_or_usual(
    tables: Sequence[DetectedTable],
    named: str,
    default: str,
    tiers: Sequence[str],
    setting: str,
    notify: Callable[[str], None],
    taken: Collection[str] = (),
) -> str:
    if named:
        return column_meant(tables, named, notify)
    found = column_meant(tables, default, notify)
    holds_values = not any(found in table.composite for table in tables)
    if holds_values and any(found in table.names for table in tables):
        return found
    usual = _usual(tables, tiers, taken)
    if len(usual) > 1:
        listed = ", ".join(f"'{shortened(name)}'" for name in usual[:_MOST_NAMED])
        more = f" and {len(usual) - _MOST_NAMED:,} more" if len(usual) > _MOST_NAMED else ""
        choices = " or ".join(as_setting(setting, name) for name in usual[:2])
        raise DatasetError(
            f"There is no column '{default}', and several may be it: {listed}{more}. Name one, "
            f"e.g. {choices}."
        )
    return usual[0] if usual else found


def _usual(
    tables: Sequence[DetectedTable], tiers: Sequence[str], taken: Collection[str]
) -> list[str]:
    """Returns the columns of all tables that have a usual name, of the first group with any.

    What is inside other columns counts where no column itself has such a name. What holds objects
    or lists never counts.
    """
    whole = [table for table in tables if table.columns]
    if not whole:
        return []
    composite = {name for table in whole for name in table.composite}
    for names in ([table.columns for table in whole], [table.nested for table in whole]):
        shared = [
            name
            for name in names[0]
            if name not in {*taken, *composite} and all(name in others for others in names[1:])
        ]
        if found := _with_usual_name(shared, tiers):
            return found
    return []


def _with_usual_name(names: Iterable[str], tiers: Sequence[str]) -> list[str]:
    """Returns those that have a usual name, of the first group with any."""
    plain = {name: _plain(name.rpartition(".")[2] or name) for name in names}
    for tier in tiers:
        words = set(tier.split())
        if found := [name for name, word in plain.items() if word in words]:
            return found
    return []


def _plain(name: str) -> str:
    return _BETWEEN_WORDS.sub("", folded(name))


def _only_other(
    tables: Sequence[DetectedTable],
    text_column: str,
    label_column: str,
    notify: Callable[[str], None],
) -> str:
    """Returns the only column beside the text, where all tables have the same one."""
    if any(label_column in table.columns for table in tables) or not all(
        text_column in table.columns for table in tables
    ):
        return label_column
    left = {
        tuple(
            name
            for name in table.columns
            if name.strip() and name != text_column and not is_split_column(name)
        )
        for table in tables
    }
    if len(left) != 1 or len(only := left.pop()) != 1:
        return label_column
    if any(only[0] in table.composite for table in tables):
        return label_column
    notify(
        f"The column '{only[0]}' is taken for the label: it is the only one beside "
        f"'{text_column}'. `label_column` names another."
    )
    return only[0]
