"""The names behind the numbers of a label column, where a Parquet file has them."""

from __future__ import annotations

import json

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset.class_names import class_names_in, names_in_force
from components.dataset.first_look import checked, look_at
from components.dataset.resolve import resolve_source


def write(path, names, labels, column="label"):
    """Writes a table as Hugging Face's `datasets` does."""
    info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pyarrow.table({"text": [f"text {n}" for n in range(len(labels))], column: labels})
    metadata = {"huggingface": json.dumps(info)}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), path)
    return path


def classes(path, **settings):
    """Returns how many reviews there are of each class."""
    source = resolve_source(str(path), imdb_archive=None, cache_dir=path.parent, **settings)
    return look_at(source).reviews


def test_numbers_mean_what_their_names_say(tmp_path):
    """Also where the first class is the positive one."""
    path = write(tmp_path / "r.parquet", ["neg", "pos"], [0, 1, 1])
    assert class_names_in(path, "label") == ("neg", "pos")
    assert classes(path) == {0: 1, 1: 2}
    assert classes(write(path, ["positive", "negative"], [0, 1, 1])) == {1: 1, 0: 2}


def test_flags_may_name_numbers_or_names(tmp_path):
    """What occurs in a flag decides."""
    path = write(tmp_path / "r.parquet", ["ham", "spam"], [0, 1, 1])
    assert classes(path, positive_label="ham") == {1: 1, 0: 2}
    assert classes(path, positive_label="1") == {1: 2, 0: 1}
    assert classes(path, negative_label="1.0") == {0: 2, 1: 1}
    stars = write(path, ["1", "2", "3", "4", "5"], [0, 1, 2, 3, 4])
    assert classes(stars, positive_label="4,5", negative_label="1,2") == {1: 2, 0: 2}


def test_names_of_ones_own_are_the_classes_in_their_authors_order(tmp_path):
    """Those that occur in train; of two it is told which one the probability is of."""
    path = write(tmp_path / "r.parquet", ["spam", "ham"], [0, 1, 1])
    told = []
    source = resolve_source(str(path), imdb_archive=None, cache_dir=tmp_path, notify=told.append)
    assert source.classes == ("spam", "ham")
    assert look_at(source).reviews == {0: 1, 1: 2}
    assert told == [
        "The classes are 'spam' (1), 'ham' (2), and the probability is that of 'ham'; "
        "`labels='ham,spam'` turns it round."
    ]
    source = resolve_source(
        str(write(path, ["joy", "love", "anger", "fear"], [0, 1, 3, 3])),
        imdb_archive=None,
        cache_dir=tmp_path,
    )
    assert source.classes == ("joy", "love", "fear")
    assert look_at(checked(source, 0.0)).reviews == {0: 1, 1: 1, 2: 2}
    write(path, ["b", "B", "a"], [0, 1, 1, 2, 2, 2])
    source = resolve_source(str(path), imdb_archive=None, cache_dir=tmp_path)
    assert (source.classes, look_at(source).reviews) == (("b", "B", "a"), {0: 1, 1: 2, 2: 3})


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"info": {"features": {"label": 5}}}'])
def test_metadata_of_another_kind_is_no_names(tmp_path, value):
    """The file is read as it is."""
    table = pyarrow.table({"text": ["a"], "label": [1]})
    path = tmp_path / "r.parquet"
    pyarrow.parquet.write_table(table.replace_schema_metadata({b"huggingface": value}), path)
    assert class_names_in(path, "label") == ()
    assert names_in_force((), ()) == ()


def test_a_number_without_a_name_stays_a_number(tmp_path):
    """Hugging Face's -1 for no label."""
    source = resolve_source(
        str(write(tmp_path / "r.parquet", ["neg", "pos"], [0, 1, -1])),
        imdb_archive=None,
        cache_dir=tmp_path,
    )
    assert look_at(source).labels == {"neg": 1, "pos": 1, "-1": 1}
