"""What records tell when one looks at all of them: labels, texts, lengths, scripts."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from components.dataset.inspection.scripts import WITHOUT_BLANKS, script_of
from components.dataset.inspection.words import (
    characters_of,
    has_emoji,
    has_markup,
    is_garbled,
    missed_share,
    words_of,
)
from components.dataset.labels import key_of
from components.dataset.splits import split_of
from components.features import TEST_SPLIT, TRAIN_SPLIT

# More different labels are counted together.
MOST_LABELS = 10_000
# Texts whose words are looked at, chosen evenly, and their characters.
MOST_TEXTS, MOST_CHARACTERS = 5_000, 3_000_000
# Of an endless text, the part that is looked at.
_LONGEST_TEXT = 200_000
# Texts that are remembered, to find them again.
_MOST_REMEMBERED = 2_000_000
_QUANTILES = (0.5, 0.9, 0.95, 0.99)
_SEED = 7


@dataclass(frozen=True)
class Lengths:
    """How long texts are, in tokens.

    Attributes:
      quantiles: Share of texts, and the length that they do not exceed.
      mean: Of all.
      longest: Of all.
      truncated_share: Share of texts, 0 to 1, that are longer than `max_length`.
      mean_kept: The mean of what is left of them.
    """

    quantiles: tuple[tuple[float, int], ...]
    mean: float
    longest: int
    truncated_share: float
    mean_kept: float


@dataclass(frozen=True)
class WordFigures:
    """What the words of some texts tell.

    Attributes:
      texts: How many texts were looked at.
      scripts: Share of the texts, 0 to 1, by the script of most of their letters.
      are_characters: Whether tokens are characters here: the script has no blanks between words.
      lengths: In tokens.
      missed_share: Share of the tokens of other texts, 0 to 1, that a vocabulary learned on four
        fifths of these lacks; NaN without texts.
      emoji_share: Share of the texts, 0 to 1, that have emoji.
      markup_share: The same of those that have HTML.
      garbled_share: The same of those that were once read in a wrong encoding.
    """

    texts: int
    scripts: dict[str, float]
    are_characters: bool
    lengths: Lengths | None
    missed_share: float
    emoji_share: float = 0.0
    markup_share: float = 0.0
    garbled_share: float = 0.0


@dataclass
class Survey:
    """Counts over records, each with its text, its label and its split.

    Attributes:
      records: How many there were, bad ones included.
      labels: Each label as it is spelt, and its count.
      labels_by_split: The same by split; those drawn by a hash of the text where there are none.
      other_labels: Records with labels beyond the first `MOST_LABELS` different ones.
      unlabelled: Records without a label.
      blank: Records whose text is blank.
      unusable: Records without a text, or without a label where there are labels.
      repeated: Records whose text came before.
      contradicted: Records whose text came before with another label.
      problems: Records that could not be read.
      problem_examples: The first few, "where: detail".
      left_out: Records of splits without labels.
    """

    records: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    labels_by_split: dict[str, Counter[str]] = field(default_factory=dict)
    other_labels: int = 0
    unlabelled: int = 0
    blank: int = 0
    unusable: int = 0
    repeated: int = 0
    contradicted: int = 0
    problems: int = 0
    problem_examples: list[str] = field(default_factory=list)
    left_out: int = 0

    def __post_init__(self) -> None:
        """Begins with nothing seen."""
        self._random = random.Random(_SEED)
        self._texts: list[str] = []
        self._with_text = 0
        self._labels_of_texts: dict[int, int] = {}
        self._splits_of_texts: dict[str, set[int]] = {}

    @property
    def in_both(self) -> int:
        """Returns how many different texts are in train and in test."""
        train, test = (self._splits_of_texts.get(s, set()) for s in (TRAIN_SPLIT, TEST_SPLIT))
        return len(train & test)

    def add_problem(self, where: str, detail: str) -> None:
        """Counts a record that cannot be read."""
        self.records += 1
        self.problems += 1
        if len(self.problem_examples) < 3:
            self.problem_examples.append(f"{where}: {detail}" if where else detail)

    def add(self, text: str, label: str, split: str = "") -> None:
        """Counts a record.

        Args:
          text: Its text; one with surrogates was not UTF-8, and is a problem.
          label: Its label as it is spelt, "" for none.
          split: Its split, "" where a hash of the text tells it.
        """
        try:
            text.encode()
        except UnicodeEncodeError:
            self.add_problem("", "the text is not UTF-8")
            return
        self.records += 1
        self.unusable += not (label and text.strip())
        if not label:
            self.unlabelled += 1
        elif label in self.labels or len(self.labels) < MOST_LABELS:
            self.labels[label] += 1
        else:
            self.other_labels += 1
        stripped = text.strip()
        if not stripped:
            self.blank += 1
            return
        drawn = split or split_of(text.encode())
        if label:
            self.labels_by_split.setdefault(drawn, Counter())[label] += 1
        self._remember(hash(stripped), hash(key_of(label)), split)
        self._choose(stripped[:_LONGEST_TEXT])

    def _remember(self, text: int, label: int, split: str) -> None:
        before = self._labels_of_texts.get(text)
        if before is not None:
            self.repeated += 1
            self.contradicted += before != label
        elif len(self._labels_of_texts) < _MOST_REMEMBERED:
            self._labels_of_texts[text] = label
        if split and len(self._labels_of_texts) < _MOST_REMEMBERED:
            self._splits_of_texts.setdefault(split, set()).add(text)

    def _choose(self, text: str) -> None:
        """Keeps some texts so that each has the same chance (Vitter, 1985, algorithm R)."""
        self._with_text += 1
        if len(self._texts) < MOST_TEXTS:
            self._texts.append(text)
        elif (place := self._random.randrange(self._with_text)) < MOST_TEXTS:
            self._texts[place] = text

    def words(self, vocabulary_size: int, max_length: int) -> WordFigures:
        """Looks at the words of some of the texts."""
        texts = self._some_texts()
        scripts = Counter(filter(None, map(script_of, texts)))
        written = scripts.total()
        shares = {name: count / written for name, count in scripts.most_common()}
        are_characters = 2 * sum(scripts[name] for name in WITHOUT_BLANKS) > written
        tokens = [(characters_of if are_characters else words_of)(text) for text in texts]
        # The texts come in the order in which they were chosen, which tells nothing.
        learned = len(tokens) * 4 // 5
        return WordFigures(
            len(texts),
            shares,
            are_characters,
            _lengths([len(each) for each in tokens], max_length),
            missed_share(tokens[:learned], tokens[learned:], vocabulary_size),
            *(
                sum(map(says, texts)) / max(len(texts), 1)
                for says in (has_emoji, has_markup, is_garbled)
            ),
        )

    def _some_texts(self) -> list[str]:
        texts = list(self._texts)
        self._random.shuffle(texts)
        size = 0
        for place, text in enumerate(texts):
            size += len(text)
            if size > MOST_CHARACTERS:
                return texts[: place + 1]
        return texts


def distinct(labels: Counter[str]) -> Counter[str]:
    """Counts labels in their most frequent spelling: 1, 1.0 and "1" are one."""
    spellings: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for label, count in labels.most_common():
        counts[spellings.setdefault(key_of(label), label)] += count
    return counts


def _lengths(lengths: list[int], max_length: int) -> Lengths | None:
    if not lengths:
        return None
    ordered = sorted(lengths)
    return Lengths(
        tuple((share, ordered[int(share * (len(ordered) - 1))]) for share in _QUANTILES),
        sum(ordered) / len(ordered),
        ordered[-1],
        sum(length > max_length for length in ordered) / len(ordered),
        sum(min(length, max_length) for length in ordered) / len(ordered),
    )


def as_text(value: Any) -> str | None:
    """Returns the text that a value of a record is, None if it is none; what is missing is ""."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if value is None or isinstance(value, str):
        return value or ""
    return None
