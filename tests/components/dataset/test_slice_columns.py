"""Columns that slices are by: what may be named, and what their values become."""

from __future__ import annotations

import datetime
import json

import pyarrow
import pyarrow.parquet
import pytest

from components import features
from components.dataset.layout_labels import parts_of, read_part
from components.dataset.read import read_table
from components.dataset.records import Review
from components.dataset.resolve import resolve_source
from components.dataset.slice_values import MISSING, OTHER, feature_of, value_of
from components.dataset.source import ReviewSource
from components.errors import ConfigurationError, DatasetError

COLUMNS = ("text", "label", "product", "language")
ROWS = (
    ("good one", 1, "shoes", "de"),
    ("bad one", 0, "hats", "en"),
    ("fine one", 1, "", "en"),
    ("dull one", 0, "shoes", "de"),
)
# What all formats hold; the third review has no product.
SLICES = [("shoes", "de"), ("hats", "en"), (MISSING, "en"), ("shoes", "de")]


def records(without_empty=True):
    """Returns the rows as objects, without the key where there is no product."""
    found = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    return [{k: v for k, v in row.items() if v != "" or not without_empty} for row in found]


def separated(delimiter):
    """Returns the rows as lines of fields."""
    return "".join(delimiter.join(map(str, row)) + "\n" for row in (COLUMNS, *ROWS))


@pytest.fixture
def table(tmp_path):
    """Writes the rows in a format."""

    def write(form):
        path = tmp_path / f"reviews.{form}"
        if form == "parquet":
            rows = [{**row, "product": row.get("product")} for row in records()]
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
            return path
        if form == "hub":
            folder = tmp_path / "hub" / "data"
            folder.mkdir(parents=True)
            for split in ("train", "test"):
                rows = [{**row, "product": row.get("product")} for row in records()]
                file = folder / f"{split}-00000-of-00001.parquet"
                pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)
            return folder.parent
        content = {
            "csv": separated(","),
            "tsv": separated("\t"),
            "jsonl": "".join(json.dumps(row) + "\n" for row in records()),
            "json": json.dumps(records()),
        }
        path.write_text(content[form])
        return path

    return write


def slices_in(source):
    """Returns the slices of a table's reviews, file by file."""
    found = (record for file in source.files for record in read_table(file, source))
    return [record.slices for record in found if isinstance(record, Review)]


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "json", "parquet", "hub"])
def test_every_format_of_tables_has_slices(table, form):
    """An empty cell, null and a key that is absent are one slice of their own."""
    source = resolve_source(str(table(form)), slice_by="product, product+language")
    assert source.slice_by == (("product",), ("product", "language"))
    assert source.slice_columns == ("product", "language")
    assert slices_in(source) == SLICES * (2 if form == "hub" else 1)
    assert ReviewSource.from_json(source.to_json()) == source


def test_a_column_inside_others_is_one_as_well(tmp_path):
    """In JSON and in Parquet; numbers and truth values are as JSON writes them."""
    rows = [
        {"text": text, "label": label, "shop": {"country": country, "is_new": True}, "stars": stars}
        for text, label, country, stars in (("good", 1, "de", 4.5), ("bad", 0, None, 4.0))
    ]
    lines, parquet = tmp_path / "a.jsonl", tmp_path / "b.parquet"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), parquet)
    for path in (lines, parquet):
        source = resolve_source(str(path), slice_by="shop.country,shop.is_new,stars")
        assert slices_in(source) == [("de", "true", "4.5"), (MISSING, "true", "4.0")]


def test_a_later_record_may_bring_the_column(tmp_path):
    """Of JSON, the first records need not have it."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good", "label": 1}\n{"text": "bad", "label": 0, "shop": "x"}\n')
    assert slices_in(resolve_source(str(path), slice_by="shop")) == [(MISSING,), ("x",)]


def test_stars_are_the_column_of_reviews_laid_out_as_imdb():
    """And the only one."""
    source = resolve_source("sample", slice_by="rating")
    reviews = [each for part in parts_of(source)[:50] for each in read_part(part, source)]
    assert [review.slices for review in reviews] == [(str(each.rating),) for each in reviews]
    with pytest.raises(DatasetError, match=r"no table.*`slice_by='rating'`"):
        resolve_source("sample", slice_by="product")
    with pytest.raises(DatasetError, match="stars are the label"):
        resolve_source("sample", label_column="rating", slice_by="rating")


@pytest.mark.parametrize(
    ("slice_by", "words"),
    [
        ("prodct", "has no column 'prodct' .*nearest first: product, "),
        ("product+langage", "'langage' .*nearest first: language, "),
        ("text", "that is the column of the text; .*: product, language|language, product"),
        ("product,label", "that is the column of the label"),
        ("product+language+text", "neither a column nor two"),
        ("product+", "neither a column nor two"),
    ],
)
def test_what_is_no_slice_is_refused_with_the_columns_there_are(table, slice_by, words):
    """The message names what to type instead."""
    with pytest.raises((DatasetError, ConfigurationError), match=words):
        resolve_source(str(table("csv")), slice_by=slice_by)


def test_all_files_must_have_the_column(tmp_path):
    """Else the slices of test would all be missing."""
    (tmp_path / "train.csv").write_text(separated(","))
    (tmp_path / "test.csv").write_text("text,label\ngood,1\nbad,0\n")
    with pytest.raises(DatasetError, match=r"test\.csv has no column 'product'"):
        resolve_source(str(tmp_path), slice_by="product")


def test_objects_and_lists_are_no_values(tmp_path):
    """What is inside them is named."""
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(
            json.dumps({"text": text, "label": label, "shop": {"country": "de"}}) + "\n"
            for text, label in (("good", 1), ("bad", 0))
        )
    )
    with pytest.raises(DatasetError, match=r"objects or lists.*`slice_by='shop\.country'`"):
        resolve_source(str(path), slice_by="shop")


def test_a_column_named_with_a_plus_is_that_column(tmp_path):
    """And a comma stands in quotes."""
    path = tmp_path / "a.csv"
    path.write_text('text,label,a+b,"c,d"\ngood,1,x,y\nbad,0,z,w\n')
    source = resolve_source(str(path), slice_by='a+b,"c,d"')
    assert source.slice_by == (("a+b",), ("c,d",))
    assert slices_in(source) == [("x", "y"), ("z", "w")]


def test_at_most_ten_columns_are_taken(tmp_path):
    """Each is a feature of every review."""
    path = tmp_path / "a.csv"
    names = [f"c{number}" for number in range(11)]
    path.write_text(f"text,label,{','.join(names)}\n" + f"good,1{',x' * 11}\nbad,0{',x' * 11}\n")
    with pytest.raises(ConfigurationError, match="11 columns; expected at most 10"):
        resolve_source(str(path), slice_by=",".join(names))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (" shoes ", "shoes"),
        ("a,b/c=d", "a,b/c=d"),
        ("=1+1", "=1+1"),
        (datetime.date(2024, 1, 31), "2024-01-31"),
        (True, "true"),
        ("True", "True"),
        (1, "1"),
        (1.0, "1.0"),
        ("1.50", "1.50"),
        (None, MISSING),
        ("  ", MISSING),
        (float("nan"), MISSING),
        (MISSING, f"'{MISSING}'"),
        (f"'{OTHER}'", f"''{OTHER}''"),
    ],
)
def test_a_value_is_named_as_it_is_written(value, name):
    """What a table calls as we call missing ones is told from them."""
    assert value_of(value) == name


@pytest.mark.parametrize("value", ["x" * 10_000, "a\nb", "\x1b[31mred", b"\xff\xfe\x00", "\ud83d"])
def test_a_hostile_value_is_short_printable_and_told_from_others(value):
    """Whatever a cell holds is a name of at most 100 characters that UTF-8 can write."""
    name = value_of(value)
    assert len(name.encode()) <= 110 and name.isprintable()
    assert name != value_of(value * 2)


def test_no_two_columns_share_a_feature_and_none_is_one_of_ours():
    """Whatever the columns are called."""
    names = ["text", "label", "rating", "a b", "a_b", "a/b", "ä", "x" * 200, "x" * 201, "\x1b[0m"]
    names += [feature_of("a b").removeprefix("slice_by_")]
    found = [feature_of(name) for name in names]
    assert len(set(found)) == len(names)
    assert not {features.TEXT, features.LABEL, features.RATING} & set(found)
    assert all(name.isascii() and name.isidentifier() and len(name) < 100 for name in found)
