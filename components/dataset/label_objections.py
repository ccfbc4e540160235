"""What is wrong with the labels that occur, and the settings that set it right.

Whoever follows the advice as it stands gets further: the labels that it names do occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from components import features
from components.dataset.labels import key_of, known_class, labels_named, setting_of
from components.errors import as_setting, did_you_mean

POSITIVE_LABEL, NEGATIVE_LABEL = "positive_label", "negative_label"
# More labels are counted and not listed.
LISTED = 20
_LEFT_OUT = "Labels that are named on neither side are left out."
_IS_COLUMN_RIGHT = " Is that the label's column? `label_column` names another."
# A column with more different values than this hardly holds classes.
_MANY = 50


def objection_to_labels(
    counts: Mapping[str, int], positive: str, negative: str, *, unknown: bool, is_whole: bool = True
) -> str:
    """Says that the labels are not those of two sides; returns "" if they are.

    Args:
      counts: How often each label occurs, by its spelling.
      positive: The setting `positive_label`; "" if none is named.
      negative: The setting `negative_label`.
      unknown: Whether labels that nobody named are too many to pass as bad records.
      is_whole: Whether all records were read; only then is it known what does not occur.
    """
    if not counts:
        return ""
    missing = _missing(counts, positive, negative)
    if missing and is_whole:
        return missing
    if bool(positive) != bool(negative):
        others = _objection_to_others(counts, positive, negative)
        # There are too many labels already; but advice must not name a label that was not seen.
        return others and (missing or others)
    if not positive and unknown:
        return _objection_to_unknown(counts)
    return ""


def listed(counts: Mapping[str, int]) -> str:
    """Returns "'5' (95), '2' (93)": the most frequent labels first, the rest by their number."""
    ordered = _by_count(counts)
    shown = ", ".join(f"'{label}' ({counts[label]:,})" for label in ordered[:LISTED])
    more = len(ordered) - LISTED
    return f"{shown} and {more:,} more" if more > 0 else shown


def unmatched(setting: str, counts: Mapping[str, int]) -> list[str]:
    """Returns the labels of a setting that do not occur in any spelling."""
    keys = set(map(key_of, counts))
    return [label for label in labels_named(setting) if key_of(label) not in keys]


def naming(name: str, labels: Iterable[str]) -> str:
    """Returns the setting `name` with the value that names these labels."""
    return as_setting(name, setting_of(labels))


def _missing(counts: Mapping[str, int], positive: str, negative: str) -> str:
    """Says that no label of a side occurs."""
    for name, setting in ((POSITIVE_LABEL, positive), (NEGATIVE_LABEL, negative)):
        missing = unmatched(setting, counts)
        if missing and len(missing) == len(labels_named(setting)):
            names = " and ".join(f"'{label}'" for label in missing)
            verb = "does not occur" if len(missing) == 1 else "do not occur"
            return (
                f"`{name}`: {names} {verb}; labels are {listed(counts)}."
                f"{did_you_mean(missing[0], counts)} Name labels as they are listed; one that "
                "holds a comma in double quotes."
            )
    return ""


def _objection_to_others(counts: Mapping[str, int], positive: str, negative: str) -> str:
    """Says that several labels occur beside those of the one side that is named."""
    given, other = POSITIVE_LABEL, NEGATIVE_LABEL
    if not positive:
        given, other = other, given
    named = labels_named(positive or negative)
    keys = set(map(key_of, named))
    left = [label for label in _distinct(counts) if key_of(label) not in keys]
    if len(left) < 2:
        return ""
    if len(left) <= LISTED:
        advice = f"{naming(given, named)} {naming(other, _in_order(left))}, or with fewer of them"
    else:
        advice = f"{naming(given, named)} {naming(other, left[:1])}"
    return (
        f"Only `{given}` is named, and {len(left):,} other labels occur: {listed(counts)}. "
        f"Name the other side as well, e.g. {advice}. {_LEFT_OUT}"
        + (_IS_COLUMN_RIGHT if len(left) > _MANY else "")
    )


def _objection_to_unknown(counts: Mapping[str, int]) -> str:
    """Says that labels occur whose class is not known."""
    labels = _distinct(counts)
    if all(known_class(label) is not None for label in labels):
        # The bad records are those without a label.
        return ""
    if len(labels) == 1:
        return f"All labels are '{labels[0]}'; two different ones are needed.{_IS_COLUMN_RIGHT}"
    if len(labels) == 2:
        likely, other = _likely_positive(labels)
        return (
            f"The labels are {listed(counts)}; they do not tell which is positive. Say it: "
            f"{naming(POSITIVE_LABEL, [likely])}, or {naming(POSITIVE_LABEL, [other])}."
        )
    sides = _two_sides(labels)
    advice = " ".join(map(naming, (POSITIVE_LABEL, NEGATIVE_LABEL), sides))
    if set(map(key_of, labels)) == {"-1", "0", "1"}:
        # Hugging Face marks reviews without a label by -1.
        unlabelled = f"{naming(POSITIVE_LABEL, ['1'])} {naming(NEGATIVE_LABEL, ['0'])}"
        advice += f", or, if -1 stands for no label, {unlabelled}"
    return (
        f"The labels are {listed(counts)}; they do not tell which are positive. Name both sides, "
        f"e.g. {advice}. {_LEFT_OUT}" + (_IS_COLUMN_RIGHT if len(labels) > _MANY else "")
    )


def _likely_positive(labels: Sequence[str]) -> tuple[str, str]:
    """Returns two labels, first the one that is more likely to be positive."""
    first, second = labels
    numbers = [_number(label) for label in labels]
    if None not in numbers:
        lower, higher = _in_order(labels)
        return higher, lower
    if known_class(first) == features.NEGATIVE or known_class(second) == features.POSITIVE:
        return second, first
    # So the words begin in many languages: negativo, negatif; positivo, positiv.
    if _begins(first, "neg", "nég") or _begins(second, "pos"):
        return second, first
    return first, second


def _begins(label: str, *beginnings: str) -> bool:
    return key_of(label).startswith(beginnings)


def _two_sides(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns some positive and some negative labels of three or more.

    Of numbers, the upper and the lower half; else those whose meaning is known; else the two
    most frequent.
    """
    ordered = _in_order(labels)
    if len(labels) <= LISTED and all(_number(label) is not None for label in labels):
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


def _distinct(counts: Mapping[str, int]) -> list[str]:
    """Returns each label once, in its most frequent spelling, the most frequent label first."""
    totals: dict[str, int] = {}
    spelling: dict[str, str] = {}
    for label in _by_count(counts):
        key = key_of(label)
        totals[key] = totals.get(key, 0) + counts[label]
        spelling.setdefault(key, label)
    return _by_count({spelling[key]: total for key, total in totals.items()})


def _by_count(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda label: (-counts[label], _rank(label)))


def _in_order(labels: Iterable[str]) -> list[str]:
    """Returns numbers in their order; other labels follow, by the alphabet."""
    return sorted(labels, key=_rank)


def _rank(label: str) -> tuple[bool, Decimal, str]:
    number = _number(label)
    return number is None, number or Decimal(), label


def _number(label: str) -> Decimal | None:
    try:
        number = Decimal(key_of(label))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
