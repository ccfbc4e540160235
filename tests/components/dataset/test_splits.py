"""Splits by hash: the same on every machine, evenly spread, independent of each other."""

from __future__ import annotations

from components.dataset.splits import bucket, split_of

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
