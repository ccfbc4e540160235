"""What is said of labels that are not those of two sides; whoever types the advice gets further."""

from __future__ import annotations

import re
import shlex

import pytest

from components.dataset.label_objections import listed, naming, objection_to_labels
from components.dataset.labels import is_left_out, label_of
from components.dataset.source import ReviewSource, SourceKind
from pipeline.cli import _parser
from pipeline.flag_spelling import with_flags
from pipeline.loading import load_config


def objection(counts, positive="", negative="", **settings) -> str:
    """What is said when unknown labels are too many."""
    return objection_to_labels(counts, positive, negative, **{"unknown": True} | settings)


def followed(sentence: str) -> list[ReviewSource]:
    """Returns what the command line makes of each advice in a sentence, typed as it stands."""
    words = r"(?: ?(?<![\w-])--(?:positive|negative)-label[ =](?:'(?:[^']|'\"'\"')*'|[^\s;'])+)+"
    sources = []
    for typed in re.findall(
        words, with_flags(sentence).split("Name ", 1)[-1].split("Say it: ", 1)[-1]
    ):
        arguments = shlex.split(typed.strip().rstrip(".,"))
        options = vars(_parser().parse_args(["run", *arguments]))
        config = load_config(
            {
                name: options[name]
                for name in ("positive_label", "negative_label")
                if name in options
            }
        )
        sources.append(
            ReviewSource(
                SourceKind.CSV,
                "r",
                (),
                "digest",
                positive_label=config.positive_label,
                negative_label=config.negative_label,
            )
        )
    return sources


STARS = {"5": 95, "2": 93, "1": 81, "4": 80, "3": 51}


def test_stars_are_listed_with_counts_and_two_sides_to_type():
    """The middle is left out, and that is said."""
    sentence = objection(STARS)
    assert sentence == (
        "The labels are '5' (95), '2' (93), '1' (81), '4' (80), '3' (51); they do not tell which "
        "are positive. Name both sides, e.g. `positive_label='4,5'` `negative_label='1,2'`. "
        "Labels that are named on neither side are left out."
    )
    (source,) = followed(sentence)
    assert [label_of(label, source) for label in "12345"] == [0, 0, None, 1, 1]
    assert is_left_out("3", source)


def test_two_labels_of_unknown_meaning_give_both_commands():
    """The likelier one first: of numbers the greater, of words the one that is known."""
    assert objection({"ham": 60, "spam": 40}) == (
        "The labels are 'ham' (60), 'spam' (40); they do not tell which is positive. Say it: "
        "`positive_label='ham'`, or `positive_label='spam'`."
    )
    for counts, likely in (
        ({"1": 60, "2": 40}, "2"),
        ({"0": 60, "4": 40}, "4"),
        ({"-1": 60, "1": 40}, "1"),
        ({"bad": 60, "positive": 40}, "positive"),
        ({"negative": 60, "odd": 40}, "odd"),
    ):
        first, second = followed(objection(counts))
        assert label_of(likely, first) == 1
        assert sorted(label_of(label, first) for label in counts) == [0, 1]
        assert sorted(label_of(label, second) for label in counts) == [0, 1]


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
    source, *others = followed(objection(counts))
    for side, labels in ((1, positive), (0, negative)):
        assert [label_of(label, source) for label in labels] == [side] * len(labels)
    assert objection(counts, source.positive_label, source.negative_label) == ""
    for other in others:
        assert objection(counts, other.positive_label, other.negative_label) == ""


@pytest.mark.parametrize(
    ("negative", "positive"),
    [("negativo", "positivo"), ("Negatif", "positif"), ("négatif", "bon"), ("schlecht", "Positiv")],
)
def test_the_likely_positive_word_comes_first(negative, positive):
    """In the languages in which it begins as in English."""
    sentence = objection({negative: 150, positive: 150})
    assert [source.positive_label for source in followed(sentence)] == [positive, negative]


def test_minus_one_may_stand_for_no_label():
    """Hugging Face writes it so; both readings are offered."""
    _, unlabelled = followed(objection({"-1": 50, "0": 30, "1": 20}))
    assert [label_of(label, unlabelled) for label in ("-1", "0", "1")] == [None, 0, 1]


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
    assert "does not occur" in objection(counts, positive="ja", is_whole=False)


def test_what_was_not_seen_in_a_part_may_follow():
    """As long as the labels that were seen are not too many."""
    assert objection({"No": 9}, positive="yes", is_whole=False) == ""
    assert objection({"1": 9}, "4,5", "1,2", is_whole=False) == ""
    assert objection({"1": 9}, "4,5", "1,2").startswith("`positive_label`: '4' and '5' do not occ")


def test_a_column_of_a_thousand_labels_is_not_listed_whole():
    """Twenty, the rest by their number, and a doubt about the column."""
    counts = {f"id {number}": 1 for number in range(1_000)}
    for sentence in (objection(counts), objection(counts, positive="id 5")):
        assert sentence.count("(1)") == 20
        assert "and 980 more" in sentence
        assert sentence.endswith("Is that the label's column? `label_column` names another.")
        assert len(sentence) < 800
    assert listed({"a": 1, "b": 1_000}) == "'b' (1,000), 'a' (1)"


def test_a_single_label_is_no_two_classes():
    """Nothing can be named."""
    assert objection({"x": 9}).startswith("All labels are 'x'; two different ones are needed.")


def test_labels_that_are_known_or_pass_as_bad_records_are_no_objection():
    """Nor is a file without labels, or with some that are blank, which others speak of."""
    assert objection(STARS, unknown=False) == ""
    assert objection({"1": 5, "0": 4, "no": 3}) == ""
    assert objection({}) == ""


def test_a_setting_that_names_labels_has_them_in_a_python_literal():
    """One value, with commas in between; on the command line it is a flag that a shell takes."""
    for labels, literal, flag in (
        (["4", "5"], "'4,5'", "=4,5"),
        (["-1", "-2"], "'-1,-2'", "=-1,-2"),
        (["so, so"], "'\"so, so\"'", "='\"so, so\"'"),
    ):
        named = naming("negative_label", labels)
        assert named == f"`negative_label={literal}`"
        typed = flag if "-" in flag else flag.replace("=", " ", 1)
        assert with_flags(named) == f"--negative-label{typed}"
