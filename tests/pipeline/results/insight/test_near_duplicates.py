"""Near duplicates, against all pairs of a sample compared by brute force; hostile texts."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest

from components.dataset.archive import read_archive
from components.dataset.records import Review
from pipeline.results.insight import hashed_tokens, min_hash, near_duplicates
from pipeline.results.insight.reviews import LabelledText

WORDS = [f"word{number}" for number in range(400)]


def _reviews(texts: list[bytes], splits: str = "train") -> list[LabelledText]:
    return [LabelledText(f"{at}", splits, at % 2, text) for at, text in enumerate(texts)]


def _found(texts: list[bytes], **options) -> near_duplicates.NearDuplicates:
    reviews = _reviews(texts)
    return near_duplicates.near_duplicates(lambda: reviews, **options)


@pytest.fixture(scope="module")
def planted() -> list[bytes]:
    """150 texts of 20 to 300 words, and a copy of each with 0 to 20 % of its words replaced."""
    generator = np.random.default_rng(11)
    texts = [generator.choice(WORDS, generator.integers(20, 300)) for _ in range(150)]
    copies = []
    for text in texts:
        copy = text.copy()
        is_replaced = generator.random(len(copy)) < generator.uniform(0, 0.2)
        copy[is_replaced] = generator.choice(WORDS, is_replaced.sum())
        copies.append(copy)
    return [" ".join(words).encode() for words in (*texts, *copies)]


def _true_pairs(texts: list[bytes], threshold: float) -> set[tuple[int, int]]:
    sets = []
    for text in texts:
        words = text.decode().split()
        sets.append({tuple(words[at : at + 3]) for at in range(len(words) - 2)})
    return {
        (one, other)
        for one, other in itertools.combinations(range(len(texts)), 2)
        if sets[one] & sets[other]
        and len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= threshold
    }


def test_planted_copies_are_found_and_nothing_else(planted):
    """All pairs of the sample that are similar enough, by sets of words, are in one cluster."""
    expected = _true_pairs(planted, 0.7)
    assert 30 < len(expected) < 150
    reviews = _reviews(planted)
    texts = near_duplicates._DifferentTexts(reviews, "words")
    links = near_duplicates._Links(texts, 0.7)
    different = texts.text_of
    found = {
        pair
        for pair in itertools.combinations(range(len(planted)), 2)
        if links.cluster_of[different[pair[0]]] == links.cluster_of[different[pair[1]]]
    }
    assert found == expected
    result = near_duplicates.near_duplicates(lambda: reviews)
    assert result.exact_copies + result.near_copies == len(expected)
    assert result.left_out == 0


def test_similarities_are_jaccards():
    """By hand: of the shingles abc bcd cde and abc bcd cdf, two of four are in both."""
    one, other = min_hash.signatures_and_sketches(min_hash.shingles([b"a b c d e", b"A, b c d f"]))[
        1
    ]
    assert min_hash.similarity(one, other) == 0.5
    assert min_hash.similarity(one, one) == 1.0
    assert min_hash.similarity(one[:0], other[:0]) == 0.0


def test_long_texts_are_compared_by_their_least_shingles():
    """Of 40,000 shingles the half that both have is estimated to two points."""
    words = [str(number) for number in range(60_000)]
    texts = [" ".join(words[:40_000]).encode(), " ".join(words[20_000:]).encode()]
    found = min_hash.signatures_and_sketches(min_hash.shingles(texts))[1]
    assert [len(sketch) for sketch in found] == [min_hash.SKETCH] * 2
    assert min_hash.similarity(*found) == pytest.approx(1 / 3, abs=0.03)


def test_signatures_agree_as_often_as_shingles_do():
    """Also where most bins are empty and take over a neighbour's: the mean over many pairs."""
    generator = np.random.default_rng(2)
    estimates = []
    for _ in range(300):
        words = generator.choice(WORDS, 30)
        copy = words.copy()
        copy[10] = "other"
        texts = [" ".join(each).encode() for each in (words, copy)]
        one, other = min_hash.signatures_and_sketches(min_hash.shingles(texts))[0]
        estimates.append((one == other).mean())
    # 25 of 31 shingles.
    assert np.mean(estimates) == pytest.approx(25 / 31, abs=0.02)


def test_clusters_tell_their_splits_labels_and_texts():
    """A test review with a copy in train; case, punctuation and line breaks do not count."""
    text = "This film is by far the best that I have seen in many a year, so go and see it!"
    reviews = [
        LabelledText("train/1", "train", 1, text.encode()),
        LabelledText("test/2", "test", 0, f"{text.upper()}<br /><br />".encode()),
        LabelledText("test/3", "test", 1, text.encode()),
        LabelledText("test/4", "test", 1, b"Something else altogether, of which there is one."),
    ]
    found = near_duplicates.near_duplicates(lambda: iter(reviews))
    assert (found.reviews, found.exact_copies, found.near_copies) == (4, 1, 1)
    assert found.seen_in_training == 2
    (cluster,) = found.clusters
    assert (cluster.size, cluster.texts, cluster.least_similarity) == (3, 2, 1.0)
    assert (cluster.by_split, cluster.by_label) == ({"train": 1, "test": 2}, {1: 2, 0: 1})
    assert cluster.review_ids == ("train/1", "test/2", "test/3")
    assert cluster.samples == (text, f"{text.upper()}<br /><br />")


def test_texts_without_spaces_are_compared_by_characters():
    """One of some 60 characters differs; by words, the two have nothing in common."""
    text = "这部电影非常好看我很喜欢里面的演员和音乐真的值得再看一遍"
    text += "故事发生在一个小城市导演用很短的时间讲出了几代人的生活"
    texts = [text.encode(), text.replace("音", "配").encode(), "完全不同的一段文字".encode()]
    assert _found(texts, tokens="characters").near_copies == 1
    assert _found(texts).near_copies == 0


def test_texts_without_words_are_copies_of_equal_ones_alone():
    """And nothing at all has no copies."""
    found = _found([b"", b"", b"...", b"!!!", b"<br />"])
    assert (found.exact_copies, found.near_copies, found.cluster_count) == (1, 0, 1)
    assert _found([]).clusters == ()


def test_one_huge_text_is_cut_and_the_others_are_found():
    """10 MB, and twice 20 MB that differ at the end, of which the beginning counts."""
    huge = b"one more word of many " * 480_000
    longest = bytes(range(97, 123)) * 800_000
    found = _found([huge, b"a short text", longest, longest + b" end", b"A short text!"])
    assert len(huge) > 10_000_000
    assert (found.exact_copies, found.near_copies) == (0, 2)
    assert len(found.clusters[0].samples[0]) < 3_000


@pytest.mark.parametrize("end", ["", " and number {}"])
def test_many_copies_are_one_cluster(end):
    """Of 5,000 texts that are the same, or nearly, all pairs would be 12 million."""
    base = " ".join(WORDS[:100])
    texts = [f"{base}{end.format(number)}".encode() for number in range(5_000)]
    found = _found(texts)
    assert (found.cluster_count, found.left_out) == (1, 0)
    assert (found.clusters[0].size, len(found.clusters[0].review_ids)) == (5_000, 10)
    assert found.exact_copies + found.near_copies == 4_999


def test_comparisons_are_bounded_where_texts_have_half_in_common(monkeypatch):
    """What is not compared is told."""
    monkeypatch.setattr(near_duplicates, "COMPARISONS_A_TEXT", 1)
    base = " ".join(WORDS[:100])
    texts = [
        " ".join([base, *(f"{number}x{at}" for at in range(40))]).encode() for number in range(500)
    ]
    found = _found(texts)
    assert found.near_copies == 0
    assert found.left_out > 500


def test_hashes_are_of_lower_case_words_wherever_they_stand():
    """The same word has the same hash in every text and place; empty texts have none."""
    texts = [b"A word, a WORD!", b"", b"word<br />a", "don't é".encode()]
    found = hashed_tokens.hashed_tokens(texts)
    assert found.row_splits.tolist() == [0, 4, 4, 6, 8]
    a, word, *rest = found.hashes.tolist()
    assert rest[:4] == [a, word, word, a]
    assert len({*found.hashes.tolist()}) == 4
    characters = hashed_tokens.hashed_tokens(["aé 好a".encode()], "characters")
    assert len(characters.hashes) == 4
    assert characters.hashes[0] == characters.hashes[3]


def test_runs_do_not_go_from_one_text_to_the_next():
    """A text of fewer tokens has one run, which is not that of a longer one."""
    found = hashed_tokens.runs(hashed_tokens.hashed_tokens([b"a b c d", b"", b"b c", b"a b c"]), 3)
    assert found.row_splits.tolist() == [0, 2, 2, 3, 4]
    assert found.hashes[0] == found.hashes[3]
    assert len({*found.hashes.tolist()}) == 3


@pytest.mark.imdb
@pytest.mark.slow
def test_the_real_reviews_have_418_copies_and_41_near_ones():
    """49,582 of 50,000 texts are distinct."""
    path = os.environ.get("IMDB_ARCHIVE")
    if not path:
        pytest.skip("IMDB_ARCHIVE names no archive")
    reviews = [
        LabelledText(str(record.review_id), record.split, record.label, record.text)
        for record in read_archive(path)
        if isinstance(record, Review)
    ]
    found = near_duplicates.near_duplicates(lambda: reviews)
    assert (found.exact_copies, found.near_copies) == (418, 41)
