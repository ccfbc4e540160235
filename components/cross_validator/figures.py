"""What cross-validation found: figures of each fold, and of all reviews together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from components.evaluator.confusion import Confusion
from components.evaluator.f1_margin import macro_f1_margin
from components.evaluator.wilson import margin
from components.storage.place import place_of

if TYPE_CHECKING:
    from components.evaluator.slices import SliceKey

FILE = "cross_validation.json"


@dataclass(frozen=True)
class SliceFigures:
    """How often models were right about a part of the reviews.

    Attributes:
      key: Features and their values, sorted: what the reviews have in common.
      examples: How many reviews there are.
      right: About how many of them the models were right.
    """

    key: SliceKey
    examples: int
    right: int

    @property
    def accuracy(self) -> float:
        """The share of reviews that are judged right."""
        return self.right / self.examples


def slice_figures(
    slices: Sequence[Iterable[SliceKey]], is_right: Sequence[bool]
) -> tuple[SliceFigures, ...]:
    """Returns the figures of each slice, the largest first.

    Args:
      slices: Of each review those that it is in; or nothing at all.
      is_right: Whether the models were right about it.
    """
    examples: Counter[SliceKey] = Counter()
    right: Counter[SliceKey] = Counter()
    for keys, was_right in zip(slices, is_right, strict=False):
        examples.update(keys)
        right.update(keys if was_right else ())
    ordered = sorted(examples.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(SliceFigures(key, count, right[key]) for key, count in ordered)


@dataclass(frozen=True)
class CrossValidation:
    """How often models were right about reviews that they had not seen.

    >>> from components import CrossValidation
    >>> found = CrossValidation.of_decisions([[(0, 0), (1, 1)], [(1, 0), (0, 0)]], classes=2)
    >>> found.metrics["accuracy"]
    0.75

    Attributes:
      folds: Of each fold, which classes were taken for which.
      slices: Parts of all reviews by columns, the largest first.
    """

    folds: tuple[Confusion, ...]
    slices: tuple[SliceFigures, ...] = ()

    @cached_property
    def confusion(self) -> Confusion:
        """That of all reviews; each was judged once."""
        counts: Counter[tuple[int, int]] = Counter()
        for fold in self.folds:
            counts.update(fold.counts)
        return Confusion(self.folds[0].classes, counts)

    @property
    def metrics(self) -> dict[str, float]:
        """Of all reviews: `accuracy`, `macro_f1` and `examples`."""
        return {
            "accuracy": self.confusion.accuracy,
            "macro_f1": self.confusion.macro_f1,
            "examples": self.confusion.examples,
        }

    @property
    def margin(self) -> float:
        """Half the 95 % interval of the accuracy, by Wilson's score."""
        return margin(self.confusion.accuracy, self.confusion.examples)

    @cached_property
    def macro_f1_margin(self) -> float:
        """Half the 95 % interval of the macro F1, see `macro_f1_margin`."""
        return macro_f1_margin(self.confusion)

    def to_json(self) -> dict[str, Any]:
        """Returns the figures as values that JSON has; `read` needs `folds` alone."""
        return {
            **self.metrics,
            "accuracy_margin": self.margin,
            "macro_f1_margin": self.macro_f1_margin,
            "classes": self.confusion.classes,
            **({"slices": list(map(_written, self.slices))} if self.slices else {}),
            "folds": [
                {
                    "examples": fold.examples,
                    "accuracy": fold.accuracy,
                    "macro_f1": fold.macro_f1,
                    "counts": [[*pair, count] for pair, count in sorted(fold.counts.items())],
                }
                for fold in self.folds
            ],
        }

    def write(self, directory: str) -> None:
        """Writes the figures into the artifact's folder."""
        (place_of(directory) / FILE).write_text(
            json.dumps(self.to_json(), indent=1), encoding="utf-8"
        )

    @classmethod
    def read(cls, directory: str) -> CrossValidation:
        """Reads what `write` wrote."""
        written = json.loads((place_of(directory) / FILE).read_text(encoding="utf-8"))
        return cls(
            tuple(_fold(each, written["classes"]) for each in written["folds"]),
            tuple(map(_slice, written.get("slices", ()))),
        )

    @classmethod
    def of_decisions(
        cls, folds: Iterable[Iterable[tuple[int, int]]], classes: int
    ) -> CrossValidation:
        """Returns the figures of (label, decision) pairs, fold by fold."""
        return cls(tuple(Confusion(classes, Counter(pairs)) for pairs in folds))


def _written(figures: SliceFigures) -> dict[str, Any]:
    return {
        "slice": dict(figures.key),
        "examples": figures.examples,
        "right": figures.right,
        "accuracy": figures.accuracy,
    }


def _slice(written: Mapping[str, Any]) -> SliceFigures:
    return SliceFigures(
        tuple(sorted(written["slice"].items())), written["examples"], written["right"]
    )


def _fold(written: Mapping[str, Any], classes: int) -> Confusion:
    counts = {(label, choice): count for label, choice, count in written["counts"]}
    return Confusion(classes, counts)
