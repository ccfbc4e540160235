"""What is wrong with the labels that occur, and the settings that set it right.

Whoever follows the advice as it stands gets further: the labels that it names do occur.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from components import features
from components.dataset.label_settings import (
    FEWEST_CLASSES,
    LABELS,
    MAP_LABELS,
    MOST_CLASSES,
    NEGATIVE_LABEL,
    POSITIVE_LABEL,
    LabelSettings,
    in_order,
    number_in,
)
from components.dataset.labels import LabelLookup, key_of, known_class, setting_of
from components.errors import as_setting, did_you_mean

# More labels are counted and not listed.
LISTED = 20
LEFT_OUT_SIDES = "Labels that are named on neither side are left out."
_LEFT_OUT = "Labels that are not named are left out."
IS_COLUMN_RIGHT = " Is that the label's column? `label_column` names another."
# A column with more different values than this hardly holds classes.
MANY = 50
# Of more classes, a few of the largest and of the smallest are shown.
_SHOWN_CLASSES = 10
# Of a label that only shows what a column holds.
_LONGEST_EXAMPLE = 40
# A column with so many records, and more different labels than half of them, holds no classes.
_MANY_RECORDS = 50
# Where a hash of the text puts too few of a class into a split.
DRAW_SPLITS = (
    " A hash of the text draws the splits; a column 'split' with train and test draws them as you "
    "wish."
)
_DATES = "dates"
_DATE = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{4}|\d{1,2}/\d{1,2}/\d{2})"
    r"([T ,]+\d{1,2}:\d{2}.*)?"
    r"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{1,2}:\d{2}.*"
)


def objection_to_missing(counts: Mapping[str, int], settings: LabelSettings) -> str:
    """Says that no label of a class occurs although it is named; returns "" if none is missing.

    Args:
      counts: How often each label occurs, by its spelling; of all records.
      settings: What was named.
    """
    for setting in (POSITIVE_LABEL, NEGATIVE_LABEL):
        named = settings.named(setting)
        lacking = unmatched(named, counts)
        if lacking and len(lacking) == len(named):
            return _missing(setting, lacking, counts)
    missing = set(unmatched((label for label, _ in settings.label_classes), counts))
    by_class: dict[str, list[str]] = {name: [] for name in settings.classes}
    for label, name in settings.label_classes:
        by_class[name].append(label)
    for name, labels in by_class.items():
        if missing.issuperset(labels):
            given = LABELS if name in settings.named(LABELS) else MAP_LABELS
            return _missing(given, list(dict.fromkeys(labels)), counts)
    return ""


def _missing(setting: str, missing: Sequence[str], counts: Mapping[str, int]) -> str:
    names = " and ".join(f"'{label}'" for label in missing[:LISTED])
    verb = "does not occur" if len(missing) == 1 else "do not occur"
    return (
        f"`{setting}`: {names} {verb}; labels are {listed(counts) or 'none'}."
        f"{did_you_mean(missing[0], counts)} Name labels as they are listed; one that "
        "holds a comma in double quotes."
    )


def listed(counts: Mapping[str, int]) -> str:
    """Returns "'5' (95), '2' (93)": the most frequent labels first, the rest by their number."""
    ordered = by_count(counts)
    shown = ", ".join(f"'{label}' ({counts[label]:,})" for label in ordered[:LISTED])
    more = len(ordered) - LISTED
    return f"{shown} and {more:,} more" if more > 0 else shown


def in_short(counts: Mapping[str, int]) -> str:
    """Returns classes with their counts, in the order given; of many, the largest and smallest."""
    if len(counts) <= _SHOWN_CLASSES:
        return ", ".join(f"'{name}' ({count:,})" for name, count in counts.items())
    ordered = by_count(counts)
    half = _SHOWN_CLASSES // 2
    largest, smallest = (
        ", ".join(f"'{name}' ({counts[name]:,})" for name in names)
        for names in (ordered[:half], ordered[-half:])
    )
    more = len(ordered) - 2 * half
    return f"the largest {largest}, the smallest {smallest}, and {more:,} more"


def unmatched(labels: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    """Returns the labels that do not occur in any spelling."""
    keys = set(map(key_of, counts))
    return [label for label in labels if key_of(label) not in keys]


def naming(name: str, labels: Iterable[str]) -> str:
    """Returns the setting `name` with the value that names these labels."""
    return as_setting(name, setting_of(labels))


def objection_to_others(counts: Mapping[str, int], settings: LabelSettings) -> str:
    """Says that several labels occur beside those of the one side that is named, or nothing."""
    given, other = POSITIVE_LABEL, NEGATIVE_LABEL
    if not settings.positive_label.strip():
        given, other = other, given
    named = settings.named(given)
    left = beside(counts, named)
    if len(left) < 2:
        return ""
    if len(left) <= LISTED:
        advice = f"{naming(given, named)} {naming(other, in_order(left))}, or with fewer of them"
    else:
        advice = f"{naming(given, named)} {naming(other, left[:1])}"
    return (
        f"Only `{given}` is named, and {len(left):,} other labels occur: {listed(counts)}. "
        f"Name the other side as well, e.g. {advice}. {LEFT_OUT_SIDES}"
        + (IS_COLUMN_RIGHT if len(left) > MANY else "")
    )


def beside(counts: Mapping[str, int], named: Iterable[str]) -> list[str]:
    """Returns the labels, each once, that are not among those that are named."""
    keys = set(map(key_of, named))
    return [label for label in distinct(counts) if key_of(label) not in keys]


def objection_to_unknown(
    counts: Mapping[str, int],
    classes: Sequence[str] = features.CLASSES,
    label_classes: Sequence[Sequence[str]] = (),
) -> str:
    """Says that labels occur whose class is not known; returns "" if there are none.

    Args:
      counts: How often each label occurs, by its spelling.
      classes: The classes.
      label_classes: Pairs of label and class; empty for the usual spellings.
    """
    lookup = LabelLookup(classes, label_classes, leaves_out=False)
    labels = list(distinct(counts))
    unknown = [label for label in labels if lookup.label_of(label) is None]
    if not unknown:
        # The bad records are those without a label.
        return ""
    doubt = IS_COLUMN_RIGHT if len(labels) > MANY else ""
    if label_classes:
        return _objection_to_new({label: counts[label] for label in unknown}, label_classes) + doubt
    if len(labels) == 1:
        return f"All labels are '{labels[0]}'; two different ones are needed.{IS_COLUMN_RIGHT}"
    sides = " ".join(map(naming, (POSITIVE_LABEL, NEGATIVE_LABEL), _two_sides(labels)))
    advice = f"as two sides, e.g. {sides}"
    if len(labels) <= LISTED:
        advice = f"{naming(LABELS, in_order(labels))}, or {advice}"
    return f"The labels are {listed(counts)}. Name the classes: {advice}. {_LEFT_OUT}{doubt}"


def _objection_to_new(unknown: Mapping[str, int], label_classes: Sequence[Sequence[str]]) -> str:
    """Says which labels occur beside those that were there to learn the classes from."""
    classes = list(dict.fromkeys(name for _, name in label_classes))
    verb = "means" if len(unknown) == 1 else "mean"
    message = f"{listed(unknown)} {verb} none of the classes of train ({_named(classes)})."
    if any(label != name for label, name in label_classes):
        return message
    if len(classes) <= LISTED:
        return f"{message} To leave such labels out, name the classes: {naming(LABELS, classes)}."
    return f"{message} To leave such labels out, name the classes with `{LABELS}`."


def _named(classes: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in classes[:_SHOWN_CLASSES])
    more = len(classes) - _SHOWN_CLASSES
    return f"{shown} and {more:,} more" if more > 0 else shown


def objection_to_split(split: str, by_class: Mapping[str, int], min_class_size: int) -> str:
    """Says that a split is empty, or which classes have too few reviews in it; else "".

    Args:
      split: Its name.
      by_class: Reviews in the split by class.
      min_class_size: How many there should be of each.
    """
    present = {name: count for name, count in by_class.items() if count}
    few = {name: count for name, count in by_class.items() if count < min_class_size}
    if not present:
        return f"Split '{split}' is empty: 0 reviews."
    if len(present) == 1:
        shown = present if len(by_class) > _SHOWN_CLASSES else by_class
        counted = ", ".join(f"{count:,} {name}" for name, count in shown.items())
        return f"Split '{split}' has one class only in feature '{features.LABEL}': {counted}."
    if not few:
        return ""
    others = [name for name in by_class if name not in few]
    reviews = "review" if min_class_size == 1 else "reviews"
    message = (
        f"Split '{split}' has fewer than {min_class_size:,} {reviews} of {in_short(few)}, which "
        "`min_class_size` asks of each class. Give more of them"
    )
    if FEWEST_CLASSES <= len(others) <= LISTED:
        message += f", or leave them out by naming the others, e.g. {naming(LABELS, others)}"
    elif len(by_class) > FEWEST_CLASSES:
        message += f", or count them to other classes by `{MAP_LABELS}`"
    # A class that train lacks cannot be learned, and two are the least.
    is_needed = split == features.TRAIN_SPLIT or len(by_class) == FEWEST_CLASSES
    if min(few.values()) or not is_needed:
        message += f", or let them be: {as_setting('min_class_size', min(few.values()))}"
    return f"{message}.{IS_COLUMN_RIGHT if len(few) > MANY else ''}"


def objection_to_labels(column: str, counts: Mapping[str, int], records: int) -> str:
    """Says that labels which are learned are too many for classes, dates or measures; else "".

    Args:
      column: Their column.
      counts: How often each label occurs.
      records: How many records were read.
    """
    are_most = records >= _MANY_RECORDS and len(counts) * 2 > records
    are_many = len(counts) > MOST_CLASSES or are_most
    if are_many or _kind_of(counts) == _DATES or (len(counts) > MANY and _are_measures(counts)):
        return objection_to_column(column, counts)
    return ""


def objection_to_column(column: str, counts: Mapping[str, int]) -> str:
    """Says that the values of a column are no classes, and what they seem to be."""
    number = f"over {MOST_CLASSES:,}" if len(counts) > MOST_CLASSES else f"{len(counts):,}"
    examples = ", ".join(f"'{_begun(label)}'" for label in by_count(counts)[:3])
    return (
        f"The column '{column}' has {number} different values, e.g. {examples}: are "
        f"they {_kind_of(counts)}, and no classes? `label_column` names another column; `{LABELS}` "
        "names the classes, if these are some of them."
    )


def is_date(label: str) -> bool:
    """Says whether a label is a date, or a date and a time, as tables usually write them."""
    return bool(_DATE.fullmatch(label))


def _kind_of(labels: Iterable[str]) -> str:
    """Returns what labels are that are no classes."""
    labels = list(labels)
    if labels and all(map(is_date, labels)):
        return _DATES
    return "numbers" if all(number_in(label) is not None for label in labels) else "texts"


def _are_measures(labels: Iterable[str]) -> bool:
    """Says whether all are numbers, and some have a fraction: no codes of classes."""
    numbers = list(map(number_in, labels))
    return all(number is not None for number in numbers) and any(
        number is not None and number % 1 for number in numbers
    )


def _begun(label: str) -> str:
    return label if len(label) <= _LONGEST_EXAMPLE else f"{label[: _LONGEST_EXAMPLE - 3]}..."


def _two_sides(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns some positive and some negative labels of two or more.

    Of numbers, the upper and the lower half; else those whose meaning is known; else the two
    most frequent.
    """
    ordered = list(in_order(labels))
    if len(labels) <= LISTED and all(number_in(label) is not None for label in labels):
        half = len(ordered) // 2
        return ordered[-half:], ordered[:half]
    positive = [label for label in labels if known_class(label) == features.POSITIVE]
    negative = [label for label in labels if known_class(label) == features.NEGATIVE]
    if positive and negative:
        return positive, negative
    if positive or negative:
        rest = [label for label in labels if known_class(label) is None][:1]
        return positive or rest, negative or rest
    return [labels[0]], [labels[1]]


def distinct(counts: Mapping[str, int]) -> dict[str, int]:
    """Returns each label once, in its most frequent spelling, the most frequent label first."""
    totals: dict[str, int] = {}
    spelling: dict[str, str] = {}
    for label in by_count(counts):
        key = key_of(label)
        totals[key] = totals.get(key, 0) + counts[label]
        spelling.setdefault(key, label)
    once = {spelling[key]: total for key, total in totals.items()}
    return {label: once[label] for label in by_count(once)}


def by_count(counts: Mapping[str, int]) -> list[str]:
    """Returns the labels, the most frequent first."""
    return sorted(in_order(counts), key=lambda label: -counts[label])
