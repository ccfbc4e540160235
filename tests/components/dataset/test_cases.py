"""Files with other people's troubles: what run, score and predict make of each, by value.

Each file is read by all three, plain and packed in every way.
"""

from __future__ import annotations

import csv
import decimal
import io
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf

from components import features
from components.dataset.first_look import checked
from components.dataset.records import LeftOut, Problem, Review
from components.dataset.resolve import resolve_source
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.tables import read_table
from components.errors import SentimentError
from components.models.registry import get_variant
from serving.printable import printable

from ..transforming import analyze
from .test_one_reader import PACKED, read_by_predict, read_by_score

GOOD, BAD = ("superb", "touching", "splendid"), ("dreadful", "lifeless", "painful")
LABELS = [int(number * 7 % 13 < 6) for number in range(400)]
TEXTS = [
    f"The story was {(GOOD if label else BAD)[number % 3]} and, it runs two hours, number {number}."
    for number, label in enumerate(LABELS)
]
POSITIVE, NEGATIVE = sum(LABELS), 400 - sum(LABELS)
Reading = tuple[int, ...]


def rows(
    *columns: list[Any], header: str = "text,label", delimiter: str = ",", end: str = "\n"
) -> str:
    """Rows of fields below a header, quoted where they must be."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerow(header.split(","))
    writer.writerows(zip(*columns, strict=True))
    return stream.getvalue()


def parquet(texts: list[str], labels: list[Any]) -> bytes:
    """The same in Parquet."""
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": texts, "label": labels}), stream)
    return stream.getvalue()


@dataclass(frozen=True)
class Case:
    """A file and what should happen.

    Attributes:
      name: The file's.
      content: Its bytes.
      run: Reviews by class, or words of the sentence that refuses it.
      texts: How many texts score and predict read, or words of the sentence that refuses it.
      told: What is said of how it is read.
      left_out: Reviews that nobody asked for.
      bad: Records that cannot be read, and may be.
      settings: Names and labels as they are typed.
      options: How the file is written as far as it is typed.
    """

    name: str
    content: bytes
    run: Reading | str
    texts: int | str
    told: tuple[str, ...] = ()
    left_out: int = 0
    bad: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    options: TableOptions = FOUND_BY_CONTENT

    def __str__(self) -> str:
        """Returns a name for the test."""
        typed = {**self.settings, "encoding": self.options.encoding}
        return " ".join((self.name, *filter(None, typed.values())))


CSV = rows(TEXTS, LABELS)
BOTH = (NEGATIVE, POSITIVE)
STARS = [number % 2 + 4 if label else number % 3 + 1 for number, label in enumerate(LABELS)]
THREES = STARS.count(3)
YES_NO = rows(TEXTS, ["Yes" if label else "No" for label in LABELS])
LONE = [f'" {text}' if number % 20 == 3 else text for number, text in enumerate(TEXTS)]
SST = "\n".join(
    ["sentence\tlabel", *(f"{text}\t{label}" for text, label in zip(LONE, LABELS, strict=True))]
)
SST_QUOTED = SST.replace("\tlabel\n", '\tlabel\n"A ""quoted"" one"\t1\n', 1)
BACKSLASH = "\n".join(
    [
        "id\tsentiment\treview",
        *(
            f'"{number}_9"\t{label}\t"{text} He called it \\"The Long Road\\" twice."'
            for number, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))
        ),
    ]
)
SPAM = "v1,v2,,,\r\n" + "".join(
    f'{"ham" if label else "spam"},"{text} It cost £5.",,,\r\n'
    for text, label in zip(TEXTS, LABELS, strict=True)
)
SPAM_COLUMNS = {"text_column": "v2", "label_column": "v1"}
OPPOSITE = [1 - label for label in LABELS]
RECORDS = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
TWICE = "".join(
    f'{{"text": {json.dumps(text)}, "label": {label}, "label": {1 - label}}}\n'
    for text, label in zip(TEXTS, LABELS, strict=True)
)

CASES = [
    Case(
        "twice_label.csv",
        rows(TEXTS, LABELS, OPPOSITE, header="text,label,label").encode(),
        "two columns 'label'",
        "two columns 'label'",
    ),
    Case("twice_label.jsonl", TWICE.encode(), "two columns 'label'", "two columns 'label'"),
    Case("sst.tsv", SST.encode(), BOTH, 400, settings={"text_column": "sentence"}),
    Case(
        "sst.tsv",
        SST_QUOTED.encode(),
        (NEGATIVE - 20 + sum(LABELS[3::20]), POSITIVE + 1 - sum(LABELS[3::20])),
        381,
        bad=20,
        settings={"text_column": "sentence"},
        options=TableOptions(quoting="doubled", max_bad_records=0.06),
    ),
    Case(
        "sst.tsv",
        SST_QUOTED.encode(),
        r"20 records could not be read, 4\.99%",
        "line 6: .*`quoting='none'`",
        settings={"text_column": "sentence"},
        options=TableOptions(quoting="doubled"),
    ),
    Case(
        "backslash_quotes.tsv",
        BACKSLASH.encode(),
        BOTH,
        400,
        ("backslash_quotes.tsv: quotes within fields written \\\" (else: `quoting='doubled'`)",),
        settings={"text_column": "review", "label_column": "sentiment"},
    ),
    Case(
        "unquoted.csv",
        b"text,id\nI loved it, but the end was dreadful,1\nplain and dull,2\n",
        "record 1: 3 fields, expected 2",
        "record 1: 3 fields, expected 2",
    ),
    Case(
        "unclosed.csv",
        b'text,label\n"a great film,1\na dull one,0\nwonderful,1\n',
        "line 2: unexpected end of data",
        "line 2: unexpected end of data",
    ),
    Case("crlf_cr.csv", CSV.replace("\n", "\r").encode(), BOTH, 400, ("lines end with CR alone",)),
    Case("crlf_cr.csv", CSV.replace("\n", "\r\n").encode(), BOTH, 400),
    Case("nul.csv", CSV.replace("story", "sto\0ry").encode(), BOTH, 400),
    Case("floats.csv", rows(TEXTS, [f"{label}.0" for label in LABELS]).encode(), BOTH, 400),
    Case(
        "floats.csv",
        rows(TEXTS, [f"{label}.0" for label in LABELS]).encode(),
        BOTH,
        400,
        ("`positive_label`: '1' means '1.0'",),
        settings={"positive_label": "1"},
    ),
    Case("floats.parquet", parquet(TEXTS, list(map(float, LABELS))), BOTH, 400),
    Case(
        "decimal.parquet",
        parquet(TEXTS, [decimal.Decimal(f"{label}.0") for label in LABELS]),
        BOTH,
        400,
        settings={"positive_label": "1"},
    ),
    Case(
        "stars.csv",
        rows(TEXTS, STARS, header="text,stars").encode(),
        tuple(STARS.count(star) for star in (1, 2, 3, 4, 5)),
        400,
        ("Label from the column 'stars', by the usual names", "The labels are 5 classes: '1' ("),
    ),
    Case(
        "stars.csv",
        rows(TEXTS, STARS, header="text,stars").encode(),
        (STARS.count(5), STARS.count(1)),
        400,
        left_out=400 - STARS.count(5) - STARS.count(1),
        settings={"labels": "5,1.0"},
    ),
    Case(
        "stars.csv",
        rows(TEXTS, STARS, header="text,stars").encode(),
        (STARS.count(1) + STARS.count(2), STARS.count(4) + STARS.count(5)),
        400,
        left_out=THREES,
        settings={"map_labels": "5=good,4=good,1=bad,2=bad"},
    ),
    Case(
        "stars.csv",
        rows(TEXTS, STARS, header="text,stars").encode(),
        r"`labels`: 'good' does not occur; labels are '4' \(95\), '5' \(90\), '1' \(72\)",
        400,
        settings={"labels": "good,bad"},
    ),
    Case(
        "stars.csv",
        rows(TEXTS, STARS, header="text,stars").encode(),
        (NEGATIVE - THREES, POSITIVE),
        400,
        ("Label from the column 'stars', by the usual names; `label_column` names another.",),
        left_out=THREES,
        settings={"positive_label": "4,5", "negative_label": "1,2"},
    ),
    Case("yesno.csv", YES_NO.encode(), BOTH, 400),
    Case(
        "yesno.csv",
        YES_NO.encode(),
        BOTH,
        400,
        (f"`positive_label`: 'yes' means 'Yes' ({POSITIVE})",),
        settings={"positive_label": "yes"},
    ),
    Case(
        "yesno.csv",
        YES_NO.encode(),
        rf"'ja' does not occur; labels are 'No' \({NEGATIVE}\), 'Yes' \({POSITIVE}\)",
        400,
        settings={"positive_label": "ja"},
    ),
    Case(
        "unicode.csv", CSV.encode("utf-16"), BOTH, 400, ("unicode.csv: UTF-16 with a byte-order",)
    ),
    Case("esc.csv", b"te\x1b[31mxt\x07,label\nx,1\n", "no column 'text'", "no column 'text'"),
    Case(
        "export_de.csv",
        rows(TEXTS, LABELS, delimiter=";", end="\r\n").encode("utf-8-sig"),
        BOTH,
        400,
        ("export_de.csv: UTF-8 with a byte-order mark, delimiter ';'",),
    ),
    Case(
        "spam.csv",
        SPAM.encode("latin-1"),
        "line 2: byte 0xa3 is not UTF-8. .*`encoding='latin-1'` reads it",
        "line 2: byte 0xa3 is not UTF-8. .*`encoding='latin-1'` reads it",
        settings=SPAM_COLUMNS,
    ),
    Case(
        "spam.csv",
        SPAM.encode("latin-1"),
        (POSITIVE, NEGATIVE),
        400,
        ("the probability is that of 'spam'; `labels='spam,ham'` turns it round",),
        settings=SPAM_COLUMNS,
        options=TableOptions(encoding="latin-1"),
    ),
    Case(
        "spam.csv",
        SPAM.encode("latin-1"),
        BOTH,
        400,
        settings={**SPAM_COLUMNS, "positive_label": "ham"},
        options=TableOptions(encoding="latin-1"),
    ),
    Case("pretty.json", json.dumps(RECORDS, indent=2).encode(), BOTH, 400),
    Case("header_only.csv", b"text,label\n", "header_only.csv.* holds no record", 0),
]
MAY_BE_PACKED = [case for case in CASES if "parquet" not in case.name]


def read_as_run(path: Path, case: Case) -> tuple[Counter, list[str]]:
    """Returns what a run reads after its early look, and what it says."""
    told: list[str] = []
    source = resolve_source(
        str(path),
        imdb_archive=None,
        cache_dir=path.parent / "cache",
        options=case.options,
        notify=told.append,
        **case.settings,
    )
    source = checked(source, case.options.max_bad_records)
    counts: Counter = Counter()
    for file in source.files:
        for found in read_table(file, source):
            if isinstance(found, Review):
                counts[found.label] += 1
            elif isinstance(found, LeftOut | Problem):
                counts[type(found)] += 1
    return counts, told


def check(path: Path, case: Case) -> None:
    """Compares what the three make of a file with what is expected."""
    if isinstance(case.run, str):
        with pytest.raises(SentimentError, match=case.run) as error:
            read_as_run(path, case)
        assert "\x1b" not in printable(str(error.value))
    else:
        counts, told = read_as_run(path, case)
        assert tuple(counts[label] for label in range(len(case.run))) == case.run
        assert sum(case.run) == sum(counts[label] for label in counts if isinstance(label, int))
        assert (counts[LeftOut], counts[Problem]) == (case.left_out, case.bad)
        if path.name == case.name:
            assert all(any(words in line for line in told) for words in case.told), told
    if case.bad:
        return
    column = case.settings.get("text_column", "text")
    for read in (read_by_score, read_by_predict):
        if isinstance(case.texts, str):
            with pytest.raises(SentimentError, match=case.texts):
                read(path, case.options, column)
        elif case.texts or read is read_by_score:
            assert len(read(path, case.options, column)) == case.texts
        else:
            with pytest.raises(SentimentError, match="holds no texts"):
                read(path, case.options, column)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_troubled_file_is_read_as_people_mean_it_or_refused_in_words(tmp_path, case):
    """By run after its early look, by score and by predict."""
    path = tmp_path / case.name
    path.write_bytes(case.content)
    check(path, case)


@pytest.mark.parametrize("suffix", [suffix for suffix in PACKED if suffix])
def test_packing_changes_nothing(tmp_path, suffix):
    """Of every case."""
    for number, case in enumerate(MAY_BE_PACKED):
        path = tmp_path / str(number) / f"{case.name}{suffix}"
        path.parent.mkdir()
        path.write_bytes(PACKED[suffix](case.content, case.name))
        check(path, case)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_case_is_read_with_any_delimiter_in_any_unicode(tmp_path, delimiter, encoding):
    """Stars as two sides, from each such file."""
    content = rows(TEXTS, STARS, header="text,stars", delimiter=delimiter).encode(encoding)
    sides = {"positive_label": "4,5", "negative_label": "1,2"}
    expected = (NEGATIVE - THREES, POSITIVE)
    case = Case("s.csv", content, expected, 400, left_out=THREES, settings=sides)
    (tmp_path / "s.csv").write_bytes(content)
    check(tmp_path / "s.csv", case)


@pytest.mark.parametrize(
    "write",
    [
        lambda path, texts, labels: path.with_suffix(".parquet").write_bytes(
            parquet(texts, labels)
        ),
        lambda path, texts, labels: path.with_suffix(".csv").write_text(rows(texts, labels)),
        lambda path, texts, labels: path.with_suffix(".jsonl").write_text(
            "\n".join(
                json.dumps({"text": text, "label": label})
                for text, label in zip(texts, labels, strict=True)
            )
        ),
    ],
    ids=["parquet", "csv", "jsonl"],
)
def test_a_folder_of_splits_is_read_as_its_authors_drew_them(tmp_path, write: Callable):
    """Validation is eval, and the folder gives its name: no two of them share a model."""
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        for split, start, end in (
            ("train", 0, 240),
            ("validation", 240, 300),
            ("test", 300, 400),
        ):
            write(folder / f"{split}-00000-of-00001", TEXTS[start:end], LABELS[start:end])
        source = resolve_source(str(folder), imdb_archive=None, cache_dir=tmp_path / "cache")
        read = Counter(
            found.split
            for file in source.files
            for found in read_table(file, source)
            if isinstance(found, Review)
        )
        assert read == {"train": 240, "eval": 60, "test": 100}
        assert (source.name, source.has_eval, source.carves_test) == (name, True, False)


def test_a_column_of_splits_makes_validation_eval(tmp_path):
    """As in a folder of files."""
    splits = ["train"] * 240 + ["validation"] * 60 + ["test"] * 100
    path = tmp_path / "three_splits.csv"
    path.write_text(rows(TEXTS, LABELS, splits, header="text,label,split"))
    source = resolve_source(str(path), imdb_archive=None, cache_dir=tmp_path / "cache")
    found = read_table(source.files[0], source)
    assert Counter(each.split for each in found if isinstance(each, Review)) == {
        "train": 240,
        "eval": 60,
        "test": 100,
    }


def test_curly_and_straight_apostrophes_are_asked_about_a_line_each(tmp_path):
    """Their words are the same: see the tests of tokens."""
    texts = ["I don’t like it", "I don't like it"]
    (tmp_path / "smart.txt").write_text("".join(f"{text}\n" for text in texts))
    assert read_by_predict(tmp_path / "smart.txt") == texts


@pytest.mark.parametrize(
    "content", [b"text,label\n", b"", b"x" * 3_000_000, b"text,label\ngood,1\n" * 200_000]
)
def test_what_cannot_run_is_said_within_two_seconds(tmp_path, content):
    """However long the file is; the machine's load is no part of it."""
    (tmp_path / "r.csv").write_bytes(content)
    case = Case("r.csv", content, "", 0)
    started = time.process_time()
    with pytest.raises(SentimentError):
        read_as_run(tmp_path / "r.csv", case)
    assert time.process_time() - started < 2.0


def test_a_file_that_is_read_whole_teaches_linear_its_classes(tmp_path):
    """At least 95 % of the quarter of the reviews that it did not see are right."""
    (case,) = (case for case in CASES if case.name == "backslash_quotes.tsv")
    (tmp_path / case.name).write_bytes(case.content)
    source = resolve_source(
        str(tmp_path / case.name), imdb_archive=None, cache_dir=tmp_path, **case.settings
    )
    found = [each for each in read_table(source.files[0], source) if isinstance(each, Review)]
    labels = np.array([each.label for each in found])
    output = analyze([each.text.decode() for each in found[:300]], tmp_path)
    texts = tf.constant([each.text for each in found])
    token_ids = output.transform_features_layer()({features.TEXT: texts})[features.TOKEN_IDS]
    variant = get_variant("linear")
    model = variant.build(variant.presets["tuned"])
    training = (token_ids.numpy()[:300].astype(np.uint16), labels[:300])
    variant.solve(model, training, variant.presets["tuned"])
    answers = model(token_ids[300:]).numpy()[:, 0]
    assert np.mean((answers >= 0.5) == labels[300:]) >= 0.95
