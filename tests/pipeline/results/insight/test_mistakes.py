"""The worst mistakes: which they are, and their texts."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.dataset.records import Review
from components.example_gen.examples import to_example
from pipeline.results.insight import reviews as reviews_module
from pipeline.results.insight.mistakes import decisions, worst_mistakes
from pipeline.results.insight.reviews import HeldReviews, cut, read_reviews, texts_of


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> str:
    """Examples of ten reviews in two shards of test, and of one in train."""
    folder = tmp_path_factory.mktemp("examples")
    shards = {"test": (range(5), range(5, 10)), "train": (range(1),)}
    for split, numbers in shards.items():
        (folder / f"Split-{split}").mkdir()
        for shard, each in enumerate(numbers):
            path = str(folder / f"Split-{split}" / f"data_tfrecord-{shard:05d}-of-00002.gz")
            with tf.io.TFRecordWriter(path, "GZIP") as writer:
                for at in each:
                    name, text = f"{split}/{at}".encode(), f"text {at} of {split}".encode()
                    writer.write(to_example(Review(text, at % 2, name, split, None)))
    return str(folder)


def test_the_worst_come_first_and_equal_ones_by_name():
    """Of two classes; right ones are none."""
    ids = ["b", "a", "c", "d", "e"]
    labels = np.array([0, 0, 1, 1, 0])
    positive = np.array([0.9, 0.9, 0.05, 0.9, 0.5], np.float32)
    scores = np.stack([1 - positive, positive], axis=1)
    found = worst_mistakes(ids, labels, scores)
    assert [each.review_id for each in found] == ["c", "a", "b", "e"]
    assert (found[0].label, found[0].taken_for) == (1, 0)
    assert found[0].confidence == pytest.approx(0.95)
    assert [each.review_id for each in worst_mistakes(ids, labels, scores, most=2)] == ["c", "a"]
    assert worst_mistakes(ids, decisions(scores), scores) == ()


def test_a_threshold_decides_between_two_classes():
    """From it on, it is the second; with more classes the first of the likeliest."""
    scores = np.array([[0.3, 0.7], [0.25, 0.75]], np.float32)
    assert decisions(scores, 0.7).tolist() == [1, 1]
    assert decisions(scores, 0.71).tolist() == [0, 1]
    assert decisions(np.array([[0.2, 0.4, 0.4], [0.5, 0.1, 0.4]])).tolist() == [1, 0]


def test_reviews_are_read_shard_by_shard(examples):
    """In the same order each time, of the splits that are there."""
    found = [*read_reviews(examples, ["train", "eval", "test"])]
    assert [each.review_id for each in found] == ["train/0", *(f"test/{at}" for at in range(10))]
    assert found[3] == ("test/2", "test", 0, b"text 2 of test")
    assert found == [*read_reviews(examples, ["train", "eval", "test"])]


def test_texts_are_found_by_name(examples):
    """Of names that are not there, there is no text."""
    reviews = HeldReviews(examples, ["train", "eval", "test"])
    assert texts_of(reviews(), ["test/7", "test/1", "other", "train/0"]) == {
        "test/1": b"text 1 of test",
        "test/7": b"text 7 of test",
    }
    assert texts_of(reviews(), []) == {}


@pytest.mark.parametrize("most_bytes", [10_000, 100])
def test_reviews_that_are_not_too_many_are_read_once(examples, monkeypatch, most_bytes):
    """Others each time; whoever stops early has no part of them held for all."""
    read = []

    def counted(*arguments):
        read.append(arguments)
        return read_reviews(*arguments)

    monkeypatch.setattr(reviews_module, "read_reviews", counted)
    held = HeldReviews(examples, ["train", "test"], most_bytes)
    assert next(held()).review_id == "train/0"
    assert [*held()] == [*held()] == [*held()] == [*read_reviews(examples, ["train", "test"])]
    assert len(read) == (2 if most_bytes == 10_000 else 4)


def test_a_damaged_file_is_named(examples, tmp_path):
    """With what to do."""
    (tmp_path / "Split-test").mkdir()
    (tmp_path / "Split-test" / "data_tfrecord-00000-of-00001.gz").write_bytes(b"no gzip at all")
    with pytest.raises(LookupError, match=r"00001\.gz cannot be read .*run the pipeline again"):
        [*read_reviews(str(tmp_path), ["test"])]


def test_a_cut_text_ends_between_characters():
    """And says that it goes on; what is not UTF-8 is replaced."""
    assert cut("é é".encode(), 4) == "é …"
    assert cut(b"all\xff", 4) == "all\ufffd"
