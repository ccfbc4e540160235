"""Files that were made to do harm: refused in words, by every reader alike, in bounded memory."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import re
import threading
import zipfile
from pathlib import Path

import pytest

from components.dataset import compressed, first_look, piped, texts
from components.dataset.compressed import PackedFileError
from components.dataset.inspection.look import look_at_tables
from components.dataset.look_at import look_at
from components.dataset.resolve import resolve_source
from components.dataset.source import Compression
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.texts import read_texts
from components.errors import DataGateError, DatasetError
from pipeline.scoring.plan import make_plan
from pipeline.scoring.rows import check_rows

TOO_LARGE = r"unpacks to more than \d MB, over 400 times its size"
ROWS = b"a fine film,1\na dull one,0\n"
TABLE = b"text,label\n" + ROWS * 40


def zipped(**members: bytes) -> bytes:
    """Returns a ZIP archive; names have `_` for a dot."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, content in members.items():
            file.writestr(name.replace("_", "."), content)
    return archive.getvalue()


def locked() -> bytes:
    """Returns a ZIP archive that says of its member that it is encrypted."""
    content = bytearray(zipped(r_csv=TABLE))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


# A name, a file, and what is said of it.
FILES = {
    "locked.zip": (locked(), "protected by a password"),
    "nested.zip": (zipped(inner_zip=zipped(r_csv=TABLE)), "and what is in it as well"),
    "twice.csv.gz": (gzip.compress(gzip.compress(TABLE)), "and what is in it as well"),
    "several.zip": (
        zipped(a_csv=TABLE, b_csv=TABLE, c_txt=b""),
        "holds 3 files (a.csv, b.csv, c.txt), expected one",
    ),
    "none.zip": (zipped(), "holds no file"),
    "broken.zip": (zipped(r_csv=TABLE)[:100], "truncated or corrupt"),
    "zeros.csv.gz": (gzip.compress(bytes(4 << 20)), "its first line goes on for more than 1 MB"),
    "line.csv": (b"x" * (2 << 20), "its first line goes on for more than 1 MB"),
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n \n\n", "is empty"),
}


def refusals(path: Path, tmp_path: Path) -> list[str]:
    """Returns what a run, inspect, score and predict say of a file, in that order."""
    readers = (
        lambda: resolve_source(str(path)),
        lambda: look_at_tables([path], "", "", FOUND_BY_CONTENT),
        lambda: make_plan([str(path)], tmp_path / "out"),
        lambda: read_texts(path),
    )
    said = []
    for read in readers:
        try:
            found = read()
        except DatasetError as error:
            said.append(str(error))
        else:
            said.append(getattr(found, "objection", "") or str(getattr(found, "notices", "")))
    return said


@pytest.mark.parametrize("name", FILES)
def test_every_reader_refuses_a_hostile_file_in_the_same_words(tmp_path, name):
    """An empty file alone is scored: to an empty one."""
    content, message = FILES[name]
    (tmp_path / name).write_bytes(content)
    run, inspect, score, predict = refusals(tmp_path / name, tmp_path)
    assert message in run and message in inspect and message in predict
    assert message in score or (message == "is empty" and "no records" in score)


@pytest.mark.parametrize("form", ["gz", "bz2", "zip"])
def test_what_unpacks_to_more_than_is_allowed_is_refused(tmp_path, monkeypatch, form):
    """Where the file tells its size, at once; else while it is read."""
    monkeypatch.setattr(compressed, "ALWAYS_ALLOWED_BYTES", 2 << 20)
    content = b"text,label\n" + (b"x" * 20_000 + b",1\n") * 300
    path = tmp_path / f"bomb.{form if form == 'zip' else f'csv.{form}'}"
    packed = {
        "gz": lambda: gzip.compress(content),
        "bz2": lambda: bz2.compress(content),
        "zip": lambda: zipped(bomb_csv=content),
    }
    path.write_bytes(packed[form]())
    if form == "bz2":
        with pytest.raises(PackedFileError, match=TOO_LARGE):
            read_all(path, Compression.BZIP2)
    else:
        assert all(re.search(TOO_LARGE, said) for said in refusals(path, tmp_path))


def read_all(path: Path, compression: Compression) -> None:
    """Unpacks a file to its end."""
    with compressed.open_unpacked(path, compression) as stream:
        while stream.read(1 << 20):
            pass


def test_a_truncated_file_is_not_taken_for_a_bomb(tmp_path):
    """Its last bytes are not the size that they seem to be."""
    path = tmp_path / "r.csv.gz"
    noise = "".join(f"a film of {number * 7919 % 9973},{number % 2}\n" for number in range(5_000))
    path.write_bytes(gzip.compress(f"text,label\n{noise}".encode())[:-9] + b"\xff\xff\xff\xff")
    with pytest.raises(DatasetError, match="truncated or corrupt"):
        read_texts(path)


def test_the_only_table_of_an_archive_is_read(tmp_path):
    """Beside a licence and a description."""
    path = tmp_path / "r.zip"
    path.write_bytes(zipped(README_md=b"# hi", LICENSE=b"free", r_csv=TABLE, __MACOSX_x=b""))
    assert len(read_texts(path).texts) == 80
    assert resolve_source(str(path)).files[0].format.compression == "zip"
    assert look_at_tables([path], "", "", FOUND_BY_CONTENT).survey.records == 80


def test_a_long_line_behind_the_header_is_told(tmp_path):
    """By a run at its first look, and by the others as they read."""
    path = tmp_path / "r.csv"
    with path.open("wb") as file:
        file.write(b"text,label\n")
        for _ in range(70):
            file.write(b"x" * (1 << 20))
    with pytest.raises(DataGateError, match="a line is longer than"):
        first_look.checked(resolve_source(str(path)), 0.0, lambda _: None)
    assert (
        "no record ends within 8 MB" in look_at_tables([path], "", "", FOUND_BY_CONTENT).objection
    )
    with pytest.raises(DatasetError, match="a line is longer than"):
        read_texts(path)
    assert "a line is longer than" in check_rows(make_plan([str(path)], tmp_path / "o")).fatal[0]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "pipe.csv", "pipe.tar.gz"])
def test_pipes_and_devices_are_refused_and_not_opened(tmp_path, monkeypatch, path):
    """A run reads more than once; `predict` copies a pipe, once somebody writes to it."""
    monkeypatch.chdir(tmp_path)
    if not path.startswith("/"):
        os.mkfifo(path)
    assert all("is a pipe, a device or a folder" in said for said in refusals(Path(path), tmp_path))


def test_a_pipe_is_copied_to_its_end(tmp_path):
    """However late its writer comes, within reason."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Timer(0.2, pipe.write_bytes, [TABLE])
    writer.start()
    target = io.BytesIO()
    piped.copy_pipe(str(pipe), target)
    writer.join()
    assert target.getvalue() == TABLE


def test_a_pipe_that_nobody_writes_to_is_told(tmp_path, monkeypatch):
    """It would be waited for without an end."""
    monkeypatch.setattr(piped, "SECONDS_WITHOUT_WRITER", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DatasetError, match="nobody wrote to it"):
        piped.copy_pipe(str(tmp_path / "pipe"), io.BytesIO())


def test_what_is_piped_is_bounded(monkeypatch):
    """An endless stream would fill the disk."""
    monkeypatch.setattr(piped, "MOST_BYTES", 3 << 20)
    target = io.BytesIO()
    with Path("/dev/zero").open("rb") as endless, pytest.raises(DatasetError) as error:
        piped.copy(endless, target, "standard input")
    assert "standard input has more than 3 MB" in str(error.value)
    assert len(target.getvalue()) <= 3 << 20


@pytest.mark.parametrize("bound", ["MOST_TEXTS", "MOST_CHARACTERS"])
def test_texts_that_are_held_in_memory_are_bounded(tmp_path, monkeypatch, bound):
    """The message names what has no such bound."""
    monkeypatch.setattr(texts, bound, 30)
    (tmp_path / "r.csv").write_bytes(TABLE)
    with pytest.raises(DatasetError, match="`sentiment score`"):
        read_texts(tmp_path / "r.csv")


@pytest.mark.parametrize("between", [" ", "\t", " NN "])
@pytest.mark.parametrize("name", ["r.tsv", "r.conll", "r.txt"])
def test_words_with_tags_are_no_texts(tmp_path, name, between):
    """A file of CoNLL's is told by its lines, whatever it is called."""
    sentence = "".join(f"{word}{between}O\n" for word in "we went to the town of".split())
    (tmp_path / name).write_text(f"{sentence}York{between}B-LOC\n\n" * 5)
    with pytest.raises(DatasetError, match="no table: its lines hold a word and its tag each"):
        look_at(tmp_path / name, TableOptions())


def test_labels_that_look_like_a_tag_are_none(tmp_path):
    """Of few lines, or all alike, nothing is told."""
    (tmp_path / "r.tsv").write_text("text\tlabel\n" + "a text\tO\n" * 9 + "a text\tX\n" * 3)
    assert look_at(tmp_path / "r.tsv", TableOptions()).columns == ("text", "label")


@pytest.mark.parametrize("record", ['["a", 1]', '"a"', "5"])
def test_a_record_that_is_no_object_is_refused_with_one_that_is(tmp_path, record):
    """In an array, and one a line."""
    for name, content in (("r.json", f"[{record}]"), ("r.jsonl", f"{record}\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(DatasetError, match=r'object.*, e.g. {"text": "fine", "label": "good"}'):
            look_at(tmp_path / name, TableOptions())
