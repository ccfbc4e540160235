"""FindLeaks: texts that are in both train and test, without a text on its way between workers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import AsDict, PCollection
from apache_beam.transforms.window import GlobalWindows

from components import features
from components.dataset.records import Review

# 80 bits: of a billion texts, two that differ are taken for a leak with a probability of 1e-7. The
# runner holds some ten times the bytes.
DIGEST_BYTES = 10
# Groups by the first bits of the digest; one is sorted at a time.
_GROUPS = 64
# Of digests that a worker collects before it sends them on.
COLLECTED_BYTES = 1 << 20

_DTYPE = f"S{DIGEST_BYTES}"
_SIDES = (features.TRAIN_SPLIT, features.TEST_SPLIT)


class FindLeaks(beam.PTransform):
    """Reviews -> (group, digests one behind the other in order) of texts in both train and test.

    What is sent are 10 bytes a text, thousands at a time: a pair of Beam's for each text would
    take some thirty times that in the runner's memory.
    """

    def expand(self, reviews: PCollection) -> PCollection:
        """Collects digests by group and side, and intersects the sides of each group."""
        return (
            reviews
            | "Collect" >> beam.ParDo(_CollectDoFn())
            | "Group" >> beam.GroupByKey()
            | "InBoth" >> beam.FlatMap(_in_both)
        )


class DropLeaks(beam.PTransform):
    """Reviews -> (those that stay, those of train whose text is in test as well)."""

    def __init__(self, leaks: PCollection):
        """Takes what FindLeaks returns."""
        super().__init__()
        self._leaks = leaks

    def expand(self, reviews: PCollection) -> Any:
        """Looks each review of train up."""
        return reviews | beam.Partition(_is_dropped, 2, AsDict(self._leaks))


def count_of(leaks: tuple[int, bytes]) -> int:
    """Returns how many texts an element of FindLeaks is about."""
    return len(leaks[1]) // DIGEST_BYTES


class _CollectDoFn(beam.DoFn):
    """Reviews -> (group, (side, digests one behind the other))."""

    def __init__(self) -> None:
        self._digests: dict[tuple[int, int], bytearray] = {}
        self._size = 0

    def start_bundle(self) -> None:
        self._digests, self._size = {}, 0

    def process(self, review: Review) -> Iterator[tuple[int, tuple[int, bytes]]]:
        if review.split not in _SIDES:
            return
        digest = _digest(review)
        key = _group(digest), _SIDES.index(review.split)
        self._digests.setdefault(key, bytearray()).extend(digest)
        self._size += DIGEST_BYTES
        if self._size >= COLLECTED_BYTES:
            yield from self._collected()

    def finish_bundle(self) -> Iterator[Any]:
        for collected in self._collected():
            yield GlobalWindows.windowed_value(collected)

    def _collected(self) -> Iterator[tuple[int, tuple[int, bytes]]]:
        for (group, side), digests in self._digests.items():
            yield group, (side, bytes(digests))
        self._digests, self._size = {}, 0


def _in_both(
    group_and_digests: tuple[int, Iterable[tuple[int, bytes]]],
) -> Iterator[tuple[int, bytes]]:
    group, found = group_and_digests
    sides: tuple[list[bytes], ...] = tuple([] for _ in _SIDES)
    for side, digests in found:
        sides[side].append(digests)
    train, test = (np.frombuffer(b"".join(parts), _DTYPE) for parts in sides)
    both = np.intersect1d(train, test)
    if len(both):
        yield group, both.tobytes()


def _is_dropped(review: Review, _: int, leaks: Mapping[int, bytes]) -> int:
    if review.split != features.TRAIN_SPLIT:
        return 0
    digest = _digest(review)
    digests = np.frombuffer(leaks.get(_group(digest), b""), _DTYPE)
    place = np.searchsorted(digests, np.frombuffer(digest, _DTYPE))[0]
    return int(place < len(digests) and digests[place : place + 1].tobytes() == digest)


def _digest(review: Review) -> bytes:
    return hashlib.blake2b(review.text, digest_size=DIGEST_BYTES).digest()


def _group(digest: bytes) -> int:
    return digest[0] % _GROUPS
