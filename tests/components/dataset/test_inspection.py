"""What a look at a data set finds: samples of large files, labels, texts, scripts, words."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset.inspection import look as looking
from components.dataset.inspection import sampling
from components.dataset.inspection.look import look_at_layout, look_at_tables
from components.dataset.inspection.scripts import script_of
from components.dataset.inspection.survey import Survey, distinct
from components.dataset.inspection.words import missed_share, words_of
from components.dataset.resolve import labelled_source, resolve_source
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions

CLASSES = ("billing", "login", "other")


def inspect(*paths: Path, text: str = "", label: str = "", **options):
    """Looks at tables."""
    return look_at_tables(list(paths), text, label, TableOptions(**options))


def write(path: Path, rows: list[list[object]]) -> Path:
    """Writes a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def tickets(count: int) -> list[list[object]]:
    """Rows whose texts hold delimiters, quotes and line breaks, with a header."""
    choose = random.Random(5)
    rows: list[list[object]] = [["id", "message", "category"]]
    for number in range(count):
        text = f'ticket {number}, "urgent"' + choose.choice(["", "\nsecond, line", ',\n"x",\n'])
        rows.append([number, text, CLASSES[number % 3]])
    return rows


def test_a_small_table_is_read_whole(tmp_path):
    """With its columns, their examples, and counts of all."""
    rows = [
        ["id", "review", "stars", "note"],
        [1, "Good", 5, ""],
        [2, "bad ", 1, ""],
        [3, "Good", 5, ""],
        [4, " bad", 4, ""],
        [5, " ", 3, ""],
        [6, "fine", "", ""],
    ]
    found = inspect(write(tmp_path / "r.csv", rows))
    assert (found.text_column, found.label_column) == ("review", "stars")
    assert (found.is_whole, found.rows, found.places) == (True, 6, 1)
    assert [(column.name, column.kind) for column in found.columns] == [
        ("id", "number"),
        ("review", "text"),
        ("stars", "number"),
        ("note", "blank"),
    ]
    assert found.columns[1].examples == ("Good", "bad", "fine")
    survey = found.survey
    assert survey.labels == {"5": 2, "1": 1, "4": 1, "3": 1}
    assert (survey.records, survey.blank, survey.unlabelled, survey.unusable) == (6, 1, 1, 2)
    assert (survey.repeated, survey.contradicted) == (2, 1)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_large_table_is_sampled_from_several_places(tmp_path, monkeypatch, form):
    """Rows are told from what quoted fields leave at the beginning of a part."""
    monkeypatch.setattr(looking, "WHOLE_LINES", 100)
    monkeypatch.setattr(sampling, "PART_BYTES", 4_000)
    rows = tickets(20_000)
    path = tmp_path / f"t.{form}"
    if form == "csv":
        write(path, rows)
    elif form == "jsonl":
        path.write_text(
            "".join(f"{json.dumps(dict(zip(rows[0], row, strict=True)))}\n" for row in rows[1:])
        )
    else:
        columns = dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))
        pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=500)
    found = inspect(path)
    assert not found.is_whole
    assert found.places == 24
    assert found.rows == pytest.approx(20_000, rel=0.1)
    assert set(found.survey.labels) == set(CLASSES)
    assert found.survey.problems == 0
    assert 1_000 < found.survey.records < 20_000


def test_a_packed_table_is_sampled_from_its_beginning(tmp_path, monkeypatch):
    """How many records it has is told by the size that gzip writes."""
    monkeypatch.setattr(looking, "WHOLE_LINES", 10)
    monkeypatch.setattr(sampling, "BEGINNING_LINES", 2_000)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(tickets(20_000))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    found = inspect(tmp_path / "t.csv.gz")
    assert not found.is_whole
    assert found.places == 1
    assert found.rows == pytest.approx(20_000, rel=0.1)
    assert found.survey.problems == 0


def test_rare_labels_in_the_middle_are_found(tmp_path, monkeypatch):
    """A sample of the beginning alone would miss a file that is sorted by its labels."""
    monkeypatch.setattr(looking, "WHOLE_LINES", 100)
    monkeypatch.setattr(sampling, "PART_BYTES", 4_000)
    rows = [["text", "label"], *([f"a text {n}", f"class {n // 4_000}"] for n in range(20_000))]
    found = inspect(write(tmp_path / "r.csv", rows))
    assert set(found.survey.labels) == {f"class {number}" for number in range(5)}


def test_columns_by_their_values_where_their_names_say_nothing(tmp_path):
    """A run asks for names; a look offers what it sees."""
    rows = [["w", "q"], *([f"a text of several words {n}", n % 2] for n in range(40))]
    found = inspect(write(tmp_path / "r.csv", rows))
    assert (found.text_column, found.label_column, found.objection) == ("w", "q", "")
    assert "By their values, the text is in the column 'w'" in found.notices[-1]


def test_a_missing_label_leaves_the_texts(tmp_path):
    """They are looked at all the same; what is missing is told."""
    rows = [["review", "user", "day"], ["good", "x", 1], ["bad", "y", 2]]
    found = inspect(write(tmp_path / "r.csv", rows))
    assert (found.text_column, found.label_column) == ("review", "")
    assert "has no column 'label'. Its columns are: review, user, day." in found.objection
    assert found.survey.records == 2


def test_splits_of_files_and_columns_are_told_apart(tmp_path):
    """Texts that are in train and in test are counted; reviews without labels are left out."""
    folder = tmp_path / "set"
    folder.mkdir()
    write(folder / "train.csv", [["text", "label"], ["a", 1], ["b", 0], ["c", 0]])
    write(folder / "test.csv", [["text", "label"], ["a", 1], ["d", 0]])
    found = inspect(folder / "train.csv", folder / "test.csv")
    assert found.named_splits == ("train", "test")
    assert found.survey.labels_by_split == {"train": {"1": 1, "0": 2}, "test": {"1": 1, "0": 1}}
    assert found.survey.in_both == 1
    rows = [["text", "label", "split"], ["a", 1, "train"], ["b", 0, "dev"], ["c", 0, "unsup"]]
    found = inspect(write(tmp_path / "r.csv", [*rows, ["d", 1, "nowhere"]]))
    assert set(found.survey.labels_by_split) == {"train", "eval"}
    assert (found.survey.left_out, found.survey.problems) == (1, 1)


def test_the_sample_and_imdb_s_layout_are_looked_at(tmp_path):
    """Labels are those of the folders, or the stars."""
    assert look_at_layout(resolve_source("sample"), "").survey.labels == {
        "neg": 1_028,
        "pos": 972,
    }
    for place in ("train/pos/0_9", "train/neg/1_2", "test/pos/2_8", "test/neg/3_1"):
        file = tmp_path / f"{place}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"about {place}")
    source = labelled_source(tmp_path, digest=False)
    assert look_at_layout(source, "").survey.labels == {"pos": 2, "neg": 2}
    stars = look_at_layout(source, "rating")
    assert stars.survey.labels == {"9": 1, "2": 1, "8": 1, "1": 1}
    assert (stars.rows, stars.is_whole) == (4, True)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("A plain film, 10/10", "Latin"),
        ("Отличный фильм", "Cyrillic"),
        ("这部电影很好看", "Han"),
        ("この映画は素晴らしい", "Kana"),
        ("영화가 재미있다", "Hangul"),
        ("หนังเรื่องนี้ดีมาก", "Thai"),
        ("यह फिल्म अच्छी है", "Devanagari"),
        ("ＦＵＬＬ width", "Latin"),
        ("10/10 !!! 🎬", ""),
        ("", ""),
    ],
)
def test_the_script_of_a_text(text, script):
    """By most of its letters."""
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Not a GOOD film!<br />", ["not", "a", "good", "film"]),
        ("don’t cafe\u0301 İ", ["don't", "café", "i\u0307"]),
        ("मैं की", ["मैं", "की"]),
        ("snake_case 10/10", ["snake", "case", "10", "10"]),
    ],
)
def test_words_are_those_of_the_graph(text, words):
    """As `components.transform.preprocessing.tokenize` finds them."""
    assert words_of(text) == words


def test_the_share_of_missed_words_is_measured_on_other_texts():
    """A vocabulary of five ids knows three words."""
    learned = [["a", "a", "b", "b", "c", "c", "d"]]
    assert missed_share(learned, [["a", "d", "e", "b"]], 5) == 0.5
    assert missed_share(learned, [], 5) != missed_share(learned, [], 5)


def test_one_label_in_several_spellings_is_one():
    """In its most frequent one."""
    survey = Survey()
    for label in ("1", "1.0", "1", "yes", "Yes", "Yes"):
        survey.add(f"text {label}", label)
    assert distinct(survey.labels) == {"1": 3, "Yes": 3}


def test_lengths_and_characters():
    """In words, or in characters where a script has no blanks between words."""
    survey = Survey()
    for length in range(1, 101):
        survey.add("word " * length, "x")
    lengths = survey.words(5_000, 90).lengths
    assert lengths is not None
    assert dict(lengths.quantiles)[0.5] == 50
    assert (lengths.longest, lengths.truncated_share) == (100, 0.1)
    survey = Survey()
    survey.add("这部电影很好看", "x")
    figures = survey.words(5_000, 500)
    assert figures.are_characters
    assert figures.lengths is not None and figures.lengths.longest == 7


def test_no_option_is_lost(tmp_path):
    """A file without a header has numbered columns."""
    path = write(tmp_path / "r.csv", [[n % 2, f"a text of some words {n}"] for n in range(30)])
    assert inspect(path).numbers == ("2", "1")
    found = inspect(path, text="2", label="1", header=False)
    assert found.survey.labels == {"0": 15, "1": 15}
    assert FOUND_BY_CONTENT.header


def test_files_whose_columns_differ_are_told_apart(tmp_path):
    """What a run would refuse is not guessed, be the names others or the labels missing."""
    for other, message in (
        ("review,sentiment", "test.csv has no column 'text', as train.csv has. Its columns are: "),
        ("review,text", "test.csv has no column 'label', as train.csv has. If it has no labels"),
    ):
        for name, header in (("train.csv", "text,label"), ("test.csv", other)):
            rows = [[f"a text of several words {n}", n % 2] for n in range(30)]
            write(tmp_path / name, [header.split(","), *rows])
        found = inspect(tmp_path / "train.csv", tmp_path / "test.csv")
        assert message in found.objection


def test_long_rows_are_sampled_by_larger_parts(tmp_path, monkeypatch):
    """So that some are whole; how many there are is told by the ends of lines."""
    monkeypatch.setattr(looking, "WHOLE_BYTES", 1_000)
    monkeypatch.setattr(sampling, "PART_BYTES", 1_000)
    monkeypatch.setattr(sampling, "LARGE_PART_BYTES", 8_000)
    rows = [["text", "label"], *([f"{n} {'long ' * 180}", n % 2] for n in range(200))]
    found = inspect(write(tmp_path / "r.csv", rows))
    assert found.rows == pytest.approx(200, rel=0.1)
    assert found.survey.records > 12
    assert found.survey.labels.keys() == {"0", "1"}


def test_a_place_where_no_line_ends_is_told(tmp_path, monkeypatch):
    """And does not count as one with as many records as others."""
    monkeypatch.setattr(looking, "WHOLE_BYTES", 1_000)
    monkeypatch.setattr(sampling, "PART_BYTES", 1_000)
    rows = [[f"t {n}", n % 2] for n in range(100)]
    found = inspect(write(tmp_path / "r.csv", [["text", "label"], *rows, ["x" * 50_000, 1]]))
    assert found.rows is not None
    assert found.rows < 250
    assert "r.csv: at 23 places no line ends within" in found.notices[-1]
