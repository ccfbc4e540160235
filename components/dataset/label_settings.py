"""What a person says of classes: by naming them, by mapping labels to them, or by two sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from components import features
from components.dataset.labels import key_of, known_class, labels_named, shown_label
from components.errors import ConfigurationError, as_setting

LABELS, MAP_LABELS = "labels", "map_labels"
POSITIVE_LABEL, NEGATIVE_LABEL = "positive_label", "negative_label"
FEWEST_CLASSES, MOST_CLASSES = 2, 1_000

_MAP_EXAMPLE = as_setting(MAP_LABELS, "5=good,4=good,1=bad")


@dataclass(frozen=True)
class LabelSettings:
    """The settings that say which classes there are, and which labels mean them.

    Attributes:
      labels: The classes in their order, each of which is its own label; see
        `labels.labels_named`.
      map_labels: Labels and the classes that they mean, "5=good,4=good,1=bad"; see `mapped`.
      positive_label: The labels of the second of two classes.
      negative_label: The labels of the first of two classes.

    Raises:
      ConfigurationError: They contradict each other, or name too few or too many classes.
    """

    labels: str = ""
    map_labels: str = ""
    positive_label: str = ""
    negative_label: str = ""

    def __post_init__(self) -> None:
        """Checks what can be checked without the data."""
        by_class = [name for name in (LABELS, MAP_LABELS) if getattr(self, name).strip()]
        by_side = [name for name in (POSITIVE_LABEL, NEGATIVE_LABEL) if getattr(self, name).strip()]
        if by_class and by_side:
            raise ConfigurationError(
                f"`{by_class[0]}` and `{by_side[0]}` both say which classes there are. Leave one "
                "of them out."
            )
        _refuse_repeated(self.named(POSITIVE_LABEL), self.named(NEGATIVE_LABEL))
        if by_class:
            self._check_classes()

    def _check_classes(self) -> None:
        labels, pairs = self.named(LABELS), mapped(self.map_labels)
        count = len(self.classes)
        if not FEWEST_CLASSES <= count <= MOST_CLASSES:
            name = LABELS if labels else MAP_LABELS
            example = as_setting(LABELS, "good,bad") if labels else _MAP_EXAMPLE
            raise ConfigurationError(
                f"`{name}` names {count:,} {'class' if count == 1 else 'classes'}; expected "
                f"{FEWEST_CLASSES} to {MOST_CLASSES:,} with commas in between, e.g. {example}."
            )
        before: dict[str, list[str]] = {}
        for label in labels:
            if other := _same_label(label, before):
                raise ConfigurationError(
                    f"`{LABELS}` names '{other}' and '{label}', which are one label. Name it once."
                )
            before.setdefault(key_of(label), []).append(label)
        unknown = [name for _, name in pairs if labels and name not in labels]
        if unknown:
            raise ConfigurationError(
                f"`{MAP_LABELS}` has the class '{unknown[0]}', and `{LABELS}` does not name it. "
                f"Add it there, or leave `{LABELS}` out."
            )

    def named(self, setting: str) -> tuple[str, ...]:
        """Returns the labels that `labels`, `positive_label` or `negative_label` names."""
        return tuple(map(shown_label, labels_named(getattr(self, setting))))

    @property
    def names_classes(self) -> bool:
        """Whether classes are named, or labels are mapped to them."""
        return bool(self.labels.strip() or self.map_labels.strip())

    @property
    def names_sides(self) -> bool:
        """Whether labels of a side are named."""
        return bool(self.positive_label.strip() or self.negative_label.strip())

    @property
    def names_anything(self) -> bool:
        """Whether any of the four is given."""
        return self.names_classes or self.names_sides

    @property
    def classes(self) -> tuple[str, ...]:
        """Returns the classes that `labels` or `map_labels` names, in their order."""
        named = self.named(LABELS)
        return named or in_order(dict.fromkeys(name for _, name in mapped(self.map_labels)))

    @property
    def label_classes(self) -> tuple[tuple[str, str], ...]:
        """Returns pairs of label and class: those that are mapped, then each class itself."""
        return (*mapped(self.map_labels), *((name, name) for name in self.classes))

    def spellings(self) -> tuple[str, ...]:
        """Returns all labels that are named in any way."""
        sides = (*self.named(POSITIVE_LABEL), *self.named(NEGATIVE_LABEL))
        return (*sides, *(label for label, _ in self.label_classes))


def two_sides(
    positive: Sequence[str], negative: Sequence[str]
) -> tuple[tuple[str, str], tuple[tuple[str, str], ...]]:
    """Returns the names of two classes, the negative one first, and the pairs of label and class.

    A side with one label is named for it, others for what they mean; so are both where the labels
    are usual spellings.
    """
    first = _name_of_side(negative, positive, features.NEGATIVE)
    second = _name_of_side(positive, negative, features.POSITIVE)
    classes = (first, second) if first != second else features.CLASSES
    pairs = [(label, classes[features.POSITIVE]) for label in positive]
    pairs += [(label, classes[features.NEGATIVE]) for label in negative]
    return classes, tuple(pairs)


def _name_of_side(side: Sequence[str], other: Sequence[str], label: int) -> str:
    usual = features.CLASSES[label]
    if len(side) != 1:
        return usual
    known = known_class(side[0])
    if len(other) == 1:
        are_usual = known is not None and known_class(other[0]) is not None
    else:
        are_usual = known == label
    return usual if are_usual else side[0]


def mapped(setting: str) -> tuple[tuple[str, str], ...]:
    """Returns the pairs of label and class that `map_labels` holds.

    Pairs stand with commas in between, label and class with an equals sign. Either of the two that
    holds one of these, or a quotation mark, stands in double quotes, as in a row of CSV.

    >>> mapped('5=good,"so, so"=bad')
    (('5', 'good'), ('so, so', 'bad'))

    Raises:
      ConfigurationError: It is written in another way, or has one label twice.
    """
    pairs: dict[str, str] = {}
    words = list(_words(setting))
    if not words:
        return ()
    for start in range(0, len(words), 4):
        label, equals, name, *comma = words[start : start + 4] + [""] * 3
        if not label or equals != _EQUALS or not name or comma[0] not in ("", _COMMA):
            raise _unreadable(setting)
        label, name = (_unquoted(word, setting) for word in (label, name))
        if pairs.get(label, name) != name:
            raise ConfigurationError(
                f"`{MAP_LABELS}` maps '{label}' to '{pairs[label]}' and to '{name}'. Map it once."
            )
        pairs[label] = name
    if len(words) % 4 != 3:
        raise _unreadable(setting)
    return tuple(pairs.items())


_COMMA, _EQUALS, _QUOTE = ",", "=", '"'


def _words(setting: str) -> Iterator[str]:
    """Yields labels and classes as they are written, and the signs in between."""
    word, is_quoted = "", False
    for character in setting:
        if character == _QUOTE and (is_quoted or not word.strip() or word.rstrip()[-1] == _QUOTE):
            is_quoted = not is_quoted
        if character in (_COMMA, _EQUALS) and not is_quoted:
            yield word.strip()
            yield character
            word = ""
        else:
            word += character
    if word.strip() or is_quoted:
        yield word.strip()


def _unquoted(word: str, setting: str) -> str:
    if word.startswith(_QUOTE):
        if len(word) < 2 or not word.endswith(_QUOTE):
            raise _unreadable(setting)
        word = word[1:-1].replace(_QUOTE * 2, _QUOTE).strip()
    if not word:
        raise _unreadable(setting)
    return shown_label(word)


def _unreadable(setting: str) -> ConfigurationError:
    return ConfigurationError(
        f"`{MAP_LABELS}` is '{setting[:200]}'; expected labels and their classes, e.g. "
        f"{_MAP_EXAMPLE}. A label or class that holds a comma or an equals sign stands in double "
        "quotes."
    )


def map_setting_of(pairs: Sequence[tuple[str, str]]) -> str:
    """Returns the setting that holds these pairs: what `mapped` reads."""
    return _COMMA.join(_EQUALS.join(map(_quoted, pair)) for pair in pairs)


def _quoted(word: str) -> str:
    if any(sign in word for sign in (_COMMA, _EQUALS, _QUOTE)):
        return f'"{word.replace(_QUOTE, _QUOTE * 2)}"'
    return word


def _refuse_repeated(positive: Sequence[str], negative: Sequence[str]) -> None:
    """Refuses a label that is named on both sides; two may differ in their case alone."""
    others: dict[str, list[str]] = {}
    for label in negative:
        others.setdefault(key_of(label), []).append(label)
    for label in positive:
        if _same_label(label, others):
            raise ConfigurationError(
                f"`{POSITIVE_LABEL}` and `{NEGATIVE_LABEL}` both name '{label}'. Name it on one "
                "side."
            )


def _same_label(label: str, others: Mapping[str, Sequence[str]]) -> str:
    """Returns the first of others, by their keys, that is the same label; "" if none is.

    Case may tell them apart.
    """
    for other in others.get(key_of(label), ()):
        if other == label or other.casefold() != label.casefold():
            return other
    return ""


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns labels as classes are ordered: numbers by their value, then others by the alphabet.

    Case makes no difference at first.
    """
    return tuple(sorted(labels, key=_rank))


def _rank(label: str) -> tuple[bool, Decimal, str, str]:
    number = number_in(label)
    return number is None, number or Decimal(), label.casefold(), label


def number_in(label: str) -> Decimal | None:
    """Returns the number that a label is, if it is one."""
    try:
        number = Decimal(key_of(label))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
