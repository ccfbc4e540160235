"""Tables of classes: many stay few rows, and what is left out is counted."""

from __future__ import annotations

from components.evaluator.confusion import Confusion
from pipeline.report.class_tables import class_table, confused, matrix_of
from pipeline.report.contents import Missing
from pipeline.report.run_page import run_page

from .made_up import contents
from .test_run_page import Document


def _thousand() -> Confusion:
    """Five reviews of each of 999 classes, all right but for the classes from 990 on."""
    counts = {(label, label): 5 for label in range(990)}
    counts |= {(label, 0): 5 for label in range(990, 997)}
    counts |= {(label, label): 2 for label in (997, 998)} | {(label, 1): 3 for label in (997, 998)}
    return Confusion(1_000, counts)


def _page(confusion: Confusion):
    names = tuple(f"class {number}" for number in range(confusion.classes))
    return contents(
        confusion=confusion, classes=names, quality=Missing("Of two classes."), doubts=Missing("-")
    )


def test_of_many_classes_the_worst_are_told_and_all_are_counted():
    """The least recall first; a class without test reviews is known neither well nor badly."""
    found = class_table(_page(_thousand()))
    assert found is not None
    assert [row["name"] for row in found["rows"][:9]] == [
        *(f"class {number}" for number in range(990, 999))
    ]
    assert len(found["rows"]) == 20
    assert found["rows"][0]["recall"] == "0.00 %"
    assert found["rows"][0]["precision"] == "–"
    assert found["rows"][7] == {
        "name": "class 997", "reviews": 5, "recall": "40.00 %", "precision": "100.00 %",
        "f1": "0.5714",
    }  # fmt: skip
    assert found["title"] == "The 20 classes that are known worst, of 999"
    assert found["note"] == (
        "Of 999 classes with test reviews, 990 are found always, 990 at least half the time, and 7 "
        "never. 1 class has no test reviews."
    )


def test_few_classes_are_all_told_and_two_have_no_table():
    """Of two, the first screen and the matrix say it."""
    three = class_table(_page(Confusion(3, {(0, 0): 4, (1, 0): 1, (1, 1): 1, (2, 2): 3})))
    assert three is not None
    assert [row["name"] for row in three["rows"]] == ["class 1", "class 0", "class 2"]
    assert three["title"] == "How well each class is known"
    assert class_table(contents()) is None
    assert confused(contents()) == []


def test_of_classes_of_one_size_the_matrix_has_those_with_mistakes():
    """A matrix of twenty classes without one would say nothing."""
    confusion = _thousand()
    found = matrix_of(confusion, [f"class {number}" for number in range(1_000)])
    assert [f"class {number}" for number in range(990, 999)] == [
        row["name"] for row in found["rows"][-9:]
    ]
    assert found["rows"][-1]["cells"][-1]["count"] == 0
    assert found["note"] == (
        "The 20 classes with the most reviews; the other 980 have 4,895 reviews."
    )


def test_the_page_of_a_thousand_classes_is_small():
    """No table or matrix grows with the classes."""
    text = run_page(_page(_thousand()))
    assert len(text) < 400_000
    words = Document(text).words
    assert "The 20 classes that are known worst, of 999" in words
    assert "class 997 5 40.00 % 100.00 % 0.5714" in words
