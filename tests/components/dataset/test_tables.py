"""Tables: every format gives the same reviews, and what is wrong with a record is counted."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset import separated
from components.dataset.detect import detect, kind_of
from components.dataset.records import LabelSpelling, LeftOut, Problem, Review
from components.dataset.source import (
    Compression,
    ReviewSource,
    SourceFile,
    SourceKind,
    TableFormat,
)
from components.dataset.table_options import TableOptions
from components.dataset.tables import read_table

TRAIN = "train"
LENIENT = TableOptions(max_bad_records=1.0)


def read(path: Path, kind: SourceKind, split: str = TRAIN, **settings) -> list:
    """Reads one table to its end; how labels are spelt is left out."""
    records = read_all(path, kind, split, **settings)
    return [record for record in records if not isinstance(record, LabelSpelling)]


def read_all(
    path: Path, kind: SourceKind, split: str = TRAIN, form: TableFormat | None = None, **settings
) -> list:
    """Reads one table to its end, as it is found to be written."""
    if form is None and path.exists() and path.stat().st_size:
        form = detect(path, LENIENT).format
    file = SourceFile(str(path), split, form)
    return list(read_table(file, ReviewSource(kind, "r", (file,), "digest", **settings)))


def read_text(tmp_path: Path, content: str | bytes, kind: SourceKind, **settings) -> list:
    """Reads `content` as a file named r.csv, r.tsv or r.jsonl."""
    path = tmp_path / f"r.{kind.value}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, kind, **settings)


def review(text: str, label: int, number: int, split: str = TRAIN) -> Review:
    """A review as the table `r` gives it."""
    return Review(text.encode(), label, f"r:{number}".encode(), split, None)


def problem(kind: str, number: int, detail: str, fatal: bool = False, name: str = "r.csv"):
    """A problem of one record."""
    return Problem(kind, f"{name}, record {number}", detail, fatal)


CSV = 'label,text,note\npos,"good, ""really""\nline two",x\nneg,Ça va 🎬,\n'
TSV = 'label\ttext\tnote\npos\t"good, ""really""\nline two"\tx\nneg\tÇa va 🎬\t\n'
RECORDS = [
    {"label": "pos", "text": 'good, "really"\nline two', "note": "x"},
    {"label": "neg", "text": "Ça va 🎬", "note": ""},
]
JSON_LINES = "\n".join(json.dumps(record) for record in RECORDS)
EXPECTED = [review('good, "really"\nline two', 1, 1), review("Ça va 🎬", 0, 2)]
TEXT_FORMATS = {
    SourceKind.CSV: CSV,
    SourceKind.TSV: TSV,
    SourceKind.JSON_LINES: JSON_LINES,
}
GZIPPED = {
    kind: dataclasses.replace(TableFormat.usual(kind), compression=Compression.GZIP)
    for kind in TEXT_FORMATS
}
BY_FORMAT = pytest.mark.parametrize("kind", list(TEXT_FORMATS), ids=lambda kind: kind.value)


@BY_FORMAT
def test_each_text_format_gives_the_same_reviews(tmp_path, kind):
    """Quotes, newlines and characters outside ASCII arrive as they were."""
    assert read_text(tmp_path, TEXT_FORMATS[kind], kind) == EXPECTED


@BY_FORMAT
def test_a_gzipped_file_gives_the_same_reviews(tmp_path, kind):
    """The suffix decides."""
    path = tmp_path / f"r.{kind.value}.gz"
    path.write_bytes(gzip.compress(TEXT_FORMATS[kind].encode()))
    assert [record._replace(review_id=b"") for record in read(path, kind)] == [
        record._replace(review_id=b"") for record in EXPECTED
    ]


@BY_FORMAT
def test_a_byte_order_mark_and_windows_line_ends_make_no_difference(tmp_path, kind):
    """As Excel writes them; a newline within a quoted field is part of the text."""
    content = b"\xef\xbb\xbf" + TEXT_FORMATS[kind].replace("\n", "\r\n").encode()
    first = EXPECTED[0]
    if kind is not SourceKind.JSON_LINES:
        first = first._replace(text=first.text.replace(b"\n", b"\r\n"))
    assert read_text(tmp_path, content, kind) == [first, EXPECTED[1]]


@BY_FORMAT
@pytest.mark.parametrize("size", [30, -9, -1])
def test_a_gzipped_file_that_is_cut_is_fatal(tmp_path, kind, size):
    """The rest is lost, however little of it: gzip's checksum is missing."""
    path = tmp_path / f"r.{kind.value}.gz"
    path.write_bytes(gzip.compress(TEXT_FORMATS[kind].encode())[:size])
    last = read(path, kind, form=GZIPPED[kind])[-1]
    assert (last.kind, last.where, last.fatal) == ("unreadable_file", path.name, True)
    assert last.detail.startswith("the file is truncated or corrupt (")


def test_a_flipped_bit_in_a_gzipped_file_is_fatal(tmp_path):
    """Wherever it is behind gzip's header."""
    whole = gzip.compress(CSV.encode() * 5)
    path = tmp_path / "r.csv.gz"
    for position in [*range(10, len(whole) - 9), *range(len(whole) - 8, len(whole))]:
        damaged = bytearray(whole)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        assert read(path, SourceKind.CSV, form=GZIPPED[SourceKind.CSV])[-1].fatal, position


@BY_FORMAT
def test_bytes_that_are_not_utf8_cost_one_record(tmp_path, kind):
    """The byte and its place in the text are named, and in a table of fields the way out."""
    advice = "" if kind is SourceKind.JSON_LINES else " (is it Latin-1? `encoding='latin-1'`)"
    content = TEXT_FORMATS[kind].replace("really", "caf@").encode()
    at = len('good, "caf')
    records = read_text(tmp_path, content.replace(b"@", b"\xe9"), kind)
    assert records == [
        problem("not_utf8", 1, f"byte 0xe9 at {at} is not UTF-8{advice}", name=f"r.{kind.value}"),
        EXPECTED[1],
    ]


@BY_FORMAT
def test_a_label_that_is_not_utf8_is_shown_in_ascii(tmp_path, kind):
    """Messages travel as UTF-8: what is none is written out, as the byte that it is."""
    content = TEXT_FORMATS[kind].replace("pos", "pos@").encode().replace(b"@", b"\xe9")
    first = read_text(tmp_path, content, kind)[0]
    assert first.kind == "unknown_label"
    assert first.detail.startswith(r"label 'pos\xe9', expected one of 1, positive")


def test_blank_text_and_a_label_that_is_neither_are_counted_by_record(tmp_path):
    """The choices are listed, and the settings that name others."""
    content = "text,label\ngood,1\n,1\n\u00a0 ,0\nfair,maybe\nodd,\nbad,0\n"
    expected = (
        "expected one of 1, positive, pos, true, yes or 0, negative, neg, false, no; name others "
        "with `positive_label` and `negative_label`"
    )
    assert read_text(tmp_path, content, SourceKind.CSV) == [
        review("good", 1, 1),
        problem("empty_text", 2, "the text is blank"),
        problem("empty_text", 3, "the text is blank"),
        problem("unknown_label", 4, f"label 'maybe', {expected}"),
        problem("unknown_label", 5, f"label '', {expected}"),
        review("bad", 0, 6),
    ]


def test_a_header_alone_gives_nothing(tmp_path):
    """The data gate then says that the splits are empty."""
    assert read_text(tmp_path, "text,label\n", SourceKind.CSV) == []
    assert read_text(tmp_path, "", SourceKind.CSV) == []


def test_a_row_with_too_few_or_too_many_fields_is_counted(tmp_path):
    """An unquoted comma is the usual cause; blank lines are no rows."""
    content = "text,label\ngood,1\nso, so,0\nshort\n\nbad,0"
    assert read_text(tmp_path, content, SourceKind.CSV) == [
        review("good", 1, 1),
        problem("malformed_row", 2, "3 fields, expected 2"),
        problem("malformed_row", 3, "1 fields, expected 2"),
        review("bad", 0, 4),
    ]


@pytest.fixture(params=[SourceKind.CSV, SourceKind.TSV], ids=lambda kind: kind.value)
def kind(request) -> SourceKind:
    """A format of fields that a character separates."""
    return request.param


@pytest.fixture
def read_fields(tmp_path, kind):
    """Reads a table of that format, written with commas, as one with the usual quotes."""

    def read(content):
        content = content if kind is SourceKind.CSV else content.replace(",", "\t")
        return read_text(tmp_path, content, kind, form=TableFormat.usual(kind))

    return read


def test_a_quote_that_is_never_closed_costs_its_row(read_fields, kind):
    """Reading goes on at the next line; the line is named."""
    assert read_fields('text,label\ngood,1\n"bad,0\nfine,1\n') == [
        review("good", 1, 1),
        problem(
            "malformed_row",
            2,
            "line 3: unexpected end of data; a quote inside a quoted field is written twice, and "
            "each field's quotes are closed; where quotes are characters like any: "
            "`quoting='none'`",
            name=f"r.{kind.value}",
        ),
        review("fine", 1, 3),
    ]


def test_a_stray_quote_costs_its_row_and_makes_no_review_of_two(read_fields):
    """A quoted word at the beginning of an unquoted text."""
    records = read_fields('text,label\n"Great" film,1\nbad,0\n')
    assert (records[0].kind, records[0].fatal) == ("malformed_row", False)
    assert records[1:] == [review("bad", 0, 2)]


def test_a_long_text_is_read_whole(tmp_path):
    """csv's own limit is 131,072 characters."""
    text = "word " * 100_000 + "end"
    content = f'text,label\n"{text}",1\nbad,0\n'
    assert read_text(tmp_path, content, SourceKind.CSV) == [
        review(text, 1, 1),
        review("bad", 0, 2),
    ]


def test_a_field_longer_than_any_review_costs_its_row(tmp_path, monkeypatch):
    """Most likely a quote was not closed: no more than a bound is held in memory."""
    monkeypatch.setattr(separated, "MAX_ROW_CHARACTERS", 100)
    content = 'text,label\n"bad,0\n' + "fine,1\n" * 50
    first, *others = read_text(tmp_path, content, SourceKind.CSV)
    assert first.detail.startswith("line 2: a quoted field goes on for too long; ")
    assert others == [review("fine", 1, number) for number in range(2, 52)]


def test_a_nul_character_separates_words(tmp_path):
    """On every Python alike."""
    assert read_text(tmp_path, b"text,label\nso\0so,1\n\0,0\n", SourceKind.CSV) == [
        review("so so", 1, 1),
        problem("empty_text", 2, "the text is blank"),
    ]


def test_broken_lines_of_json_are_counted_and_the_rest_is_read(tmp_path):
    """Not JSON, no object, no text, text of another type."""
    lines = [
        '{"text": "good", "label": 1}',
        '{"text": "cut',
        '["text", "label"]',
        "",
        '{"text": null, "label": 0}',
        '{"label": 0}',
        '{"text": 5, "label": 0}',
        '{"text": "no label"}',
        "[" * 100_000,
        '{"text": "bad", "label": false}',
        '{"text": "fine", "label": 1.0}',
    ]
    records = read_text(tmp_path, "\n".join(lines), SourceKind.JSON_LINES)
    assert [(record.where, record.kind, record.fatal) for record in records[1:-2]] == [
        (f"r.jsonl, record {number}", kind, False)
        for number, kind in (
            (2, "malformed_row"),
            (3, "malformed_row"),
            (4, "empty_text"),
            (5, "empty_text"),
            (6, "malformed_row"),
            (7, "unknown_label"),
            (8, "malformed_row"),
        )
    ]
    assert records[1].detail.startswith("not JSON: ")
    assert records[2].detail == "not a JSON object; expected one object a line"
    assert records[5].detail == "the text is of type int, expected a string"
    assert [records[0], *records[-2:]] == [
        review("good", 1, 1),
        review("bad", 0, 9),
        review("fine", 1, 10),
    ]


def test_half_a_surrogate_pair_in_json_is_not_utf8(tmp_path):
    """A whole pair is a character."""
    lines = '{"text": "x \\ud83c", "label": 1}\n{"text": "\\ud83c\\udfac", "label": 1}\n'
    assert read_text(tmp_path, lines, SourceKind.JSON_LINES) == [
        problem("not_utf8", 1, "byte 0xed at 2 is not UTF-8", name="r.jsonl"),
        review("🎬", 1, 2),
    ]


def write_parquet(path: Path, text: pyarrow.Array, label: pyarrow.Array, **more) -> Path:
    """Writes a table with small row groups."""
    table = pyarrow.table({"extra": [0] * len(text), "text": text, "label": label, **more})
    pyarrow.parquet.write_table(table, path, row_group_size=700)
    return path


@pytest.mark.parametrize(
    "text_type", [pyarrow.string(), pyarrow.large_string(), pyarrow.binary()], ids=str
)
@pytest.mark.parametrize(
    ("label_type", "labels"),
    [
        (pyarrow.int64(), [1, 0]),
        (pyarrow.float32(), [1.0, 0.0]),
        (pyarrow.bool_(), [True, False]),
        (pyarrow.string(), ["pos", "neg"]),
    ],
    ids=str,
)
def test_parquet_of_any_fitting_types_gives_the_same_reviews(
    tmp_path, text_type, label_type, labels
):
    """Text as string or bytes; label as number, truth or word."""
    texts = [record["text"].encode() for record in RECORDS]
    path = write_parquet(
        tmp_path / "r.parquet",
        pyarrow.array(texts, pyarrow.binary()).cast(text_type),
        pyarrow.array(labels, label_type),
    )
    assert read(path, SourceKind.PARQUET) == EXPECTED


def test_a_dictionary_column_of_parquet_is_read_as_its_words(tmp_path):
    """As pandas writes a categorical."""
    path = write_parquet(
        tmp_path / "r.parquet",
        pyarrow.array(["good", "bad"]),
        pyarrow.array(["pos", "neg"]).dictionary_encode(),
    )
    assert read(path, SourceKind.PARQUET) == [review("good", 1, 1), review("bad", 0, 2)]


def test_a_parquet_file_of_several_batches_keeps_its_order_and_its_bad_records(tmp_path):
    """Null, numeric and non-UTF-8 values cost one record each."""
    texts = [f"text {number}".encode() for number in range(1, 3_001)]
    texts[1_500] = b"caf\xe9"
    column = pyarrow.array([*texts[:10], None, *texts[11:]], pyarrow.binary())
    path = write_parquet(
        tmp_path / "r.parquet", column.view(pyarrow.string()), pyarrow.array([1] * 3_000)
    )
    records = read(path, SourceKind.PARQUET)
    assert records[10] == problem("empty_text", 11, "the text is blank", name="r.parquet")
    assert records[1_500] == problem(
        "not_utf8", 1_501, "byte 0xe9 at 3 is not UTF-8", name="r.parquet"
    )
    assert [record.text for record in records if isinstance(record, Review)] == [
        text for index, text in enumerate(texts) if index not in (10, 1_500)
    ]


def test_a_parquet_column_of_numbers_is_no_text(tmp_path):
    """Each record says so."""
    path = write_parquet(tmp_path / "r.parquet", pyarrow.array([3]), pyarrow.array([1]))
    assert read(path, SourceKind.PARQUET) == [
        problem("malformed_row", 1, "the text is of type int, expected a string", name="r.parquet")
    ]


def test_a_parquet_file_that_is_cut_is_fatal(tmp_path):
    """Its directory stands at the end."""
    path = write_parquet(tmp_path / "r.parquet", pyarrow.array(["good"]), pyarrow.array([1]))
    path.write_bytes(path.read_bytes()[:-20])
    (record,) = read(path, SourceKind.PARQUET, form=TableFormat(SourceKind.PARQUET))
    assert (record.kind, record.where, record.fatal) == ("unreadable_file", "r.parquet", True)


@pytest.mark.parametrize("kind", [SourceKind.CSV, SourceKind.PARQUET], ids=lambda kind: kind.value)
def test_a_file_that_is_gone_is_fatal(tmp_path, kind):
    """It was there when the run was resolved."""
    (record,) = read(tmp_path / "gone.csv", kind)
    assert (record.kind, record.where, record.fatal) == ("unreadable_file", "gone.csv", True)


def test_a_split_column_decides_and_its_odd_values_are_counted(tmp_path):
    """Case and blanks around it do not matter; it goes before the file's name."""
    content = "text,label,split\na,1,train\nb,0, TEST \nc,1,odd\nd,0,\n"
    assert read_text(tmp_path, content, SourceKind.CSV, split_column="split") == [
        review("a", 1, 1, "train"),
        review("b", 0, 2, "test"),
        problem("unknown_split", 3, "split 'odd', expected train, validation or test"),
        problem("unknown_split", 4, "split '', expected train, validation or test"),
    ]


def test_without_any_split_a_hash_of_the_text_puts_a_fifth_into_test(tmp_path):
    """Equal texts fall on the same side, in whichever file they are."""
    path = tmp_path / "r.csv"
    path.write_text("text,label\n" + "".join(f"text {n % 1_000},1\n" for n in range(2_000)))
    splits = [record.split for record in read(path, SourceKind.CSV, split="")]
    assert splits[:1_000] == splits[1_000:]
    assert splits.count("test") == 390
    assert splits.count("train") == 2_000 - 390


def test_other_columns_can_be_named(tmp_path):
    """Text, label, and both labels; what is named on neither side is left out."""
    content = "review,stars,label\ngood,5,x\nbad,1,x\nmeh,3,x\n"
    assert read_text(
        tmp_path,
        content,
        SourceKind.CSV,
        text_column="review",
        label_column="stars",
        label_classes=(("5", "positive"), ("1", "negative")),
        leaves_out=True,
    ) == [
        review("good", 1, 1),
        review("bad", 0, 2),
        LeftOut("labelled '3'"),
    ]


def test_each_label_is_told_as_it_is_spelt(tmp_path):
    """Before what its record holds; a blank is no label."""
    path = tmp_path / "r.csv"
    path.write_text("text,label\na,good\nb,bad\nc,\nd,meh\n")
    pairs = (("good", "positive"), ("bad", "negative"))
    assert read_all(path, SourceKind.CSV, label_classes=pairs) == [
        LabelSpelling("good"),
        review("a", 1, 1),
        LabelSpelling("bad"),
        review("b", 0, 2),
        problem("unknown_label", 3, "label '', expected 'good' or 'bad'"),
        LabelSpelling("meh"),
        problem("unknown_label", 4, "label 'meh', expected 'good' or 'bad'"),
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", SourceKind.CSV),
        ("a.b.CSV.GZ", SourceKind.CSV),
        ("a.tsv.gz", SourceKind.TSV),
        ("a.jsonl", SourceKind.JSON_LINES),
        ("a.ndjson.gz", SourceKind.JSON_LINES),
        ("a.json", SourceKind.JSON_LINES),
        ("a.parquet", SourceKind.PARQUET),
        ("a.xlsx", None),
        ("csv", None),
        ("a.gz", None),
    ],
)
def test_the_suffix_tells_the_format(name, kind):
    """Whatever its case, and with .gz behind it."""
    assert kind_of(Path(name)) is kind


@BY_FORMAT
def test_the_columns_of_a_text_format_are_its_header_or_first_record(tmp_path, kind):
    """An empty file has none."""
    path = tmp_path / f"r.{kind.value}"
    path.write_text(TEXT_FORMATS[kind], encoding="utf-8-sig")
    assert detect(path).columns == ("label", "text", "note")
    path.write_text("")
    assert detect(path).columns == ()
