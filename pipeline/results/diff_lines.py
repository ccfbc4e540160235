"""What differs between two runs, in lines: the console prints them, and the page shows them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from components.models.class_list import short
from pipeline.results.changed_sides import ChangedReview, ChangedSides
from pipeline.results.code_diff import FunctionChange
from pipeline.results.run_diff import Change, RunDiff
from pipeline.settings import flag_of

MOST_LINES = 30
"""Of functions and of slices; what is left is counted, JSON has all."""
_LONGEST_TEXT = 240
_SHARES = ("accuracy", "precision", "recall")
_TITLES = {"auc": "AUC", "macro_f1": "macro F1"}


def sections(found: RunDiff) -> Iterator[tuple[str, list[str]]]:
    """Yields a heading and its lines for each kind of difference; of what is the same, nothing.

    Args:
      found: What differs. Of its texts, nothing is escaped.
    """
    sections = (
        ("outcome", [_line(each) for each in found.outcome]),
        ("settings", [_setting(each) for each in found.settings]),
        ("functions", _bounded([_function(each) for each in found.functions])),
        ("code of the steps", list(found.code)),
        ("versions", [_line(each) for each in found.versions]),
        ("data", _bounded([_data(each) for each in found.data])),
        ("figures on the test split", _figures(found)),
        ("slices", _bounded(_slices(found))),
        ("reviews that changed sides", list(_sides(found.sides)) if found.sides else []),
    )
    yield from ((title, lines) for title, lines in sections if lines)


def _bounded(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES:,} more; --json has all"]


def _line(change: Change) -> str:
    return f"{change.name.replace('_', ' ')}: {_both(change)}"


def _both(change: Change) -> str:
    before, after = map(_spelled, (change.before, change.after))
    if isinstance(change.before, int) and isinstance(change.after, int):
        if isinstance(change.before, bool):
            return f"{before} -> {after}"
        return f"{before} -> {after} ({change.after - change.before:+,})"
    return f"{before} -> {after}"


def _spelled(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(short, map(str, value[:5]))) + ", ..." * (len(value) > 5)
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def _data(change: Change) -> str:
    """Says of classes which ones only one run has: long lists look the same at their beginning."""
    before, after = change.before, change.after
    if change.name == "digest":
        return (
            f"content: {' -> '.join(str(each or '-')[:12] for each in (before, after))} (SHA-256)"
        )
    if change.name != "classes" or not isinstance(before, list) or not isinstance(after, list):
        return _line(change)
    gone = [name for name in before if name not in set(after)]
    new = [name for name in after if name not in set(before)]
    if not gone and not new:
        return f"classes: the same {len(before):,} in another order"
    return f"classes: {len(before):,} -> {len(after):,}; only in A {_spelled(gone)}; " + (
        f"only in B {_spelled(new)}"
    )


def _setting(change: Change) -> str:
    sides = [
        "the default" if value is None else _spelled(value)
        for value in (change.before, change.after)
    ]
    return f"{flag_of(change.name)}: {sides[0]} -> {sides[1]}"


def _function(change: FunctionChange) -> str:
    return f"{change.name} was {change.what} ({', '.join(change.steps)})"


def _figures(found: RunDiff) -> list[str]:
    lines = []
    for change in found.metrics:
        before, after = change.before, change.after
        name = _TITLES.get(change.name, change.name.replace("_", " "))
        if not isinstance(before, float) or not isinstance(after, float):
            lines.append(f"{name}: {_spelled(before)} -> {_spelled(after)}")
        elif change.name in _SHARES:
            points = f"{(after - before) * 100:+.2f} points"
            lines.append(f"{name}: {before:.2%} -> {after:.2%} ({points})")
        elif before.is_integer() and after.is_integer():
            lines.append(f"{name}: {before:,.0f} -> {after:,.0f} ({after - before:+,.0f})")
        else:
            lines.append(f"{name}: {_decimals(before, after)}")
        if change.name == "accuracy" and found.significance:
            lines.append(found.significance.text)
    return lines


def _decimals(before: float, after: float) -> str:
    """Returns both figures and the difference, with as many decimals as it takes to see one."""
    difference = after - before
    decimals = max(4, min(12, 1 - math.floor(math.log10(abs(difference))))) if difference else 4
    return f"{before:.{decimals}f} -> {after:.{decimals}f} ({difference:+.{decimals}f})"


def _slices(found: RunDiff) -> list[str]:
    measured = [{_features(key) for key in run.slices} for run in (found.first, found.second)]
    in_both = measured[0] & measured[1]
    alike = [change for change in found.slices if _features(change.key) in in_both]
    lines = []
    for change in alike:
        name = " and ".join(f"{feature.replace('_', ' ')} {value}" for feature, value in change.key)
        sides = [
            f"{side[1]:.1%} of {side[0]:,}" if side else "no reviews"
            for side in (change.before, change.after)
        ]
        holds = ", told apart" if change.holds else ""
        lines.append(f"{name}: {sides[0]} -> {sides[1]}{holds}")
    if lines and not any(change.holds for change in alike):
        lines.append("chance alone may explain each of these (Newcombe, 95 %)")
    for mark, ours in zip("AB", measured, strict=True):
        only = [" and ".join(sorted(each)).replace("_", " ") for each in ours - in_both]
        if only:
            lines.append(f"only {mark} was sliced by {', '.join(sorted(only))}")
    return lines


def _features(key: Sequence[tuple[str, str]]) -> frozenset[str]:
    return frozenset(feature for feature, _ in key)


def _sides(sides: ChangedSides) -> Iterator[str]:
    if not sides.better and not sides.worse:
        return
    total = sides.better + sides.worse
    shown = f"; the {len(sides.shown)} whose scores moved most:" if len(sides.shown) < total else ""
    yield f"{sides.better:,} better, {sides.worse:,} worse, of {sides.reviews:,}{shown}"
    for review in sides.shown:
        yield _review(review)
    if sides.texts_missing:
        yield f"texts are missing: {sides.texts_missing}"


def _review(review: ChangedReview) -> str:
    word = "better" if review.after == review.label else "worse"
    head = (
        f"{word} {review.review_id}, {short(review.label)}: {short(review.before)} -> "
        f"{short(review.after)} (score {review.score_before:.2f} -> {review.score_after:.2f})"
    )
    if review.text is None:
        return head
    text = " ".join(review.text.split())
    text = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
    return f'{head} "{text}"'
