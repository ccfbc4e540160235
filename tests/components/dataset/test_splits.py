"""Splits by hash: the same on every machine, evenly spread, independent of each other."""

from __future__ import annotations

import pytest

from components.dataset.splits import bucket, split_in_name, split_of, split_spelt

TEXTS = [f"text {number}".encode() for number in range(5_000)]


def test_a_text_has_the_same_bucket_on_every_machine():
    """Python's own hash differs from run to run."""
    assert f"{bucket(b'a fine film', 'split'):.6f}" == "0.485241"
    assert f"{bucket(b'a fine film', 'validation'):.6f}" == "0.228868"


def test_buckets_are_spread_evenly_from_0_to_1():
    """Each tenth holds a tenth of the texts, within four standard deviations of chance."""
    tenths = [int(bucket(text, "split") * 10) for text in TEXTS]
    assert set(tenths) == set(range(10))
    assert all(abs(tenths.count(tenth) - 500) < 4 * 21.3 for tenth in range(10))


def test_a_fifth_of_all_texts_is_for_testing():
    """By the text alone."""
    assert abs(sum(split_of(text) == "test" for text in TEXTS) - 1_000) < 4 * 28.3
    assert {split_of(text) for text in TEXTS} == {"train", "test"}


def test_salts_make_independent_choices():
    """A validation split takes the same share of texts that were put into train."""
    train = [text for text in TEXTS if split_of(text) == "train"]
    share = sum(bucket(text, "validation") < 0.25 for text in train) / len(train)
    assert abs(share - 0.25) < 0.03


@pytest.mark.parametrize(
    ("split", "values"),
    [
        ("train", ["train", " Training "]),
        ("eval", ["validation", "VAL", "valid", "dev", "eval", "Evaluation", "development"]),
        ("test", ["test", "TESTING", "holdout"]),
        ("unsupervised", ["unsupervised", "unsup", "Unlabelled", "unlabeled"]),
        ("", ["", "odd", "trainer", "1"]),
    ],
)
def test_a_column_may_name_a_split_in_several_ways(split, values):
    """Case and blanks make no difference."""
    assert [split_spelt(value) for value in values] == [split] * len(values)


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["train", "train-00000-of-00001", "Train_2", "training.v1", "reviews_train"]),
        ("train", ["imdb-train-00001-of-00003", "trainset", "train_and_more"]),
        ("eval", ["validation-00000-of-00001", "val", "dev", "valid_set", "sst-dev", "valset"]),
        ("test", ["TEST_2", "testset-levelA", "reviews.test", "reviews-test-3", "holdout"]),
        ("unsupervised", ["unsupervised-00000-of-00001", "unsup"]),
        (
            "",
            ["trainers", "testimonials", "contest", "validity", "developers", "reviews", "retrain"],
        ),
    ],
)
def test_a_file_may_be_named_for_its_split_at_either_end(split, names):
    """Shards count for nothing; parts of words do not either."""
    assert [split_in_name(name) for name in names] == [split] * len(names)
