"""Which classes were taken for which, and which are known worst: tables that stay small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.evaluator.confusion import Confusion
from pipeline.report.contents import Contents, Missing
from pipeline.report.pages import percent
from pipeline.report.svg import label

# Of more classes, the largest are shown, and the others counted.
MOST_CLASSES = 20
MOST_MISTAKES = 10


def matrix(page: Contents) -> Mapping[str, Any] | Missing:
    """Returns the confusion matrix as rows and columns, see `matrix_of`."""
    if isinstance(page.confusion, Missing):
        return page.confusion
    return matrix_of(page.confusion, page.classes)


def matrix_of(confusion: Confusion, classes: Sequence[str]) -> dict[str, Any]:
    """Returns the rows and columns of the largest classes, and what became of the others.

    Of classes with as many reviews, those with the most mistakes come first.
    """
    sizes = confusion.sizes
    wrong = sizes - confusion.right
    order = sorted(range(confusion.classes), key=lambda n: (-sizes[n], -wrong[n], n))
    chosen = sorted(order[:MOST_CLASSES])
    left_out = confusion.classes - len(chosen)
    kept = set(chosen)
    rows = []
    for label_ in chosen:
        counts = [confusion.counts.get((label_, choice), 0) for choice in chosen]
        if left_out:
            others = int(sizes[label_]) - sum(counts)
            counts.append(others)
        total = max(int(sizes[label_]), 1)
        cells = [{"count": count, "share": f"{count / total:.4f}"} for count in counts]
        rows.append({"name": label(classes[label_]), "cells": cells})
    names = [label(classes[n]) for n in chosen] + ["all others"] * bool(left_out)
    hidden = confusion.examples - sum(int(sizes[n]) for n in kept)
    note = (
        f"The {len(chosen)} classes with the most reviews; the other {left_out:,} have {hidden:,} "
        "reviews."
    )
    return {"names": names, "rows": rows, "note": note if left_out else ""}


def confused(page: Contents) -> list[dict[str, Any]]:
    """Returns the most frequent mistakes among more than two classes."""
    if isinstance(page.confusion, Missing) or page.confusion.classes <= 2:
        return []
    return [
        {"name": page.classes[each], "taken_for": page.classes[choice], "reviews": count}
        for each, choice, count in page.confusion.mistakes()[:MOST_MISTAKES]
    ]


def class_table(page: Contents) -> Mapping[str, Any] | None:
    """Returns how well each of more than two classes is known; of many, the worst.

    Returns:
      `rows`, the class with the least recall first, `title`, and `note`, what can be said of all;
      None where there are two classes, or nothing was measured.
    """
    if isinstance(page.confusion, Missing) or page.confusion.classes <= 2:
        return None
    confusion = page.confusion
    sizes, recall = confusion.sizes, confusion.recall
    tested = np.flatnonzero(sizes)
    order = sorted(tested.tolist(), key=lambda n: (recall[n], -sizes[n], n))[:MOST_CLASSES]
    rows = [
        {
            "name": label(page.classes[n]),
            "reviews": int(sizes[n]),
            "recall": percent(float(recall[n])),
            "precision": percent(float(confusion.precision[n])),
            "f1": f"{confusion.f1[n]:.4f}",
        }
        for n in order
    ]
    untested = confusion.classes - len(tested)
    found = recall[tested]
    note = (
        f"Of {len(tested):,} classes with test reviews, {int((found == 1).sum()):,} are found "
        f"always, {int((found >= 0.5).sum()):,} at least half the time, and "
        f"{int((found == 0).sum()):,} never."
    )
    if untested:
        have = "class has" if untested == 1 else "classes have"
        note += f" {untested:,} {have} no test reviews."
    title = "How well each class is known"
    if len(tested) > len(rows):
        title = f"The {len(rows)} classes that are known worst, of {len(tested):,}"
    return {"rows": rows, "title": title, "note": note}
