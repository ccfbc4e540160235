"""run, score and predict read the same of a file, however it is written and packed."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset import first_look
from components.dataset.records import Problem, Review
from components.dataset.resolve import resolve_source
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.tables import read_table
from components.dataset.texts import read_texts
from components.errors import DatasetError
from pipeline.scoring.plan import make_plan
from pipeline.scoring.rows import read_chunks

TEXTS = ["good, and so on; really", "ça va\tbien | oui", 'he said "yes"', "two\nlines"]
LABELS = [1, 0, 1, 0]
RECORDS = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]


def separated(delimiter: str) -> str:
    """Rows of fields, quoted where they must be."""
    stream = io.StringIO(newline="")
    rows = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    rows.writerow(["text", "label"])
    rows.writerows(record.values() for record in RECORDS)
    return stream.getvalue()


def parquet() -> bytes:
    """A file of Parquet."""
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(RECORDS), stream)
    return stream.getvalue()


def zipped(content: bytes, *names: str) -> bytes:
    """A ZIP archive, with what macOS adds."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
        archive.writestr("__MACOSX/._r.csv", b"")
    return stream.getvalue()


FORMATS = {
    "csv": separated(",").encode(),
    "csv semicolon": separated(";").encode(),
    "csv tab": separated("\t").encode(),
    "csv pipe": separated("|").encode(),
    "csv mark": separated(",").encode("utf-8-sig"),
    "csv utf-16": separated(";").encode("utf-16"),
    "csv utf-16 without mark": separated(",").encode("utf-16-le"),
    "csv big utf-16": b"\xfe\xff" + separated(",").encode("utf-16-be"),
    "csv utf-32": separated(",").encode("utf-32"),
    "csv sep line": f"sep=;\r\n{separated(';')}".encode("utf-8-sig"),
    "csv comments": f"# made by hand\n\n{separated(',')}".encode(),
    "csv backslash": separated(",").replace('""', '\\"').encode(),
    "tsv": separated("\t").encode(),
    "tsv backslash": separated("\t").replace('""', '\\"').encode(),
    "jsonl": "\n".join(map(json.dumps, RECORDS)).encode(),
    "jsonl cr": "\r".join(map(json.dumps, RECORDS)).encode("utf-8-sig"),
    "jsonl utf-16": "\n".join(map(json.dumps, RECORDS)).encode("utf-16"),
    "json": json.dumps(RECORDS).encode(),
    "json indented": json.dumps(RECORDS, indent=2).encode("utf-8-sig"),
    "json objects": "\n".join(json.dumps(each, indent=1) for each in RECORDS).encode(),
    "csv of json": json.dumps(RECORDS, ensure_ascii=False).encode(),
    "json wrapped": json.dumps({"count": [4], "data": RECORDS, "next": None}, indent=1).encode(),
    "jsonl wrapped": json.dumps({"version": "2", "data": RECORDS}).encode(),
    "parquet": parquet(),
    "csv of parquet": parquet(),
}
PACKED = {
    "": lambda content, name: content,
    ".gz": lambda content, name: gzip.compress(content),
    ".bz2": lambda content, name: bz2.compress(content),
    ".xz": lambda content, name: lzma.compress(content),
    ".zip": lambda content, name: zipped(content, name),
}
CASES = [
    (form, suffix) for form in FORMATS for suffix in PACKED if not suffix or "parquet" not in form
]


def without_problems(found: Iterable) -> list:
    """Returns what was read, or raises the first problem."""
    items = list(found)
    for item in items:
        if isinstance(item, Problem):
            raise DatasetError(f"{item.where}: {item.detail}")
    return items


def read_by_run(
    path: Path, options: TableOptions = FOUND_BY_CONTENT, column: str = "text"
) -> list[str]:
    """Returns the texts that a run reads."""
    source = resolve_source(
        str(path), imdb_archive=None, cache_dir=path.parent, options=options, text_column=column
    )
    found = without_problems(read_table(source.files[0], source))
    return [item.text.decode() for item in found if isinstance(item, Review)]


def read_by_score(
    path: Path, options: TableOptions = FOUND_BY_CONTENT, column: str = "text"
) -> list[str]:
    """Returns the texts that are scored."""
    plan = make_plan(
        [str(path)],
        path.parent / "out",
        text_column=column,
        prefix="predicted_",
        options=options,
    )
    chunks = without_problems(read_chunks(plan.files[0], plan))
    return [text.decode() for chunk in chunks for text in chunk.texts]


def read_by_predict(
    path: Path, options: TableOptions = FOUND_BY_CONTENT, column: str = "text"
) -> list[str]:
    """Returns the texts that are asked about."""
    return read_texts(path, column, options).texts


READERS = {"run": read_by_run, "score": read_by_score, "predict": read_by_predict}
TWICE_PACKED = gzip.compress(gzip.compress(b"text,label\n", mtime=0), mtime=0)
BY_READER = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


@BY_READER
@pytest.mark.parametrize(("form", "suffix"), CASES, ids=[f"{f}{s}" for f, s in CASES])
def test_a_table_is_read_whole(tmp_path, form, suffix, read):
    """Delimiters, quotes and line breaks in texts arrive as they were."""
    name = f"r.{form.split()[0]}"
    path = tmp_path / f"{name}{suffix}"
    path.write_bytes(PACKED[suffix](FORMATS[form], name))
    assert read(path) == TEXTS


@BY_READER
@pytest.mark.parametrize("suffix", PACKED)
def test_the_content_tells_how_a_file_is_packed(tmp_path, read, suffix):
    """Under a name that says something else."""
    path = tmp_path / "r.csv"
    path.write_bytes(PACKED[suffix](FORMATS["csv"], "r.csv"))
    assert read(path) == TEXTS
    path.rename(tmp_path / "r.csv.gz")
    assert read(tmp_path / "r.csv.gz") == TEXTS


LATIN_1 = "v1,v2,,,\r\nspam,It cost £5,,,\r\nham,café,,,\r\n".encode("latin-1")


@BY_READER
def test_a_file_in_latin_1_names_the_way_out_and_the_way_works(tmp_path, read):
    """Columns without a name do not disturb."""
    path = tmp_path / "spam.csv"
    path.write_bytes(LATIN_1.replace(b"v1,v2", b"label,text").replace(b"ham", b"0"))
    path.write_bytes(path.read_bytes().replace(b"spam", b"1"))
    with pytest.raises(DatasetError) as error:
        read(path)
    assert str(error.value) == (
        "spam.csv, line 2: byte 0xa3 is not UTF-8. Western European texts are often written so: "
        "`encoding='latin-1'` reads it."
    )
    assert read(path, TableOptions(encoding="latin-1")) == ["It cost £5", "café"]


def test_few_records_in_latin_1_can_be_left_out_as_the_message_says(tmp_path):
    """With the share that they are; where they are all, nothing is said of it."""
    path = tmp_path / "r.csv"
    path.write_bytes(b"label,text\n" + b"0,fine\n1,dull\n" * 20 + "0,café\n".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"such records out instead: `max_bad_records=0\.025`"):
        resolve_source(str(path))
    source = resolve_source(str(path), options=TableOptions(max_bad_records=0.025))
    assert first_look.checked(source, 0.025) == source


@BY_READER
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_blanks_between_a_closing_quote_and_a_delimiter_are_no_fault(tmp_path, read, delimiter):
    """A quote that is written twice does not close the field."""
    texts = [f'a "b"{delimiter} c', '"quoted" ', "", f'x "" {delimiter} y', "z"]
    rows = [
        '"{}" {}  "{}" '.format(text.replace('"', '""'), delimiter, 1) for text in texts if text
    ]
    (tmp_path / "r.csv").write_text("\r\n".join([f'"text" {delimiter} "label" ', *rows]))
    assert read(tmp_path / "r.csv") == [text for text in texts if text]


@BY_READER
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("name", ["Text", "TEXT", " text\u200b", "\ufefftext"])
def test_a_column_is_found_whatever_its_case(tmp_path, read, suffix, name):
    """And whatever surrounds its name that has no width."""
    path = tmp_path / f"r.{suffix}"
    records = [{name: record["text"], "LABEL": record["label"]} for record in RECORDS]
    if suffix == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), path)
    elif suffix == "csv":
        path.write_text(separated(",").replace("text,label", f"{name},LABEL"), newline="")
    else:
        path.write_text(
            "".join(map(json.dumps, records))
            if suffix == "json"
            else "\n".join(map(json.dumps, records))
        )
    assert read(path) == TEXTS


@BY_READER
def test_of_two_columns_that_differ_in_case_the_one_that_is_named_is_read(tmp_path, read):
    """Where neither is, which is meant cannot be known."""
    (tmp_path / "r.csv").write_text("text,Text,label\na,b,1\n")
    assert read(tmp_path / "r.csv") == ["a"]
    (tmp_path / "r.csv").write_text("TEXT,Text,label\na,b,1\n")
    with pytest.raises(
        DatasetError, match=r"no column 'text'\. Its columns are: TEXT, Text, label"
    ):
        read(tmp_path / "r.csv")


@BY_READER
def test_the_first_record_of_json_may_lack_the_text(tmp_path, read):
    """It alone is bad."""
    lines = [{"label": 1}, *RECORDS]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, lines)))
    if read is read_by_predict:
        assert read(tmp_path / "r.jsonl") == ["", *TEXTS]
    else:
        with pytest.raises(DatasetError, match="record 1: the text is blank"):
            read(tmp_path / "r.jsonl")


@pytest.mark.parametrize(
    ("encoding", "text"), [("shift-jis", "とても"), ("gb18030", "很好"), ("koi8-r", "фильм")]
)
@BY_READER
def test_another_script_is_not_taken_for_latin_1(tmp_path, read, encoding, text):
    """Even where English words surround it."""
    rows = "".join(f"the film number {n} was {text} and so on,{n % 2}\n" for n in range(30))
    (tmp_path / "r.csv").write_bytes(f"text,label\n{rows}".encode(encoding))
    with pytest.raises(DatasetError, match=r"line 2: .*Which encoding is it\?"):
        read(tmp_path / "r.csv")
    assert read(tmp_path / "r.csv", TableOptions(encoding=encoding))[0].split()[5] == text


def test_the_way_out_of_fasttexts_format_works(tmp_path):
    """The lines that the advice makes are read."""
    lines = [f'__label__{n % 2} a film, "number {n}' for n in range(20)]
    path = tmp_path / "train.txt"
    path.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match="fastText") as error:
        read_by_run(path)
    script = re.search(r"sed -E '(.*)', name", str(error.value))[1]
    made = subprocess.run(["sed", "-E", script, path], capture_output=True, text=True, check=True)
    (tmp_path / "train.tsv").write_text(made.stdout)
    source = resolve_source(
        str(tmp_path / "train.tsv"),
        imdb_archive=None,
        cache_dir=tmp_path,
        text_column="2",
        label_column="1",
        options=TableOptions(header=False, quoting="none"),
    )
    found = without_problems(read_table(source.files[0], source))
    reviews = [(each.text.decode(), each.label) for each in found if isinstance(each, Review)]
    assert reviews == [(f'a film, "number {n}', n % 2) for n in range(20)]


@BY_READER
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("twice.csv", b"text,label,label\ngood,1,0\n"),
        ("twice.csv", "text;label; label\ngood;1;0\n".encode("utf-16")),
        ("twice.tsv", b"text\tlabel\tlabel\ngood\t1\t0\n"),
        ("twice.jsonl", b'{"text": "good", "label": 1, "label": 0}\n'),
        ("twice.json", b'[{"text": "good", "label": 1, "label": 0}]'),
        ("twice.json", b'{\n"text": "good",\n"label": 1,\n"label": 0}'),
    ],
)
def test_two_columns_of_one_name_are_refused_before_anything_runs(tmp_path, read, name, content):
    """Which is meant cannot be known."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match="two columns 'label'"):
        read(tmp_path / name)


@BY_READER
def test_two_columns_of_one_name_are_refused_in_parquet(tmp_path, read):
    """pyarrow would read either."""
    table = pyarrow.table([["good"], [1], [0]], names=["text", "label", "label"])
    pyarrow.parquet.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(DatasetError, match="two columns 'label'"):
        read(tmp_path / "twice.parquet")


@BY_READER
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"ARROW1\0\0", "an Arrow .* Write it as Parquet"),
        ("a.csv", b"ORC\x08", "an ORC file"),
        ("a.csv", b"SQLite format 3\0", "an SQLite database. Export the table as CSV"),
        ("a.xlsx", zipped(b"", "xl/workbook.xml"), "office program. Save it as CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "an Excel workbook"),
        ("a.csv", b"<!DOCTYPE html>\n<html>", "a web page"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfd\x04", "zstd -d"),
        ("a.csv", bytes(range(1, 255)) * 9, "it is no text"),
        ("a.zip", zipped(b"", "a.csv", "b.csv"), r"holds 2 files \(a.csv, b.csv\), expected one"),
        ("a.zip", zipped(b""), "holds no file"),
        (
            "a.gz",
            gzip.compress(gzip.compress(b"text,label\n", mtime=0), mtime=0),
            "and what is in it as well",
        ),
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b" \n\n", "a.csv is empty"),
        ("a.json", b'{"data": [{"text": "x", "label": 1}]}\n' * 2, r"jq -c '\.\[\"data\"\]\[\]'"),
        ("a.csv", b'"text,label\nx,1\n', "its header is no row"),
        ("a.json", b'[{"text": "x", "la', "cannot be read as jsonl"),
        ("a.csv.gz", gzip.compress(FORMATS["csv"], mtime=0)[:-9], "truncated or corrupt"),
        ("a.csv.xz", lzma.compress(FORMATS["csv"])[:-9], "cannot be read as csv"),
        ("a.csv.bz2", bz2.compress(FORMATS["csv"])[:-9], "truncated or corrupt"),
    ],
)
def test_what_is_no_table_is_told_in_words(tmp_path, read, name, content, message):
    """With what to do."""
    (tmp_path / name).write_bytes(content)
    if content.strip() or read is not read_by_score:
        with pytest.raises(DatasetError, match=message):
            read(tmp_path / name)
    else:
        assert read(tmp_path / name) == []


@BY_READER
def test_a_password_is_told(tmp_path, read):
    """By the flag of the archive's member."""
    content = bytearray(zipped(b"text,label\nx,1\n", "a.csv"))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DatasetError, match=r"protected by a password\. Unpack it"):
        read(tmp_path / "a.zip")


@BY_READER
def test_a_file_that_was_made_to_fill_the_disk_is_given_up(tmp_path, read, monkeypatch):
    """The bound is told."""
    monkeypatch.setattr("components.dataset.compressed.ALWAYS_ALLOWED_BYTES", 50_000)
    monkeypatch.setattr("components.dataset.compressed.MOST_EXPANSION", 10)
    bomb = gzip.compress(b"text,label\n" + b"good" * 20_000 + b",1\n" + b"good,1\n" * 3)
    (tmp_path / "a.csv.gz").write_bytes(bomb)
    with pytest.raises(DatasetError, match="unpacks to more than"):
        read(tmp_path / "a.csv.gz")


@BY_READER
def test_columns_without_a_header_are_numbers(tmp_path, read):
    """The message names those that may be meant."""
    (tmp_path / "l.csv").write_text("1;good, really, it is\n0;bad\n")
    options = TableOptions(header=False, delimiter="semicolon")
    with pytest.raises(DatasetError, match=r"Its columns are: 1, 2.*e\.g\. `text_column='2'`"):
        read(tmp_path / "l.csv", options)


LONE = '" '
SENTENCES = [f"{LONE if n % 20 == 3 else ''}film {n}, and more\t{n % 2}" for n in range(400)]


@BY_READER
def test_sentences_with_lone_quotes_are_read_as_they_are(tmp_path, read):
    """Nothing else in the file speaks for quotes that enclose fields."""
    (tmp_path / "sst.tsv").write_text("\n".join(["text\tlabel", *SENTENCES]))
    assert read(tmp_path / "sst.tsv") == [line.split("\t")[0] for line in SENTENCES]


def test_where_quotes_enclose_fields_a_lone_one_costs_its_row_alone(tmp_path):
    """20 of 400, and all others are read with as many allowed."""
    (tmp_path / "sst.tsv").write_text("\n".join(["text\tlabel", *SENTENCES]))
    options = TableOptions(quoting="doubled")
    with pytest.raises(DatasetError, match=r"20 records could not be read, 5\.00%"):
        read_texts(tmp_path / "sst.tsv", "text", options)
    found = read_texts(tmp_path / "sst.tsv", "text", options, max_bad_records=0.06)
    assert found.texts == [line.split("\t")[0] for line in SENTENCES if not line.startswith('"')]
