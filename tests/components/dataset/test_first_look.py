"""The first look: what is certain is said before anything heavy is imported, and no more."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from components.dataset import first_look
from components.dataset.first_look import checked, look_at
from components.dataset.resolve import resolve_source
from components.errors import DataGateError
from pipeline.flag_spelling import with_flags
from tests.components.tables import write_table as write

STARS = [(f"review number {n}", 1 + n % 5) for n in range(50)]


@pytest.fixture
def looked_at(tmp_path):
    """Looks at data; returns the source, and what was told."""

    def look(data: object, max_bad_records: float = 0.0, **settings: str):
        told: list[str] = []
        source = resolve_source(
            str(data),
            imdb_archive=None,
            cache_dir=tmp_path / "cache",
            notify=told.append,
            **settings,
        )
        return checked(source, max_bad_records), told

    return look


@pytest.fixture
def refusal(looked_at):
    """Returns the sentence with which data is refused."""

    def refuse(data: object, max_bad_records: float = 0.0, **settings: str) -> str:
        with pytest.raises(DataGateError) as error:
            looked_at(data, max_bad_records, **settings)
        return str(error.value)

    return refuse


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl", "r.parquet", "r.csv.gz"])
def test_labels_that_are_not_usual_are_classes_of_their_own(tmp_path, looked_at, name):
    """In every format; one of the five is a usual spelling, and is not taken for the only one."""
    source, told = looked_at(write(tmp_path / name, STARS))
    assert source.classes == ("1", "2", "3", "4", "5")
    assert look_at(source).reviews == {0: 10, 1: 10, 2: 10, 3: 10, 4: 10}
    assert told == ["The labels are 5 classes: '1' (10), '2' (10), '3' (10), '4' (10), '5' (10)."]


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl", "r.parquet", "r.csv.gz"])
def test_two_named_sides_pass_and_the_others_are_left_out(tmp_path, looked_at, name):
    """They are no bad records."""
    source, told = looked_at(
        write(tmp_path / name, STARS), positive_label="4,5", negative_label="1,2"
    )
    look = look_at(source)
    assert (look.reviews, look.left_out, look.problems) == ({0: 20, 1: 20}, 10, {})
    assert look.is_whole
    assert told == []


def test_a_setting_finds_what_the_data_spells_otherwise_and_says_so(tmp_path, looked_at):
    """Case, blanks and decimals; nothing is said of one that is spelt alike."""
    rows = [("a", " Sí "), ("b", "No"), ("c", "sí")]
    _, told = looked_at(write(tmp_path / "r.csv", rows), positive_label="SÍ")
    assert told == ["`positive_label`: 'SÍ' means 'Sí' (1), 'sí' (1)."]
    _, told = looked_at(tmp_path / "r.csv", positive_label="sí")
    assert told == ["`positive_label`: 'sí' also means 'Sí' (1)."]
    _, told = looked_at(tmp_path / "r.csv", negative_label="No")
    assert told == []
    _, told = looked_at(
        write(tmp_path / "r.parquet", [("a", 1.0), ("b", 0.0)]), positive_label="1.00"
    )
    assert told == ["`positive_label`: '1.00' means '1' (1)."]


@pytest.mark.parametrize("flag", ["", "1", "1.0", "true"])
@pytest.mark.parametrize(
    "labels",
    [
        pyarrow.array([1, 0, None], pyarrow.uint8()),
        pyarrow.array([1.0, 0.0, float("nan")], pyarrow.float32()),
        pyarrow.array([Decimal("1.00"), Decimal("0.00"), None], pyarrow.decimal128(5, 2)),
        pyarrow.array([True, False, None]),
        pyarrow.array([1, 0, None], pyarrow.int8()).dictionary_encode(),
        pyarrow.array([" 1.0", "0", ""]).dictionary_encode(),
        pyarrow.array([b"TRUE", b"false ", b"NaN"], pyarrow.large_binary()),
    ],
    ids=lambda labels: str(getattr(labels, "type", labels)),
)
def test_a_label_is_the_same_in_every_type_of_parquet(tmp_path, looked_at, labels, flag):
    """A missing one is a bad record, whatever is named."""
    path = tmp_path / "r.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", "b", "c"], "label": labels}), path)
    look = look_at(looked_at(path, 0.5, positive_label=flag)[0])
    assert (look.reviews, look.problems) == ({1: 1, 0: 1}, {"unknown_label": 1})


def test_a_label_of_several_that_does_not_occur_is_told(tmp_path, looked_at):
    """The others do the work."""
    _, told = looked_at(write(tmp_path / "r.csv", STARS), positive_label="5,6", negative_label="1")
    (sentence,) = told
    assert sentence.startswith("`positive_label`: '6' does not occur; labels are '1' (10), ")


def test_a_label_that_holds_a_comma_is_found_as_it_is_written(tmp_path, looked_at):
    """Before a list of labels is seen in it; quotes make a list."""
    path = write(tmp_path / "r.csv", [("a", "so, so"), ("b", "bad"), ("c", "so"), ("d", "bad")])
    source, told = looked_at(path, positive_label="so, so", negative_label="bad")
    assert look_at(source).reviews == {1: 1, 0: 2}
    write(path, [("a", "x,y"), ("b", "bad"), ("c", "x"), ("d", "y")])
    source, told = looked_at(path, positive_label="x,y", negative_label="bad")
    assert (look_at(source).reviews, look_at(source).left_out) == ({1: 1, 0: 1}, 2)
    assert told == [
        "`positive_label='x,y'` is one label of the data. For several: "
        '`positive_label=\'"x","y"\'`.'
    ]
    source, told = looked_at(path, positive_label='"x","y"', negative_label="bad")
    assert look_at(source).reviews == {1: 2, 0: 1}
    write(path, [("a", "1,0"), ("b", "0,0")])
    for named in ("1,0", "1", '"1,0"'):
        source, _ = looked_at(path, positive_label=named)
        assert look_at(source).reviews == {1: 1, 0: 1}


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.csv.gz"])
def test_a_header_without_rows_is_refused(tmp_path, refusal, name):
    """There is nothing to wait for."""
    assert refusal(write(tmp_path / name, [])) == (
        f"The data is not fit to train on. {name} holds no record; expected reviews below the "
        "columns' names."
    )


def test_a_split_without_records_is_refused_and_an_empty_shard_is_not(tmp_path, refusal, looked_at):
    """A split may have several files."""
    rows = [("a", 1), ("b", 0)]
    write(tmp_path / "train.csv", rows)
    write(tmp_path / "test-0.csv", [])
    assert refusal(tmp_path) == (
        "The data is not fit to train on. Split 'test' is empty: test-0.csv without a record."
    )
    write(tmp_path / "test-1.csv", rows)
    source, _ = looked_at(tmp_path)
    assert look_at(source).reviews == {0: 2, 1: 2}


def test_the_first_bad_record_is_named_first(tmp_path, refusal):
    """Record 2, not record 10 or the kind that is first in the alphabet."""
    rows = [("a", 1), (" ", 0), *(("b", 0) for _ in range(7)), (" ", 1)]
    path = write(tmp_path / "r.csv", rows)
    with path.open("a") as file:
        file.write("one field\n")
    assert refusal(path) == (
        "The data is not fit to train on. 3 records could not be read, 27.27% where "
        "`max_bad_records` allows 0.00%: empty text: 2 (e.g. r.csv, record 2: the text is blank), "
        "malformed row: 1 (e.g. r.csv, record 11: 1 fields, expected 2)."
    )


def test_a_slip_in_a_label_is_named_by_its_record(tmp_path, refusal):
    """And all labels are listed; with both sides named, it is left out."""
    rows = [(f"text {n}", n % 2) for n in range(60)]
    path = write(tmp_path / "r.csv", [*rows, ("last", "maybe")])
    sentence = refusal(path)
    assert "1 records could not be read" in sentence
    assert "r.csv, record 61: label 'maybe'" in sentence
    assert sentence.endswith(
        "The labels are '0' (30), '1' (30), 'maybe' (1). Name the classes: `labels='0,1,maybe'`, "
        "or as two sides, e.g. `positive_label='1'` `negative_label='0'`. Labels that are not "
        "named are left out."
    )


def test_blank_labels_are_bad_records_and_no_question_of_meaning(tmp_path, refusal):
    """The labels that are there are understood."""
    path = write(tmp_path / "r.csv", [("a", 1), ("b", 0), ("c", ""), ("d", "NaN")])
    assert refusal(path).startswith(
        "The data is not fit to train on. 2 records could not be read, 50.00% where "
        "`max_bad_records` allows 0.00%: unknown label: 2 (e.g. r.csv, record 3: label '', expected"
    )
    assert "`positive_label='1'`" not in refusal(path)


@pytest.mark.parametrize(("withheld", "shown"), [(-1, "'-1' (7)"), (None, "blank ones")])
def test_a_split_of_which_the_labels_are_withheld_is_named_with_what_to_type(
    tmp_path, refusal, looked_at, monkeypatch, withheld, shown
):
    """As contests publish their test split; a fifth of train then becomes test."""
    monkeypatch.chdir(tmp_path)
    rows = [(f"text {n}", n % 2) for n in range(20)]
    for split, labelled in (("train", rows), ("validation", rows[:6])):
        write(tmp_path / f"{split}.parquet", labelled)
    write(tmp_path / "test.parquet", [(f"test {n}", withheld) for n in range(7)])
    sentence = refusal(".")
    assert sentence == (
        f"The data is not fit to train on. Split 'test' has no labels of either class, only {shown}"
        ". Leave it out: `data='train.parquet,validation.parquet'`."
    )
    source, _ = looked_at(with_flags(sentence).removesuffix(".").partition("--data ")[2])
    assert (source.has_eval, source.carves_test) == (True, True)


def test_a_split_that_begins_with_labels_to_leave_out_may_have_others(
    tmp_path, looked_at, refusal, monkeypatch
):
    """Files may be sorted by their labels; of a whole file it is certain."""
    write(tmp_path / "train.csv", [(f"text {n}", 1 + 4 * (n % 2)) for n in range(40)])
    write(tmp_path / "test.csv", [(f"test {n}", 3) for n in range(20)] + [("a", 5), ("b", 1)])
    settings = {"positive_label": "5", "negative_label": "1"}
    looked_at(tmp_path, **settings)
    monkeypatch.setattr(first_look, "RECORDS", 20)
    looked_at(tmp_path, **settings)
    write(tmp_path / "test.csv", [(f"test {n}", 3) for n in range(5)])
    monkeypatch.setattr(first_look, "RECORDS", 100)
    assert "Split 'test' has no labels of either class, only '3' (5)." in refusal(
        tmp_path, **settings
    )


def test_bad_records_up_to_what_is_allowed_pass_as_in_the_gate(tmp_path, refusal, looked_at):
    """Unknown labels among them."""
    path = write(tmp_path / "r.csv", [("a", 1), ("b", 0), ("c", "odd"), (" ", 1)])
    looked_at(path, 0.5)
    assert "50.00% where `max_bad_records` allows 49.00%" in refusal(path, 0.49)


def test_a_head_that_is_worse_than_the_rest_decides_nothing(
    tmp_path, looked_at, refusal, monkeypatch
):
    """Of a file that is read in part, unless no bad record is allowed."""
    monkeypatch.setattr(first_look, "RECORDS", 10)
    rows = [(" ", 1)] * 9 + [(f"text {n}", n % 2) for n in range(500)]
    path = write(tmp_path / "r.csv", rows)
    looked_at(path, 0.1)
    looked_at(write(tmp_path / "worse.csv", [(" ", 1)] * 5 + rows), 0.1)
    assert refusal(path, 0.0).endswith("(Seen in the first 10 records.)")


def test_rare_labels_may_follow_the_head(tmp_path, looked_at, refusal, monkeypatch):
    """Only what no later record can set right is refused."""
    monkeypatch.setattr(first_look, "RECORDS", 10)
    rows = [(f"text {n}", "no") for n in range(100)] + [("last", "yes")]
    path = write(tmp_path / "r.csv", rows)
    looked_at(path)
    looked_at(path, positive_label="YES")
    odd = write(tmp_path / "odd.csv", [(f"text {n}", f"kind {n % 3}") for n in range(100)])
    assert "2 other labels occur" in refusal(odd, positive_label="kind 1")


def test_one_class_is_refused_when_all_was_read(tmp_path, refusal):
    """Whatever it is called."""
    path = write(tmp_path / "r.csv", [("a", "Yes"), ("b", "yes")])
    assert refusal(path) == (
        "The data is not fit to train on. All reviews are of one class; labels are 'Yes' (1), "
        "'yes' (1)."
    )


def test_a_file_that_breaks_off_is_refused(tmp_path, refusal):
    """Whatever share of bad records is allowed."""
    path = tmp_path / "r.csv"
    rows = "".join(f"{f'word{n} ' * 400},{n % 2}\n" for n in range(1_000))
    path.write_bytes(gzip.compress(f"text,label\n{rows}".encode())[:-20])
    assert refusal(path, 1.0).startswith(
        "The data is not fit to train on. It could not be read. r.csv: the file is truncated or "
    )


def test_the_look_is_bounded_over_all_files(tmp_path, looked_at, monkeypatch):
    """Each file gets its share, and a few records when the time is over."""
    rows = [(f"text {n}", n % 2) for n in range(100)]
    for name in "abcd":
        write(tmp_path / f"{name}.csv", rows)
    source, _ = looked_at(tmp_path)
    monkeypatch.setattr(first_look, "RECORDS", 40)
    assert look_at(source).records == 40
    assert not look_at(source).is_whole
    monkeypatch.setattr(first_look, "SECONDS", -1.0)
    assert look_at(source).records == 20
    monkeypatch.setattr(first_look, "SECONDS_AT_MOST", -1.0)
    assert (look_at(source).records, look_at(source).is_whole) == (0, False)
    assert checked(source, 0.0) == source


@pytest.mark.parametrize("data", ["sample"])
def test_only_tables_are_looked_at(looked_at, data):
    """The others have labels of their own."""
    assert looked_at(data)[1] == []
