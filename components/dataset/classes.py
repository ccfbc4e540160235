"""Which classes a table has, and which labels mean them: named by the user, or learned from train.

Decided before a pipeline is wired, so that every step knows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from components.dataset.label_counts import LabelCounts, all_labels, first_labels
from components.dataset.label_objections import (
    IS_COLUMN_RIGHT,
    MANY,
    beside,
    distinct,
    in_short,
    listed,
    naming,
    objection_to_column,
    objection_to_labels,
    objection_to_missing,
    objection_to_others,
    unmatched,
)
from components.dataset.label_settings import (
    LABELS,
    MAP_LABELS,
    NEGATIVE_LABEL,
    POSITIVE_LABEL,
    LabelSettings,
    in_order,
    two_sides,
)
from components.dataset.labels import key_of, known_class, labels_named, setting_of
from components.dataset.source import ReviewSource
from components.errors import DataGateError, as_setting

# Labels beside the usual ones that are as rare as this are errors in single records.
_SHARE_OF_SLIPS = 0.01
# Of labels that the data spells otherwise.
_TOLD_SPELLINGS = 5

Notify = Callable[[str], None]


def with_classes(
    source: ReviewSource, settings: LabelSettings, notify: Notify, note: Notify
) -> ReviewSource:
    """Returns the source with its classes, and with the labels that mean them.

    What is named is looked for in the first records. Where nothing is named, and labels occur
    beside the usual spellings of negative and positive, all labels of train are read once, and are
    the classes: at most 1,000, numbers in their order, others by the alphabet.

    Args:
      source: What is known of the files and columns.
      settings: What the user says of classes.
      notify: Is told what must not be missed: a label that does not occur, a doubtful column.
      note: Is told what is good to know: which classes were learned, how labels are spelt.

    Raises:
      DataGateError: A class that is named does not occur; only one of two sides is named, and
        several other labels occur; or there are too many labels to be classes.
    """
    counts = first_labels(source)
    settings = _with_whole_labels(settings, counts.all, note)
    if settings.names_classes:
        found = replace(
            source,
            classes=settings.classes,
            label_classes=settings.label_classes,
            leaves_out=True,
        )
    elif settings.names_sides:
        found, counts = _with_sides(source, settings, counts)
    else:
        return _learned(source, counts, notify, note)
    missing = objection_to_missing(counts.all, settings) if counts.is_whole else ""
    if missing and counts.records:
        raise _unfit(missing)
    _tell_of_spellings(settings, counts, notify, note)
    return found


def _unfit(sentence: str) -> DataGateError:
    return DataGateError(f"The data is not fit to train on. {sentence}")


def _with_whole_labels(
    settings: LabelSettings, counts: Mapping[str, int], note: Notify
) -> LabelSettings:
    """Takes a side with commas as a single label where the data has exactly that label."""
    changed: dict[str, str] = {}
    for name in (POSITIVE_LABEL, NEGATIVE_LABEL):
        setting = getattr(settings, name).strip()
        occurs = setting.casefold() in map(str.casefold, counts)
        if occurs and labels_named(setting) != (setting,):
            changed[name] = setting_of([setting])
            several = ",".join(f'"{label}"' for label in labels_named(setting))
            note(
                f"{as_setting(name, setting)} is one label of the data. For several: "
                f"{as_setting(name, several)}."
            )
    return replace(settings, **changed)


def _with_sides(
    source: ReviewSource, settings: LabelSettings, counts: LabelCounts
) -> tuple[ReviewSource, LabelCounts]:
    """Returns the source with two classes; the side that is not named is the one other label."""
    positive, negative = settings.named(POSITIVE_LABEL), settings.named(NEGATIVE_LABEL)
    leaves_out = bool(positive and negative)
    if not leaves_out:
        if not beside(counts.to_train_on, positive + negative) and not counts.is_whole:
            counts = all_labels(source)
        if counts.is_whole and (missing := objection_to_missing(counts.all, settings)):
            raise _unfit(missing)
        if objection := objection_to_others(counts.to_train_on, settings):
            # Advice must not name a label that was not seen.
            raise _unfit(objection_to_missing(counts.to_train_on, settings) or objection)
        other = tuple(beside(counts.to_train_on, positive + negative))
        positive, negative = positive or other, negative or other
    classes, label_classes = two_sides(positive, negative)
    found = replace(source, classes=classes, label_classes=label_classes, leaves_out=leaves_out)
    return found, counts


def _tell_of_spellings(
    settings: LabelSettings, counts: LabelCounts, notify: Notify, note: Notify
) -> None:
    """Tells of each named label that the data spells otherwise, or does not have."""
    literal, occurring = set(settings.spellings()), counts.all
    by_key: dict[str, list[str]] = {}
    for each in occurring:
        if each not in literal:
            by_key.setdefault(key_of(each), []).append(each)
    by_setting = {name: settings.named(name) for name in (POSITIVE_LABEL, NEGATIVE_LABEL, LABELS)}
    mapped = dict.fromkeys(label for label, _ in settings.label_classes)
    by_setting[MAP_LABELS] = tuple(label for label in mapped if label not in settings.classes)
    for name, labels in by_setting.items():
        missing = unmatched(labels, occurring)
        # A class that is mapped to need not be a label as well.
        missing = [label for label in missing if name != LABELS or not settings.map_labels.strip()]
        if counts.is_whole and missing:
            names = ", ".join(f"'{label}'" for label in missing)
            notify(f"`{name}`: {names} does not occur; labels are {listed(occurring)}.")
        told = []
        for label in labels:
            if alike := by_key.get(key_of(label)):
                spelt = ", ".join(f"'{each}' ({occurring[each]:,})" for each in alike)
                verb = "also means" if label in occurring else "means"
                told.append(f"'{label}' {verb} {spelt}")
        if told:
            more = f" and {len(told) - _TOLD_SPELLINGS:,} more" if told[_TOLD_SPELLINGS:] else ""
            note(f"`{name}`: {', '.join(told[:_TOLD_SPELLINGS])}{more}.")


def _learned(
    source: ReviewSource, counts: LabelCounts, notify: Notify, note: Notify
) -> ReviewSource:
    """Returns the source with the classes that train has."""
    was_whole = counts.is_whole
    is_settled = counts.is_mixed and _is_usual(counts.to_train_on)
    if not (was_whole or counts.too_many or is_settled):
        counts = all_labels(source)
    train = counts.to_train_on
    if counts.too_many:
        raise _unfit(objection_to_column(source.label_column, train))
    # Names in a file's metadata are different classes to those who wrote them.
    labels = dict(train) if source.class_names else distinct(train)
    if objection := objection_to_labels(source.label_column, labels, counts.records):
        raise _unfit(objection)
    meanings = {known_class(label) for label in labels}
    is_one = len(labels) == 1 or (len(meanings) == 1 and None not in meanings)
    if is_one and counts.is_whole and not (was_whole or counts.is_broken):
        raise _unfit(f"All reviews are of one class; labels are {listed(train)}.")
    if is_one or not labels or None not in meanings or _is_usual(train):
        return source
    classes = _ordered(labels, source.class_names)
    tell = notify if len(classes) > MANY else note
    tell(_told({name: labels[name] for name in classes}))
    return replace(source, classes=classes, label_classes=tuple((name, name) for name in classes))


def _is_known(label: str) -> bool:
    return known_class(label) is not None


def _is_usual(counts: Counter[str]) -> bool:
    """Says whether the labels are the usual ones of both sides, with at most a few slips."""
    if len({known_class(label) for label in counts} - {None}) < 2:
        return False
    others = [count for label, count in counts.items() if not _is_known(label)]
    return max(others, default=0) <= 1 or sum(others) < _SHARE_OF_SLIPS * counts.total()


def _ordered(labels: Mapping[str, int], class_names: Sequence[str]) -> tuple[str, ...]:
    """Returns the classes in the order that the data set's authors gave them, if they did."""
    places = {name: place for place, name in enumerate(class_names)}
    return tuple(sorted(in_order(labels), key=lambda name: places.get(name, len(places))))


def _told(counts: Mapping[str, int]) -> str:
    """Says what was learned."""
    if len(counts) == 2:
        first, second = counts
        return (
            f"The classes are {in_short(counts)}, and the probability is that of '{second}'; "
            f"{naming(LABELS, [second, first])} turns it round."
        )
    doubt = IS_COLUMN_RIGHT if len(counts) > MANY else ""
    return f"The labels are {len(counts):,} classes: {in_short(counts)}.{doubt}"
