"""Classes of a table: named, mapped, or learned from train; and labels that cannot be classes."""

from __future__ import annotations

import csv
import json

import pytest

from components import progress
from components.dataset import label_counts
from components.dataset.first_look import checked, look_at
from components.dataset.records import Problem
from components.dataset.resolve import resolve_source
from components.dataset.tables import read_table
from components.errors import ConfigurationError, DataGateError, DatasetError
from pipeline.flag_spelling import with_flags
from serving.printable import UNSAFE


@pytest.fixture
def table(tmp_path):
    """Writes a table of texts, each with a label of its own; returns its path."""

    def write(labels, name="r.csv", header=("text", "label")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(
                (f"{name} text {number}", label) for number, label in enumerate(labels)
            )
        return path

    return write


def resolved(path, **settings):
    """Returns the source and what was told."""
    told: list[str] = []
    return resolve_source(str(path), notify=told.append, **settings), told


def refusal(path, min_class_size=0, **settings):
    """Returns why a data set is refused, after "The data is not fit to train on."."""
    with pytest.raises(DataGateError) as error:
        checked(resolved(path, **settings)[0], 0.0, min_class_size)
    return str(error.value).removeprefix("The data is not fit to train on. ")


def test_learned_classes_are_numbers_by_value_and_then_names_by_the_alphabet(table):
    """Case makes no difference; a class is spelt as it mostly is."""
    source, _ = resolved(table(["10", "b", "9", "a", "-1", "B", "C", "b", "1.50"] * 2))
    assert source.classes == ("-1", "1.50", "9", "10", "a", "b", "C")
    assert look_at(source).reviews == {0: 2, 1: 2, 2: 2, 3: 2, 4: 2, 5: 6, 6: 2}


def test_what_is_good_to_know_is_told_apart_from_what_must_not_be_missed(table):
    """Learned classes are a note; a label that does not occur, or many classes, are a warning."""

    def told(path, **settings):
        notices, notes = [], []
        resolve_source(str(path), notify=notices.append, note=notes.append, **settings)
        return len(notices), len(notes)

    labels = ["a", "b", "c"] * 5
    assert told(table(labels, header=("review", "stars"))) == (0, 2)
    assert told(table(labels), labels="A,b,c", map_labels="d=c") == (1, 1)
    assert told(table([f"class {n % 51}" for n in range(153)])) == (1, 0)


def test_labels_that_the_data_spells_otherwise_are_told_in_one_sentence(table):
    """The first few of them."""
    path = table([f"{stars}.0" for stars in range(1, 8)] * 2)
    _, told = resolved(path, labels="1,2,3,4,5,6,7")
    assert told == [
        "`labels`: '1' means '1.0' (2), '2' means '2.0' (2), '3' means '3.0' (2), '4' means '4.0' "
        "(2), '5' means '5.0' (2) and 2 more."
    ]


def test_usual_spellings_stay_negative_and_positive(table):
    """Also beside a single slip, and beside some in a hundred."""
    for labels in (["yes", "NO"] * 5, ["1", "0"] * 5 + ["maybe"], ["t", "f"] * 500 + ["x"] * 9):
        source, told = resolved(table(labels))
        assert (source.classes, source.label_classes) == (("negative", "positive"), ())
        assert told == []
    assert resolved(table(["t", "f"] * 500 + ["x"] * 11))[0].classes == ("f", "t", "x")


def test_two_sides_keep_the_users_names_where_each_has_one_label(table):
    """What is usual stays usual, and a side of several labels has the usual name."""
    ham = table(["ham", "spam", "eggs", "ham"])
    for settings, classes in (
        ({"positive_label": "spam", "negative_label": "ham"}, ("ham", "spam")),
        ({"positive_label": "spam", "negative_label": "ham,eggs"}, ("negative", "spam")),
        ({"positive_label": "spam,eggs", "negative_label": "ham"}, ("ham", "positive")),
    ):
        assert resolved(ham, **settings)[0].classes == classes
    one = table(["ham", "spam"] * 3)
    assert resolved(one, positive_label="ham")[0].classes == ("spam", "ham")
    assert resolved(one, negative_label="ham")[0].classes == ("ham", "spam")
    assert resolved(table(["1", "0"]), positive_label="0")[0].classes == ("negative", "positive")
    assert resolved(table(["1", "2"]), positive_label="2")[0].classes == ("1", "2")


def test_the_other_side_is_learned_from_all_of_train(table, monkeypatch):
    """However far behind it begins."""
    monkeypatch.setattr(label_counts, "RECORDS", 10)
    path = table(["ham"] * 50 + ["spam"])
    for side in ("positive_label", "negative_label"):
        source, _ = resolved(path, **{side: "ham"})
        assert look_at(source).reviews == {
            source.classes.index("ham"): 50,
            source.classes.index("spam"): 1,
        }


def test_labels_in_order_are_all_read_and_mixed_ones_only_at_first(table, monkeypatch):
    """In a sorted file, the first thousands may all be 0 and 1."""
    monkeypatch.setattr(label_counts, "RECORDS", 40)
    assert resolved(table(sorted("01234" * 15)))[0].classes == ("0", "1", "2", "3", "4")
    mixed, told = resolved(table(["0", "1"] * 50 + ["2"] * 30))
    assert (mixed.classes, told) == (("negative", "positive"), [])


def test_learning_tells_its_progress(table, monkeypatch):
    """In records, with the column's name."""
    monkeypatch.setattr(label_counts, "_REPORTED_EVERY", -1.0)
    monkeypatch.setattr(label_counts, "RECORDS", 10)
    reports = []
    with progress.listening(reports.append):
        resolved(table("abc" * 700))
    assert [(each.done, each.unit, each.stage) for each in reports] == [
        (done, "records", "Reading the labels in 'label'") for done in (1_000, 2_000, 2_100)
    ]


def test_named_and_mapped_labels_are_the_classes_and_the_rest_is_left_out(table):
    """In the order in which they are named; mapped ones as learned ones."""
    path = table(["5", "4", "3", "1", "odd"] * 4)
    named, _ = resolved(path, labels="5,1")
    assert (named.classes, look_at(named).left_out) == (("5", "1"), 12)
    mapped, _ = resolved(path, map_labels="5=good,4=good,1=bad")
    assert (mapped.classes, look_at(mapped).reviews) == (("bad", "good"), {0: 4, 1: 8})
    both, told = resolved(path, labels="good,odd,bad", map_labels="5=good,4.0=good,1=bad,7=bad")
    assert (both.classes, look_at(both).reviews) == (("good", "odd", "bad"), {0: 8, 1: 4, 2: 4})
    assert told[0].startswith("`map_labels`: '7' does not occur; labels are '1' (4), ")
    assert told[1] == "`map_labels`: '4.0' means '4' (4)."


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"labels": "a"}, "`labels` names 1 class; expected 2 to 1,000"),
        ({"labels": "1,x,1.0"}, "`labels` names '1' and '1.0', which are one label"),
        ({"labels": ",".join(map(str, range(1_001)))}, "names 1,001 classes; expected 2 to 1,000"),
        ({"map_labels": "5=good"}, "`map_labels` names 1 class; expected 2"),
        ({"map_labels": "5=good,5=bad"}, "maps '5' to 'good' and to 'bad'"),
        ({"map_labels": "5"}, "`map_labels` is '5'; expected labels and their classes, e.g."),
        ({"map_labels": "5=a=b"}, "that holds a comma or an equals sign stands in double quotes"),
        ({"labels": "a,b", "map_labels": "5=c"}, "has the class 'c', and `labels` does not name"),
        ({"labels": "a,b", "negative_label": "a"}, "`labels` and `negative_label` both say which"),
        (
            {"map_labels": "1=a,2=b", "positive_label": "a"},
            "`map_labels` and `positive_label` both",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, words):
    """Before anything is read."""
    with pytest.raises(ConfigurationError) as error:
        resolve_source("sample", **settings)
    assert words in str(error.value)


HOSTILE = [
    "x" * 10_000,
    "x" * 9_999 + "y",
    "a/b",
    "so, so",
    "two\nlines",
    r"two\nlines",
    "esc\x1b[31m\x07",
    'a=b "q"',
    "'",
    "`",
    "../..",
    "👩‍👧 très",
]


def test_a_class_may_have_any_name_and_none_is_taken_for_another(table):
    """Long ones and control characters are written out, and marked; all can be typed as shown."""
    path = table(HOSTILE * 3)
    source, (told,) = resolved(path)
    assert look_at(source).reviews == dict.fromkeys(range(len(HOSTILE)), 3)
    assert max(map(len, source.classes)) == 100
    assert not any(UNSAFE.search(name) for name in source.classes)
    assert {"a/b", "so, so", r"two\nlines", r"two\nlines #edc8c128", 'a=b "q"'} <= {*source.classes}
    assert len(told) < 1_200
    again, _ = resolved(path, labels=",".join(map(quoted, source.classes)))
    assert (again.classes, look_at(again).reviews) == (source.classes, look_at(source).reviews)
    pairs = ",".join(f"{quoted(name)}={label % 2}" for label, name in enumerate(source.classes))
    assert look_at(resolved(path, map_labels=pairs)[0]).reviews == {0: 18, 1: 18}


def quoted(name):
    """Returns a name as it stands in a row of CSV."""
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((f"{n / 7:.2f}" for n in range(2_000)), "over 1,000 different values, e.g. '0.00', "),
        ((f"It was {n} o'clock." for n in range(60)), "60 different values, e.g. 'It was 0 o'"),
    ],
)
def test_a_column_of_numbers_or_texts_is_no_label(table, labels, words):
    """Whether there are few or many; another column is asked for."""
    sentence = refusal(table(labels))
    assert f"The column 'label' has {words}" in sentence
    assert "`label_column` names another column" in sentence


def test_reading_stops_at_the_thousand_and_first_label(table, monkeypatch):
    """Nothing grows with the file."""
    monkeypatch.setattr(label_counts, "RECORDS", 10)
    source, _ = resolved(table("ab" * 5))
    table(f"id {number}" for number in range(50_000))
    counts = label_counts.all_labels(source)
    assert (counts.too_many, counts.is_whole, counts.records) == (True, False, 2_000)
    assert len(counts.all) <= 2_000


def test_the_texts_column_is_no_label(table):
    """By its name; the other columns are listed."""
    with pytest.raises(DatasetError) as error:
        resolved(table("ab", header=("text", "kind")), label_column="text")
    assert str(error.value) == (
        "The column 'text' is named for the text and for the label. The other columns are: kind. "
        "Name the label's with `label_column`, or the text's with `text_column`."
    )


def test_one_class_and_one_record_are_said(table, monkeypatch):
    """Also where the labels had to be read to the last one."""
    assert refusal(table("x")) == "There is a single record; expected several of each class."
    assert refusal(table("xxx")).startswith("All labels are 'x'; two different ones are needed.")
    monkeypatch.setattr(label_counts, "RECORDS", 2)
    for label in ("x", "1"):
        sentence = refusal(table([label] * 9))
        assert sentence == f"All reviews are of one class; labels are '{label}' (9)."


def test_a_class_that_train_lacks_is_named_and_what_is_advised_leaves_it_out(table, tmp_path):
    """As many such records as may be bad pass, and are counted."""
    table("abc" * 9, "d/train.csv")
    table("abcd" * 3, "d/test.csv")
    assert refusal(tmp_path / "d").endswith(
        "record 4: label 'd', expected one of 'a', 'b', 'c'). 'd' (3) means none of the classes "
        "of train ('a', 'b', 'c'). To leave such labels out, "
        "name the classes: `labels='a,b,c'`."
    )
    source, _ = resolved(tmp_path / "d", labels="a,b,c")
    assert look_at(checked(source, 0.0, 2)).left_out == 3
    source, _ = resolved(tmp_path / "d")
    assert checked(source, 0.1) == source
    (test,) = (file for file in source.files if file.split == "test")
    problems = [each for each in read_table(test, source) if isinstance(each, Problem)]
    assert [each.detail for each in problems] == ["label 'd', expected one of 'a', 'b', 'c'"] * 3


def test_classes_with_too_few_reviews_in_a_split_are_refused_where_all_was_read(table, tmp_path):
    """What is advised helps."""
    table("abc" * 9, "d/train.csv")
    table("aabbc", "d/test.csv")
    sentence = refusal(tmp_path / "d", min_class_size=2)
    assert sentence == (
        "Split 'test' has fewer than 2 reviews of 'c' (1), which `min_class_size` asks of each "
        "class. Give more of them, or leave them out by naming the others, e.g. `labels='a,b'`, "
        "or let them be: `min_class_size=1`."
    )
    checked(resolved(tmp_path / "d")[0], 0.0, 1)
    checked(resolved(tmp_path / "d", labels="a,b")[0], 0.0, 2)
    assert "--labels a,b" in with_flags(sentence)


def test_labels_of_a_test_split_and_of_unlabelled_reviews_make_no_classes(table, tmp_path):
    """Whether files or a column tell the split."""
    labels = [("a", "train"), ("b", "train"), ("c", "test"), ("d", "unsup"), ("e", "odd")] * 3
    path = tmp_path / "r.jsonl"
    path.write_text(
        "".join(
            json.dumps({"text": f"{number}", "label": label, "split": split}) + "\n"
            for number, (label, split) in enumerate(labels)
        )
    )
    assert resolved(path)[0].classes == ("a", "b")


def test_a_header_that_comes_again_is_a_bad_record(table):
    """Of files put one behind the other; a text of one column may be its name."""
    path = table("abc" * 5)
    path.write_text(path.read_text() * 2)
    assert "malformed row: 1 (e.g. r.csv, record 16: the header once more)" in refusal(path)
