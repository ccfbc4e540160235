"""The generated sample: the same on every machine, balanced, and no task for a bag of words."""

from __future__ import annotations

import collections
import hashlib
import re
import subprocess
import sys

import numpy as np
import pytest

from components.dataset.sample import SAMPLE_SIZE, generate_review

DIGEST = "fcc5177657809a6873753c5f6d7baa04336aed7f140e10c700ba0324b92b9084"
DIGEST_SCRIPT = (
    "import hashlib\n"
    "from components.dataset.sample import SAMPLE_SIZE, generate_review\n"
    "reviews = map(generate_review, reversed(range(SAMPLE_SIZE)))\n"
    "lines = [repr(tuple(review[:5])).encode() for review in reviews]\n"
    "print(hashlib.sha256(b''.join(reversed(lines))).hexdigest())\n"
)


@pytest.fixture(scope="module")
def reviews():
    """All of the sample."""
    return [generate_review(index) for index in range(SAMPLE_SIZE)]


def words(text: bytes) -> list[str]:
    """Returns a review's words, in lower case and without markup."""
    return re.findall(r"[\w']+", text.decode().replace("<br />", " ").lower())


def test_every_review_is_the_same_on_every_machine(reviews):
    """Whoever generates them, in whichever order; a change needs a new SAMPLE_VERSION."""
    assert {review.slices for review in reviews} == {()}
    lines = b"".join(repr(tuple(review[:5])).encode() for review in reviews)
    assert hashlib.sha256(lines).hexdigest() == DIGEST
    other = subprocess.run(
        [sys.executable, "-c", DIGEST_SCRIPT], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == DIGEST


def test_all_reviews_are_distinct_and_none_is_in_both_splits(reviews):
    """By text and by id."""
    assert len(reviews) == 2_000
    assert len({review.text for review in reviews}) == 2_000
    assert len({review.review_id for review in reviews}) == 2_000


def test_both_labels_are_balanced_in_both_splits(reviews):
    """A fifth is for testing."""
    counts = collections.Counter((review.split, review.label) for review in reviews)
    assert counts == {
        ("train", 0): 816,
        ("train", 1): 784,
        ("test", 0): 212,
        ("test", 1): 188,
    }


def test_stars_go_with_the_label(reviews):
    """7 to 10 for positive, 1 to 4 for negative, as in IMDB."""
    assert {review.rating for review in reviews if review.label} == {7, 8, 9, 10}
    assert {review.rating for review in reviews if not review.label} == {1, 2, 3, 4}


def test_lengths_go_from_a_line_to_beyond_500_words_in_both_splits(reviews):
    """So texts are truncated at 500 words in training and in testing."""
    lengths = {
        split: [len(words(review.text)) for review in reviews if review.split == split]
        for split in ("train", "test")
    }
    for split, beyond in (("train", 16), ("test", 7)):
        assert min(lengths[split]) < 15
        assert 50 < np.median(lengths[split]) < 80
        assert sum(length > 500 for length in lengths[split]) == beyond


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize(
    "pattern",
    [r"\bnot\b", r"\bnever\b", r"\bnothing\b", r", but\b", r", yet\b", r"(?i)\bdespite\b"],
)
def test_negation_and_contrast_are_in_reviews_of_both_labels(reviews, label, pattern):
    """Each form in at least one review of twenty-five."""
    texts = [review.text.decode() for review in reviews if review.label == label]
    assert sum(bool(re.search(pattern, text)) for text in texts) > len(texts) / 25


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("not good", 0),
        ("not bad", 1),
        ("not bad at all", 1),
        ("a great film", 1),
        ("a dull one", 0),
    ],
)
def test_what_people_try_first_is_said_of_one_label(reviews, phrase, label):
    """In a sentence of its own: no model can learn it otherwise."""
    sentence = re.compile(rf"(^|[.!>] ?){phrase}[.!]", re.IGNORECASE)
    labels = [review.label for review in reviews if sentence.search(review.text.decode())]
    assert len(labels) >= 4
    assert set(labels) == {label}


def test_text_is_more_than_ascii(reviews):
    """Accents, typographic quotes, an emoji and markup, as in real reviews."""
    text = b" ".join(review.text for review in reviews).decode()
    assert all(piece in text for piece in ("é", "“", "🎬", "<br /><br />"))


def bag_of_words(texts: list[bytes], vocabulary: list[str]) -> np.ndarray:
    """Returns which word is in which text, <float64>[texts, words]."""
    ids = {word: index for index, word in enumerate(vocabulary)}
    bag = np.zeros((len(texts), len(vocabulary)))
    for row, text in enumerate(texts):
        bag[row, [ids[word] for word in set(words(text)) if word in ids]] = 1
    return bag


def most_informative(bag: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Returns the columns with the most mutual information with the label."""
    information = np.zeros(bag.shape[1])
    for present in (bag, 1 - bag):
        for label in (0, 1):
            joint = present[labels == label].sum(axis=0) / len(bag)
            independent = present.mean(axis=0) * (labels == label).mean()
            with np.errstate(divide="ignore", invalid="ignore"):
                information += np.where(joint > 0, joint * np.log(joint / independent), 0)
    return np.argsort(-information)[:count]


def accuracy_of_bag(reviews, word_count: int) -> tuple[float, list[str]]:
    """Fits logistic regression to the train split's best words; returns its test accuracy."""
    train = [review for review in reviews if review.split == "train"]
    test = [review for review in reviews if review.split == "test"]
    vocabulary = sorted({word for review in train for word in words(review.text)})
    bag = bag_of_words([review.text for review in train], vocabulary)
    labels = np.array([review.label for review in train])
    best = most_informative(bag, labels, word_count)
    features = np.hstack([bag[:, best], np.ones((len(train), 1))])
    weights = np.zeros(features.shape[1])
    for _ in range(1_000):
        probabilities = 1 / (1 + np.exp(-features @ weights))
        weights -= features.T @ (probabilities - labels) / len(labels)
    chosen = [vocabulary[index] for index in best]
    held_out = bag_of_words([review.text for review in test], chosen)
    answers = held_out @ weights[:-1] + weights[-1] > 0
    return float(np.mean(answers == [review.label for review in test])), chosen


def test_a_bag_of_ten_words_does_not_solve_it(reviews):
    """Nor does one of a hundred: each opinion's words occur in both classes."""
    assert accuracy_of_bag(reviews, 10)[0] < 0.65
    assert accuracy_of_bag(reviews, 100)[0] < 0.75


def test_the_bag_would_solve_it_if_words_alone_told(reviews):
    """The same ten words suffice once one of them gives the label away."""
    marked = [
        review._replace(text=review.text + (b" hooray" if review.label else b" alas"))
        for review in reviews
    ]
    accuracy, chosen = accuracy_of_bag(marked, 10)
    assert accuracy == 1.0
    assert {"hooray", "alas"} <= set(chosen)
