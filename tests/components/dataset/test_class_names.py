"""The names behind the numbers of a label column, where a Parquet file has them."""

from __future__ import annotations

import json

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset.class_names import class_names_in, names_in_force
from components.dataset.first_look import checked, look_at
from components.dataset.inspection.look import look_at_tables
from components.dataset.labels import spelling_in
from components.dataset.resolve import resolve_source
from components.dataset.source import SourceKind
from components.dataset.table_options import FOUND_BY_CONTENT
from tests.components.tables import write_table


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
    assert class_names_in(path, "label", SourceKind.PARQUET) == ("neg", "pos")
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
    assert class_names_in(path, "label", SourceKind.PARQUET) == ()
    assert names_in_force((), ()) == ()


def test_a_number_without_a_name_stays_a_number(tmp_path):
    """Hugging Face's -1 for no label."""
    source = resolve_source(
        str(write(tmp_path / "r.parquet", ["neg", "pos"], [0, 1, -1])),
        imdb_archive=None,
        cache_dir=tmp_path,
    )
    assert look_at(source).labels == {"neg": 1, "pos": 1, "-1": 1}


CARD = """---
dataset_info:
- config_name: en
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': sports
          '1': sci/tech
- config_name: stars
  features:
  - name: label
    dtype:
      class_label:
        names: ['1', '2']
---
"""


@pytest.mark.parametrize("name", ["r.parquet", "r.jsonl", "r.csv"])
def test_a_card_names_the_classes_of_every_format(tmp_path, name):
    """By the configuration whose folder a file is in, some folders above."""
    (tmp_path / "README.md").write_text(CARD)
    path = tmp_path / "en" / name
    path.parent.mkdir()
    write_table(path, [(f"text {n}", n % 2) for n in range(6)])
    assert resolve_source(str(path)).classes == ("sports", "sci/tech")
    found = look_at_tables([path], "", "", FOUND_BY_CONTENT)
    assert found.survey.labels == {"sports": 3, "sci/tech": 3}


def test_a_number_in_text_that_is_a_name_is_that_name(tmp_path):
    """A number that is none is a place among the names; without a configuration, none is told."""
    (tmp_path / "README.md").write_text(CARD)
    for folder, labels in (("stars", {"1": 3, "2": 3}), ("other", {"1": 3, "2": 3})):
        path = tmp_path / folder / "r.csv"
        path.parent.mkdir()
        write_table(path, [(f"text {n}", 1 + n % 2) for n in range(6)])
        assert look_at_tables([path], "", "", FOUND_BY_CONTENT).survey.labels == labels
    assert spelling_in(b"0", ("1", "2")) == "1"
    assert spelling_in(1, ("1", "2")) == "2"
    assert spelling_in("007", ("a", "b")) == "007"


@pytest.mark.parametrize("card", ["", "---\ndataset_info: 5\n---\n", "---\n[\n---\n", "no card"])
def test_a_card_without_names_names_nothing(tmp_path, card):
    """Whatever else it holds."""
    (tmp_path / "README.md").write_text(card)
    path = write_table(tmp_path / "r.jsonl", [("text", 0)])
    assert class_names_in(path, "label", SourceKind.JSON_LINES) == ()
