"""What is said of labels that are not those of two sides; whoever types the advice gets further."""

from __future__ import annotations

import re
import shlex

import pytest

from components.dataset import label_objections as objections
from components.dataset.label_settings import LabelSettings, two_sides
from components.dataset.labels import is_left_out, label_of
from components.dataset.source import ReviewSource, SourceKind
from pipeline.cli import _parser
from pipeline.flag_spelling import with_flags
from pipeline.loading import load_config


def objection(counts, positive="", negative="", labels="", map_labels="") -> str:
    """What is said of all labels of a data set, as far as they are named."""
    settings = LabelSettings(labels, map_labels, positive, negative)
    if settings.names_classes or (positive and negative):
        return objections.objection_to_missing(counts, settings)
    if settings.names_sides:
        return objections.objection_to_missing(counts, settings) or objections.objection_to_others(
            counts, settings
        )
    return objections.objection_to_unknown(counts)


def followed(sentence: str) -> list[ReviewSource]:
    """Returns what the command line makes of each advice in a sentence, typed as it stands."""
    flag = "--(?:labels|positive-label|negative-label)"
    words = rf"(?: ?(?<![\w-]){flag}[ =](?:'(?:[^']|'\"'\"')*'|[^\s;'])+)+"
    sources = []
    for typed in re.findall(words, with_flags(sentence).split("Name ", 1)[-1]):
        arguments = shlex.split(typed.strip().rstrip(".,"))
        options = vars(_parser().parse_args(["run", *arguments]))
        names = ("labels", "positive_label", "negative_label")
        config = load_config({name: options[name] for name in names if name in options})
        settings = LabelSettings(*(getattr(config, name) for name in ("labels", "map_labels")))
        sides = LabelSettings("", "", config.positive_label, config.negative_label)
        classes, pairs = settings.classes, settings.label_classes
        if not classes:
            classes, pairs = two_sides(sides.named("positive_label"), sides.named("negative_label"))
        sources.append(
            ReviewSource(
                SourceKind.CSV,
                "r",
                (),
                "digest",
                classes=classes,
                label_classes=pairs,
                leaves_out=True,
            )
        )
    return sources


STARS = {"5": 95, "2": 93, "1": 81, "4": 80, "3": 51}


def test_labels_nobody_expected_are_listed_with_classes_and_with_two_sides_to_type():
    """With two sides, the middle is left out, and that is said."""
    sentence = objection(STARS)
    assert sentence == (
        "The labels are '5' (95), '2' (93), '1' (81), '4' (80), '3' (51). Name the classes: "
        "`labels='1,2,3,4,5'`, or as two sides, e.g. `positive_label='4,5'` "
        "`negative_label='1,2'`. Labels that are not named are left out."
    )
    classes, sides = followed(sentence)
    assert [label_of(label, classes) for label in "12345"] == [0, 1, 2, 3, 4]
    assert [label_of(label, sides) for label in "12345"] == [0, 0, None, 1, 1]
    assert is_left_out("3", sides)


@pytest.mark.parametrize(
    ("counts", "positive", "negative"),
    [
        ({"neutral": 50, "positive": 30, "negative": 20}, ["positive"], ["negative"]),
        ({"joy": 50, "anger": 30, "fear": 20}, ["joy"], ["anger"]),
        ({"-1": 50, "0": 30, "1": 20}, ["1"], ["-1"]),
        ({"-2": 50, "-1": 9, "1": 30, "2": 20}, ["1", "2"], ["-2", "-1"]),
        ({"so, so": 50, 'it\'s "good"': 30, "x": 1}, ["so, so"], ['it\'s "good"']),
        ({"1 star": 50, "5 stars": 30, "3 stars": 20}, ["1 star"], ["5 stars"]),
        ({"1": 50, "0": 30, "?": 2}, ["1"], ["0"]),
        ({"1.0": 50, "1": 1, "2": 30, "3.00": 20}, ["3.00"], ["1.0"]),
    ],
)
def test_the_advice_for_many_labels_works_as_it_is_typed(counts, positive, negative):
    """Whatever the labels hold: signs, blanks, commas, quotes."""
    classes, sides = followed(objection(counts))
    assert {label_of(label, classes) for label in counts} == set(range(len(classes.classes)))
    assert objections.objection_to_unknown(counts, classes.classes, classes.label_classes) == ""
    for side, labels in ((1, positive), (0, negative)):
        assert [label_of(label, sides) for label in labels] == [side] * len(labels)


def test_one_side_against_several_others_lists_them_all():
    """And offers them as the other side."""
    sentence = objection(STARS, positive="5")
    assert sentence == (
        "Only `positive_label` is named, and 4 other labels occur: '5' (95), '2' (93), '1' (81), "
        "'4' (80), '3' (51). Name the other side as well, e.g. `positive_label='5'` "
        "`negative_label='1,2,3,4'`, or with fewer of them. Labels that are named on neither side "
        "are left out."
    )
    (source,) = followed(sentence)
    assert [label_of(label, source) for label in "12345"] == [0, 0, 0, 0, 1]
    assert "`positive_label='2,3,4,5'`" in objection(STARS, negative="1")


def test_spellings_of_one_label_are_one_other():
    """Case, blanks and decimals make no second label."""
    assert objection({"pos": 5, "Neg": 4, "neg": 3}, positive="pos") == ""
    assert objection({"5": 5, "1": 4, "1.0": 3}, positive="5") == ""


def test_a_label_that_does_not_occur_is_said_with_those_that_do():
    """The nearest is named; a side of which one label occurs passes."""
    counts = {"Yes": 203, "No": 197}
    assert objection(counts, positive="ja").startswith(
        "`positive_label`: 'ja' does not occur; labels are 'Yes' (203), 'No' (197)."
    )
    assert "Did you mean 'Yes'?" in objection(counts, positive="yess")
    assert objection(STARS, "6,7", "1").startswith("`positive_label`: '6' and '7' do not occur;")
    assert objection(STARS, "5,6", "1") == ""
    assert objection(counts, positive="yes") == objection(counts, negative=" NO ") == ""


def test_a_class_of_which_no_label_occurs_is_said_with_the_labels_that_do():
    """By the setting that names it."""
    assert objection(STARS, labels="1,2,6").startswith(
        "`labels`: '6' does not occur; labels are '5' (95), '2' (93), '1' (81), '4' (80), '3' (51)."
    )
    sentence = objection(STARS, map_labels="5=good,6=bad,7=bad")
    assert sentence.startswith("`map_labels`: '6' and '7' and 'bad' do not occur;")
    assert objection(STARS, labels="good,bad", map_labels="5=good,6=bad,1=bad") == ""


def test_a_column_of_a_thousand_labels_is_not_listed_whole():
    """Twenty, the rest by their number, and a doubt about the column."""
    counts = {f"id {number}": 1 for number in range(1_000)}
    for sentence in (objection(counts), objection(counts, positive="id 5")):
        assert sentence.count("(1)") == 20
        assert "and 980 more" in sentence
        assert sentence.endswith("Is that the label's column? `label_column` names another.")
        assert len(sentence) < 800
    assert objections.listed({"a": 1, "b": 1_000}) == "'b' (1,000), 'a' (1)"


def test_a_single_label_is_no_two_classes():
    """Nothing can be named."""
    assert objection({"x": 9}).startswith("All labels are 'x'; two different ones are needed.")


def test_labels_that_are_known_are_no_objection():
    """Nor is a file without labels, or with some that are blank, which others speak of."""
    assert objection({"1": 5, "0": 4, "no": 3}) == ""
    assert objection({}) == ""


def test_labels_beside_learned_classes_are_named_with_the_way_to_leave_them_out():
    """The classes are named in their order."""
    pairs = [(name, name) for name in ("so, so", "x")]
    sentence = objections.objection_to_unknown(
        {"x": 5, "y": 2, "so, so": 1}, ("so, so", "x"), pairs
    )
    assert sentence == (
        "'y' (2) means none of the classes of train ('so, so', 'x'). To leave such labels out, "
        "name the classes: `labels='\"so, so\",x'`."
    )
    many = [(f"c{number}", f"c{number}") for number in range(30)]
    sentence = objections.objection_to_unknown({"c5": 5, "y": 2}, [name for name, _ in many], many)
    assert sentence == (
        "'y' (2) means none of the classes of train ('c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', "
        "'c7', 'c8', 'c9' and 20 more). To leave such labels out, name the classes with `labels`."
    )


def test_of_many_classes_the_largest_and_the_smallest_are_shown():
    """Ten are shown whole, in the order of the classes."""
    assert objections.in_short({"b": 1, "a": 2_000}) == "'b' (1), 'a' (2,000)"
    assert objections.in_short({f"c{number:02}": 100 - number for number in range(40)}) == (
        "the largest 'c00' (100), 'c01' (99), 'c02' (98), 'c03' (97), 'c04' (96), the smallest "
        "'c35' (65), 'c36' (64), 'c37' (63), 'c38' (62), 'c39' (61), and 30 more"
    )


def test_a_column_of_numbers_or_texts_is_told_from_one_of_classes():
    """With a few of its values."""
    counts = {f"{number / 7:.3f}": 1 for number in range(1_001)}
    assert objections.objection_to_column("price", counts) == (
        "The column 'price' has over 1,000 different values, e.g. '0.000', '0.143', '0.286': are "
        "they numbers, and no classes? `label_column` names another column; `labels` names the "
        "classes, if these are some of them."
    )
    assert "are they texts" in objections.objection_to_column("body", {"a": 1, "1": 2})


def test_a_setting_that_names_labels_has_them_in_a_python_literal():
    """One value, with commas in between; on the command line it is a flag that a shell takes."""
    for labels, literal, flag in (
        (["4", "5"], "'4,5'", "=4,5"),
        (["-1", "-2"], "'-1,-2'", "=-1,-2"),
        (["so, so"], "'\"so, so\"'", "='\"so, so\"'"),
    ):
        named = objections.naming("negative_label", labels)
        assert named == f"`negative_label={literal}`"
        typed = flag if "-" in flag else flag.replace("=", " ", 1)
        assert with_flags(named) == f"--negative-label{typed}"


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        (["2024-03-01", "2024-03-02T10:00:00Z"], "dates"),
        (["1.3.2024", "31/12/2023", "1/2/23", "Mon Apr 06 22:19:45 PDT 2009"], "dates"),
        ([f"{n}.5" for n in range(51)], "numbers"),
        ([f"t{n}" for n in range(600)], "texts"),
        ([f"{n}" for n in range(51)], ""),
        (["1.5", "2.5"], ""),
        (["2024-03-01", "none"], ""),
        (["2019", "2020"], ""),
        (["1.2.3", "1.2.4"], ""),
    ],
)
def test_labels_that_are_dates_or_measures_are_no_classes(labels, what):
    """Codes, a few half stars, years and versions are."""
    found = objections.objection_to_labels("c", dict.fromkeys(labels, 1), 1_000)
    assert bool(found) == bool(what)
    assert f"are they {what}, and no classes?" in found or not what
