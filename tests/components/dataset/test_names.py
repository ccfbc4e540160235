"""What a data set is called: after its file, or after the folder where files say only the split."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.dataset.names import name_and_origin, name_of

COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("path", "name", "origin"),
    [
        ("/x/My Reviews-2.csv.gz", "my_reviews_2", "/x/My Reviews-2.csv.gz"),
        ("/x/data.csv", "data", "/x/data.csv"),
        ("/x/hf/train-00000-of-00001.parquet", "hf", "/x/hf"),
        ("/x/films/data/train-00000-of-00001.parquet", "films", "/x/films"),
        ("/x/films/default/train/0000.parquet", "films", "/x/films"),
        ("/x/films/part-00000.csv", "films", "/x/films"),
        ("/x/films/train/part1.csv", "films", "/x/films"),
        ("/x/films/val.csv", "films", "/x/films"),
        ("/x/films/train/data.csv", "films", "/x/films"),
        ("/x/films/train/tickets.csv", "tickets", "/x/films/train/tickets.csv"),
        ("/x/reviews_train.csv", "reviews", "/x/reviews_train.csv"),
        ("/x/train_reviews.csv", "reviews", "/x/train_reviews.csv"),
        ("/x/imdb50k-test-00001-of-00002.csv", "imdb50k", "/x/imdb50k-test-00001-of-00002.csv"),
        (
            f"/h/datasets--stanfordnlp--imdb/snapshots/{COMMIT}/plain_text/test-00000-of-00001.parquet",
            "stanfordnlp_imdb",
            "/h/datasets--stanfordnlp--imdb",
        ),
        ("/train.csv", "reviews", "/"),
        ("/x/日本語.csv", "reviews", "/x/日本語.csv"),
    ],
)
def test_a_table_is_named_after_what_tells_it_from_others(path, name, origin):
    """The folder, where the file says only split and shard; above it, where that is called data."""
    assert name_and_origin(Path(path), keeps_splits=True) == (name, Path(origin))


def test_a_split_in_the_name_of_a_single_file_is_part_of_it():
    """It is split by a hash of the text."""
    path = Path("/x/train_reviews.csv")
    assert name_and_origin(path, keeps_splits=False) == ("train_reviews", path)
    assert name_and_origin(Path("/x/train.csv"), keeps_splits=False) == ("x", Path("/x"))


def test_a_folder_or_archive_is_named_after_itself():
    """In snake case."""
    assert name_of(Path("/x/aclImdb_v1.tar.gz")) == "aclimdb_v1"
    assert name_of(Path(f"/x/{'a' * 200}.csv")) == "a" * 80
