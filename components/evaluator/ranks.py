"""How probabilities rank two classes: the area under the ROC curve, in bounded memory."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator

# Different probabilities of a class that are told apart at first: some 12 MB.
MOST_KEYS = 1 << 17


class Ranks:
    """Counts of both classes by probability.

    Up to MOST_KEYS different probabilities the area is exact. Where there are more, neighbours
    among float32's numbers become one, and a pair of reviews in it counts as a tie.
    """

    def __init__(self) -> None:
        """Counts from nothing."""
        # Positive float32 numbers sort as their bits do. A key is 2 * (bits >> shift) + label.
        self._counts: Counter[int] = Counter()
        self._shift = 0

    def add(self, label: int, probability: float) -> None:
        """Counts a review of label 0 or 1 with a probability, 0 to 1."""
        (bits,) = struct.unpack("<I", struct.pack("<f", probability))
        self._counts[2 * (bits >> self._shift) + label] += 1
        if len(self._counts) > MOST_KEYS:
            self._coarsen(self._shift + 1)

    def merge(self, other: Ranks) -> None:
        """Adds what another part counted."""
        self._coarsen(max(self._shift, other._shift))
        for key, count in _coarser(other._counts, self._shift - other._shift):
            self._counts[key] += count
        while len(self._counts) > MOST_KEYS:
            self._coarsen(self._shift + 1)

    @property
    def area(self) -> float:
        """The area: the share of pairs of both classes in order, where a tie is half a pair.

        (Hanley & McNeil, The Meaning and Use of the Area under a ROC Curve, 1982.) NaN without
        reviews of both classes.
        """
        in_order = 0.0
        negatives = positives = 0
        for place in sorted({key >> 1 for key in self._counts}):
            more_negatives, more_positives = self._counts[2 * place], self._counts[2 * place + 1]
            in_order += more_positives * (negatives + more_negatives / 2)
            negatives += more_negatives
            positives += more_positives
        return in_order / (negatives * positives) if negatives and positives else math.nan

    def _coarsen(self, shift: int) -> None:
        if shift > self._shift:
            coarser: Counter[int] = Counter()
            for key, count in _coarser(self._counts, shift - self._shift):
                coarser[key] += count
            self._counts, self._shift = coarser, shift


def _coarser(counts: Counter[int], by: int) -> Iterator[tuple[int, int]]:
    for key, count in counts.items():
        yield 2 * (key >> (by + 1)) + (key & 1), count
