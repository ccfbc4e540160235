"""Writes reviews as CSV files of any size: the real ones again and again, or short ones."""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.archive import real_reviews

_HEADER = ["text", "label", "split"]
_SHORT_WORDS = 1_000
_TEST_OF_SHORT = 10


def write_reviews(path: Path, count: int) -> None:
    """Writes `count` reviews: the archive's, then copies that are texts of their own.

    A copy has its number in front, one word more. So texts are as distinct as the archive's, and
    the vocabulary hardly grows: that of as many real reviews would.

    Args:
      path: The CSV file, with columns text, label and split (train or test, half each).
      count: How many.
    """
    reviews = list(real_reviews())
    # Of both splits and labels alike, however few are taken.
    groups = {
        (split, label): [each for each in reviews if (each.split, each.label) == (split, label)]
        for split, label in sorted({(each.split, each.label) for each in reviews})
    }
    mixed = [review for four in zip(*groups.values(), strict=True) for review in four]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_HEADER)
        for number in range(count):
            copy, place = divmod(number, len(mixed))
            review = mixed[place]
            text = review.text.decode()
            rows.writerow([f"{copy} {text}" if copy else text, review.label, review.split])


def write_short_rows(path: Path, count: int) -> None:
    """Writes rows of six words, every text another one; a tenth are test."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_HEADER)
        for number in range(count):
            label = number % 2
            split = "test" if number // 2 % _TEST_OF_SHORT == 0 else "train"
            word = f"word{number * 7_919 % _SHORT_WORDS}"
            text = f"{'good' if label else 'bad'} {word} film number {number} indeed"
            rows.writerow([text, label, split])
