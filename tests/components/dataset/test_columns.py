"""Columns that nobody named: found by their usual names, and said."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset.inspection.look import look_at_tables
from components.dataset.nested import has_value_at, paths_in, value_at
from components.dataset.records import Review
from components.dataset.resolve import resolve_source
from components.dataset.table_options import TableOptions
from components.dataset.tables import read_table
from components.dataset.texts import read_texts
from components.errors import DatasetError
from pipeline.scoring.plan import make_plan
from pipeline.scoring.rows import Problem, read_chunks

NESTED = [
    {"id": n, "ticket": {"body": f"text {n}", "tags": ["x", n % 2]}, "meta": {"stars": n % 2}}
    for n in range(4)
]


def resolve(path: Path, **settings):
    """Returns the source and what was told."""
    told: list[str] = []
    return resolve_source(str(path), notify=told.append, **settings), told


def test_where_neither_column_is_known_both_settings_are_named(tmp_path):
    """By those that look like it, if any do: Chinese says in twelve characters what takes forty."""
    path = tmp_path / "abc.csv"
    path.write_text("a,b,c\n" + "x,y,z\n" * 40)
    with pytest.raises(DatasetError, match="`text_column`, and the label's with `label_column`"):
        resolve(path)
    path = tmp_path / "r.csv"
    rows = [f"这家店的东西真的很不错{'好坏'[n % 2]},{'中正负'[n % 3]}面" for n in range(40)]
    path.write_text("\n".join(["内容,情感", *rows]))
    with pytest.raises(DatasetError) as error:
        resolve(path)
    assert str(error.value) == (
        "r.csv has no column 'text'. Its columns are: 内容, 情感. Name it with `text_column`, e.g. "
        "`text_column='内容'` `label_column='情感'`."
    )


@pytest.mark.parametrize(
    ("header", "columns", "told"),
    [
        ("id,Review Text,stars", ("Review Text", "stars"), 1),
        ("review_body,SENTIMENT,date", ("review_body", "SENTIMENT"), 1),
        ("title,body,class", ("body", "class"), 1),
        ("title,rating,user", ("title", "rating"), 1),
        ("text,label,review,stars", ("text", "label"), 0),
        ("text,stars,user", ("text", "stars"), 1),
        ("comment,label,stars", ("comment", "label"), 1),
    ],
)
def test_columns_are_found_by_usual_names_and_told(tmp_path, header, columns, told):
    """`text` and `label` come first; a title is a text only where there is no other."""
    path = tmp_path / "r.csv"
    path.write_text(f"{header}\n" + "\n".join([",".join("a" * len(header.split(",")))] * 3))
    source, said = resolve(path)
    assert (source.text_column, source.label_column) == columns
    assert len(said) == told and all("by the usual names" in line for line in said)


def test_what_is_said_names_columns_and_settings(tmp_path):
    """In one sentence for both."""
    path = tmp_path / "r.csv"
    path.write_text("review,stars\na,1\n")
    assert resolve(path)[1] == [
        "Text from the column 'review', label from the column 'stars', by the usual names; "
        "`text_column` and `label_column` name others."
    ]


@pytest.mark.parametrize(
    ("header", "settings", "message"),
    [
        ("review,comment,stars", {}, "several may be it: 'review', 'comment'. Name one, e.g. "),
        ("review,stars,sentiment", {}, "`label_column='stars'` or `label_column='sentiment'`"),
        ("review,stars", {"text_column": "text"}, "r.csv has no column 'text'."),
        ("review,stars", {"label_column": "label"}, "r.csv has no column 'label'."),
    ],
)
def test_several_usual_names_are_refused_with_the_choices(tmp_path, header, settings, message):
    """And a column that is named is never guessed, even by the name that is usual."""
    path = tmp_path / "r.csv"
    path.write_text(f"{header}\na,b,c\n")
    with pytest.raises(DatasetError) as error:
        resolve(path, **settings)
    assert message in str(error.value)


def test_the_advice_for_several_names_works(tmp_path):
    """As it stands."""
    path = tmp_path / "r.csv"
    path.write_text("review,comment,stars\na,b,1\n")
    source, _ = resolve(path, text_column="comment")
    assert (source.text_column, source.label_column) == ("comment", "stars")


@pytest.fixture(params=["r.jsonl", "r.json", "r.parquet"])
def nested(request, tmp_path) -> Path:
    """A table whose text and label are inside other columns."""
    path = tmp_path / request.param
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(parquet_rows()), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(NESTED, indent=1))
    else:
        path.write_text("".join(f"{json.dumps(record)}\n" for record in NESTED))
    return path


def parquet_rows() -> list[dict]:
    """The same rows; a list of Parquet's has one type."""
    return [
        {**row, "ticket": {**row["ticket"], "tags": [str(tag) for tag in row["ticket"]["tags"]]}}
        for row in NESTED
    ]


@pytest.mark.parametrize("label", ["", "meta.stars", "ticket.tags.1"])
def test_nested_columns_are_read_and_found(nested, label):
    """In objects by `a.b`, in lists by index; by usual names where nobody named them."""
    named = {"text_column": "ticket.body", "label_column": label} if label else {}
    source, told = resolve(nested, **named)
    assert source.text_column == "ticket.body"
    assert source.label_column == (label or "meta.stars")
    assert bool(told) == (not label)
    records = read_table(source.files[0], source)
    reviews = [record for record in records if isinstance(record, Review)]
    assert [review.text for review in reviews] == [b"text 0", b"text 1", b"text 2", b"text 3"]
    assert [review.label for review in reviews] == [0, 1, 0, 1]


@pytest.mark.parametrize("column", ["", "ticket.body"])
def test_predict_and_score_read_nested_columns(nested, tmp_path, column):
    """The same ones, and the rows that come out keep their shape."""
    assert read_texts(nested, column).texts == ["text 0", "text 1", "text 2", "text 3"]
    plan = make_plan([str(nested)], tmp_path / "out", text_column=column)
    chunks = list(read_chunks(plan.files[0], plan))
    assert not any(isinstance(chunk, Problem) for chunk in chunks)
    assert b"".join(text for chunk in chunks for text in chunk.texts) == b"text 0text 1text 2text 3"
    rows = [row for chunk in chunks for row in as_rows(chunk.rows)]
    assert rows == (parquet_rows() if nested.suffix == ".parquet" else NESTED)


def as_rows(rows) -> list[dict]:
    """Rows of a chunk, whatever it holds them in."""
    return rows if isinstance(rows, list) else rows.to_pylist()


def write_rows(path: Path, rows: list[dict]) -> Path:
    """Writes rows as the file's name says."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.fixture(params=["r.jsonl", "r.json", "r.parquet"])
def written(request, tmp_path):
    """A function that writes rows in a format that has objects."""
    return lambda rows: write_rows(tmp_path / request.param, rows)


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"review": {"text": "fine", "stars": 5}}, ("review.text", "review.stars")),
        ({"review": ["fine"], "body": "fine", "stars": 5}, ("body", "stars")),
        ({"text": {"en": "fine"}, "comment": "fine", "label": 5}, ("comment", "label")),
        ({"text": "fine", "label": {"id": 7, "class": 5}}, ("text", "label.class")),
        ({"text": "fine", "category": ["a"], "stars": 5}, ("text", "stars")),
        ({"doc": {"review": ["x"], "body": "fine"}, "y": 5}, ("doc.body", "y")),
    ],
)
def test_an_object_or_a_list_is_never_guessed(written, row, columns):
    """Neither by its usual name nor as the only other column: what it holds may be."""
    path = written([row, json.loads(json.dumps(row).replace("5", "4"))])
    source, _ = resolve(path)
    assert (source.text_column, source.label_column) == columns
    records = list(read_table(source.files[0], source))
    assert [each.text for each in records if isinstance(each, Review)] == [b"fine", b"fine"]
    assert read_texts(path).texts == ["fine", "fine"]
    assert make_plan([str(path)], path.parent / "out").text_column == columns[0]
    assert look_at_tables([path], "", "", TableOptions()).text_column == columns[0]


@pytest.mark.parametrize(
    ("row", "settings", "message"),
    [
        (
            {"review": {"stars": 5, "text": "fine"}},
            {"text_column": "review"},
            "the column 'review' holds objects or lists; expected one value a record. Inside it "
            "are: review.stars, review.text. Name another with `text_column`, or what is inside, "
            "e.g. `text_column='review.text'`.",
        ),
        (
            {"text": "fine", "marks": ["5"]},
            {"label_column": "marks"},
            "the column 'marks' holds objects or lists; expected one value a record. Name another "
            "with `label_column`, or what is inside, e.g. `label_column='marks.0'`. A text has one "
            "class: of several labels, say of one whether a text has it, by yes and no in a "
            "column of its own.",
        ),
        (
            {"text": "fine", "meta": {"mark": "5"}},
            {},
            "has no column 'label'. Its columns are: text, meta. Inside them are: meta.mark.",
        ),
        (
            {"talk": [{"body": "fine", "role": "u"}], "mark": "5"},
            {"text_column": "talk"},
            "the column 'talk' holds objects or lists; expected one value a record. Inside it are: "
            "talk.0.body, talk.0.role. Name another with `text_column`, or what is inside, e.g. "
            "`text_column='talk.0.body'`.",
        ),
        (
            {"talk": [{"body": "fine", "role": "u"}], "mark": "5"},
            {},
            "has no column 'text'. Its columns are: talk, mark. Inside them are: talk.0.body, "
            "talk.0.role.",
        ),
        (
            {"text": {"en": "fine"}, "label": "5"},
            {},
            "the column 'text' holds objects or lists; expected one value a record. Inside it "
            "are: text.en. ",
        ),
    ],
)
def test_an_object_or_a_list_is_refused_with_what_it_holds(written, row, settings, message):
    """Before all of its records are refused one by one."""
    path = written([row, row])
    with pytest.raises(DatasetError) as error:
        resolve(path, **settings)
    assert message in str(error.value)
    if message.startswith("the column") and "label_column" not in settings:
        column = settings.get("text_column", "")
        for read in (
            lambda: read_texts(path, column),
            lambda: make_plan([str(path)], path.parent / "out", text_column=column),
        ):
            with pytest.raises(DatasetError) as error:
                read()
            assert message in str(error.value)


def test_the_advice_for_an_object_or_a_list_works(written):
    """As it stands."""
    rows = [{"review": {"text": f"t {n}"}, "marks": [str(n % 2)]} for n in range(4)]
    source, _ = resolve(written(rows), text_column="review.text", label_column="marks.0")
    found = [each for each in read_table(source.files[0], source) if isinstance(each, Review)]
    assert [(each.text, each.label) for each in found] == [
        (b"t 0", 0),
        (b"t 1", 1),
        (b"t 2", 0),
        (b"t 3", 1),
    ]


def test_a_column_that_holds_texts_as_well_is_one_of_texts(tmp_path):
    """Records with an object there are bad records, as many as are allowed."""
    rows = [{"text": "fine", "label": 1}, {"text": {"a": 1}, "label": 0}]
    assert read_texts(write_rows(tmp_path / "r.jsonl", rows), max_bad_records=0.5).texts == ["fine"]


def test_a_missing_nested_column_lists_what_is_inside(nested):
    """So that nobody has to open the file."""
    with pytest.raises(DatasetError) as error:
        resolve(nested, text_column="ticket.bodi")
    assert "Inside them are: ticket.body, ticket.tags, meta.stars." in str(error.value)
    assert "Did you mean 'ticket.body'?" in str(error.value)


def test_a_column_of_that_very_name_comes_first(tmp_path):
    """In every format."""
    row = {"a.b": "whole", "a": {"b": "inside"}, "label": "1"}
    (tmp_path / "r.jsonl").write_text(f"{json.dumps(row)}\n")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "r.parquet")
    (tmp_path / "r.csv").write_text("a.b,label\nwhole,1\n")
    for name in ("r.jsonl", "r.parquet", "r.csv"):
        assert read_texts(tmp_path / name, "a.b").texts == ["whole"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": {"c.d": 1}, "e": [{"f": 2}]}),
        ("a.b.c.d", 1),
        ("a.e.0.f", 2),
        ("a.e.1.f", None),
        ("a.e.-1.f", None),
        ("a.e." + "9" * 5_000, None),
        ("a.b.c", None),
        ("a..b", None),
        (".", None),
        ("x.y", None),
    ],
)
def test_a_value_is_found_inside_others(path, value):
    """By keys, which may hold dots themselves, and by index; what is not there is None."""
    record = {"a": {"b": {"c.d": 1}, "e": [{"f": 2}]}}
    assert value_at(record, path) == value
    assert has_value_at(record, path) == (value is not None)


def test_the_names_of_a_deep_and_wide_record_are_bounded():
    """A hostile record costs little."""
    deep: dict = {}
    for _ in range(500):
        deep = {"x": deep, **{f"k{n}": n for n in range(50)}}
    paths = list(paths_in({"a": deep}))
    assert len(paths) == 200
    assert max(path.count(".") for path in paths) <= 9


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"review,stars\na fine film,5\n", ["a fine film"]),
        (b"Comment, please\nno header here\n", ["Comment, please", "no header here"]),
        (b"A review\nof two lines\n", ["A review", "of two lines"]),
        (b'{"body": "a fine film", "class": 1}\n', ["a fine film"]),
    ],
)
def test_prose_is_no_table_though_its_first_line_names_a_column(tmp_path, content, texts):
    """What comes without a name is a table where text and label both have usual names."""
    path = tmp_path / "piped"
    path.write_bytes(content)
    assert read_texts(path, name="standard input").texts == texts


def test_an_object_that_is_missing_holds_no_text(tmp_path):
    """What Parquet keeps below a null does not show."""
    rows = [{"a": {"text": "x"}, "label": 1}, {"a": None, "label": 0}, {"a": {}, "label": 1}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "r.parquet")
    assert read_texts(tmp_path / "r.parquet", "a.text").texts == ["x", "", ""]
