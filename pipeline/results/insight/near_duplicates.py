"""Reviews that are the same text, or nearly: edited copies, other editions, form letters."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from components import features
from components.transform.token_settings import WORDS
from pipeline.results.insight import min_hash
from pipeline.results.insight.hashed_tokens import Chunks, mixed
from pipeline.results.insight.reviews import LabelledText, cut

# The least similarity of two texts that count as nearly the same; see `min_hash`.
THRESHOLD = 0.7
# How far below it signatures may estimate it: five standard deviations.
_SLACK = 0.2
# Pairs that are compared, by the number of texts; where form letters have most of their text in
# common, all pairs would be too many.
COMPARISONS_A_TEXT = 8
# What is told of clusters.
MOST_CLUSTERS, MOST_MEMBERS, MOST_TEXTS, MOST_TEXT_BYTES = 50, 10, 3, 2_000
# Pairs of signatures that are looked at together, 1 KB each.
_PAIRS = 50_000
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class Cluster:
    """Reviews each of which is nearly the same as another one of them.

    Attributes:
      size: How many there are.
      texts: How many different texts they have.
      by_split: Reviews by split.
      by_label: Reviews by label; of several labels, some are wrong.
      least_similarity: Of the pairs that were compared; 1 where all texts are the same.
      review_ids: The first few, in order.
      samples: Different texts, the first few, cut.
    """

    size: int
    texts: int
    by_split: Mapping[str, int]
    by_label: Mapping[int, int]
    least_similarity: float
    review_ids: tuple[str, ...]
    samples: tuple[str, ...]


@dataclass(frozen=True)
class NearDuplicates:
    """What is there more than once.

    Attributes:
      reviews: How many were looked at.
      exact_copies: Reviews whose text another one before has, byte by byte.
      near_copies: Reviews beyond these which are nearly the same as one before.
      seen_in_training: Test reviews that are in a cluster with one of train or eval.
      clusters: The largest ones.
      cluster_count: How many there are.
      left_out: Pairs that were not compared, because there are too many.
      threshold: The least similarity of pairs that count.
    """

    reviews: int
    exact_copies: int
    near_copies: int
    seen_in_training: int
    clusters: tuple[Cluster, ...]
    cluster_count: int
    left_out: int
    threshold: float


def near_duplicates(
    reviews: Callable[[], Iterable[LabelledText]],
    tokens: str = WORDS,
    threshold: float = THRESHOLD,
) -> NearDuplicates:
    """Finds clusters of equal and nearly equal texts, within and across splits.

    Two texts count as nearly the same if their similarity is at least `threshold`; see `min_hash`
    for what that is, and how candidates are found. Texts without words are equal to equal ones
    alone. Memory: 0.7 KB a text and 4 bytes a word, at most 17 KB a text.

    Args:
      reviews: Gives all of them, always in the same order; it is called twice.
      tokens: What a token of the model is; texts without spaces between words are compared by
        characters.
      threshold: From 0.5 to 1; below, candidates are missed.
    """
    texts = _DifferentTexts(reviews(), tokens)
    links = _Links(texts, threshold)
    return _described(reviews, texts, links, threshold)


class _DifferentTexts:
    """The different texts of reviews: which review has which, and what they are compared by.

    Attributes:
      text_of: The place of each review's text, <int64>[reviews].
      signatures: <uint32>[texts, BINS].
      sketches: Of each text.
    """

    def __init__(self, reviews: Iterable[LabelledText], tokens: str):
        places: dict[bytes, int] = {}
        text_of: list[int] = []
        signatures = [np.zeros((0, min_hash.BINS), np.uint32)]
        self.sketches: list[np.ndarray] = []
        chunks = Chunks()

        def compute() -> None:
            found = min_hash.shingles(chunks.take(), tokens)
            signature, sketches = min_hash.signatures_and_sketches(found)
            signatures.append(signature)
            self.sketches += sketches

        for review in reviews:
            digest = hashlib.blake2b(review.text, digest_size=_DIGEST_BYTES).digest()
            known = len(places)
            text_of.append(places.setdefault(digest, known))
            if len(places) > known and chunks.add(review.text):
                compute()
        compute()
        self.text_of = np.array(text_of, np.int64)
        self.signatures = np.concatenate(signatures)


class _Links:
    """Which texts are nearly the same, directly or over others.

    Attributes:
      cluster_of: The cluster of each text, <int64>[texts].
      pairs: What was found similar, <int64>[links, 2].
      similarities: Of these, <float64>[links].
      left_out: Candidates that were not compared.
    """

    def __init__(self, texts: _DifferentTexts, threshold: float):
        self._texts = texts
        self._threshold = threshold
        count = len(texts.sketches)
        self._with_words = np.flatnonzero([len(sketch) > 0 for sketch in texts.sketches])
        self._allowed = COMPARISONS_A_TEXT * count
        self._refused = np.zeros(0, np.int64)
        self.cluster_of = np.arange(count)
        self.pairs = np.zeros((0, 2), np.int64)
        self.similarities = np.zeros(0)
        self.left_out = 0
        generator = np.random.default_rng(0)
        for band in range(min_hash.BANDS):
            for pairs in self._candidates(band, generator):
                self._compare(pairs)

    def _candidates(self, band: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
        """Yields pairs of texts that share a band: each with its bucket's first, and the next.

        So a bucket of n texts has some 2 n candidates, not n²; the order differs by band.
        """
        order = generator.permutation(self._with_words)
        columns = slice(band * min_hash.BAND_BINS, (band + 1) * min_hash.BAND_BINS)
        keys = np.zeros(len(order), np.uint64)
        for column in self._texts.signatures[order, columns].T:
            keys = mixed(keys + column)
        by_key = np.argsort(keys, kind="stable")
        order, keys = order[by_key], keys[by_key]
        follows = np.append(False, keys[1:] == keys[:-1])[: len(keys)]
        place = np.arange(len(keys))
        first = np.maximum.accumulate(np.where(follows, 0, place))
        for other in (first, place - 1):
            yield np.stack([order[other[follows]], order[follows]], axis=1)

    def _compare(self, pairs: np.ndarray) -> None:
        """Links those of `pairs` that are similar; what is linked already is left alone."""
        pairs = np.sort(pairs[self.cluster_of[pairs[:, 0]] != self.cluster_of[pairs[:, 1]]], axis=1)
        numbers = pairs[:, 0] * len(self.cluster_of) + pairs[:, 1]
        pairs = pairs[~np.isin(numbers, self._refused)]
        pairs = pairs[self._seems_similar(pairs)]
        compared, left = pairs[: self._allowed], pairs[self._allowed :]
        self._allowed -= len(compared)
        self.left_out += len(left)
        sketches = self._texts.sketches
        found = np.array(
            [
                min_hash.similarity(sketches[one], sketches[other])
                for one, other in compared.tolist()
            ]
        )
        is_similar = found >= self._threshold
        refused = compared[~is_similar]
        numbers = refused[:, 0] * len(self.cluster_of) + refused[:, 1]
        self._refused = np.union1d(self._refused, numbers)
        if is_similar.any():
            self.pairs = np.concatenate([self.pairs, compared[is_similar]])
            self.similarities = np.concatenate([self.similarities, found[is_similar]])
            self.cluster_of = _connected(self.pairs, len(self.cluster_of))

    def _seems_similar(self, pairs: np.ndarray) -> np.ndarray:
        """Estimates the similarity by signatures; returns where it may be enough, <bool>[pairs]."""
        signatures = self._texts.signatures
        estimates = [
            (signatures[part[:, 0]] == signatures[part[:, 1]]).mean(axis=1)
            for part in np.split(pairs, range(_PAIRS, len(pairs), _PAIRS))
        ]
        return np.concatenate(estimates) >= self._threshold - _SLACK


def _connected(pairs: np.ndarray, count: int) -> np.ndarray:
    """Returns the component of each of `count` nodes, <int64>[count]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (count, count))
    return connected_components(edges, directed=False)[1].astype(np.int64)


def _described(
    reviews: Callable[[], Iterable[LabelledText]],
    texts: _DifferentTexts,
    links: _Links,
    threshold: float,
) -> NearDuplicates:
    """Counts, and reads the reviews again for the names and texts of the largest clusters."""
    cluster_of = links.cluster_of[texts.text_of]
    sizes = np.bincount(cluster_of)
    order = np.argsort(-sizes, kind="stable")
    told = {int(cluster): _Told() for cluster in order[:MOST_CLUSTERS] if sizes[cluster] > 1}
    is_trained_on, is_tested_on = np.zeros(len(sizes), bool), np.zeros(len(sizes), np.int64)
    for review, cluster, text in zip(
        reviews(), cluster_of.tolist(), texts.text_of.tolist(), strict=True
    ):
        if review.split == features.TEST_SPLIT:
            is_tested_on[cluster] += 1
        else:
            is_trained_on[cluster] = True
        if cluster in told:
            told[cluster].add(review, text)
    least = np.ones(len(sizes))
    if len(links.pairs):
        np.minimum.at(least, links.cluster_of[links.pairs[:, 0]], links.similarities)
    different = len(texts.sketches)
    return NearDuplicates(
        reviews=len(cluster_of),
        exact_copies=len(cluster_of) - different,
        near_copies=different - len(sizes),
        seen_in_training=int(is_tested_on[is_trained_on].sum()),
        clusters=tuple(each.cluster(float(least[place])) for place, each in told.items()),
        cluster_count=int((sizes > 1).sum()),
        left_out=links.left_out,
        threshold=threshold,
    )


class _Told:
    """A cluster, while its reviews are read."""

    def __init__(self) -> None:
        self._splits: Counter[str] = Counter()
        self._labels: Counter[int] = Counter()
        self._texts: set[int] = set()
        self._review_ids: list[str] = []
        self._samples: list[str] = []

    def add(self, review: LabelledText, text: int) -> None:
        self._splits[review.split] += 1
        self._labels[review.label] += 1
        if len(self._review_ids) < MOST_MEMBERS:
            self._review_ids.append(review.review_id)
        if text not in self._texts and len(self._samples) < MOST_TEXTS:
            self._samples.append(cut(review.text, MOST_TEXT_BYTES))
        self._texts.add(text)

    def cluster(self, least_similarity: float) -> Cluster:
        return Cluster(
            size=self._splits.total(),
            texts=len(self._texts),
            by_split=dict(self._splits),
            by_label=dict(self._labels),
            least_similarity=least_similarity,
            review_ids=tuple(self._review_ids),
            samples=tuple(self._samples),
        )
