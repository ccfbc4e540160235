"""What the readers produce: reviews, what is left out, and what could not be read as a review."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

# Kinds of problems that other modules ask for.
UNKNOWN_LABEL, UNKNOWN_SPLIT = "unknown_label", "unknown_split"
# The key under which rare labels and reasons are counted together; no label is blank.
OTHER_WORDS = ""

_NUMBER = re.compile(r"([0-9]{1,18})")


class Review(NamedTuple):
    """One labelled review.

    Attributes:
      text: UTF-8 bytes, never blank.
      label: 1 positive, 0 negative.
      review_id: UTF-8 bytes, unique within the source.
      split: "train", "eval" or "test".
      rating: IMDB's stars, 1 to 10, or None.
      slices: What it has in each of `ReviewSource.slice_columns`, see `slice_values.value_of`.
    """

    text: bytes
    label: int
    review_id: bytes
    split: str
    rating: int | None
    slices: tuple[str, ...] = ()


class LabelSpelling(NamedTuple):
    """A label of a table as it is spelt, to be counted; comes before what its record holds."""

    spelling: str


class LeftOut(NamedTuple):
    """A valid record that the settings leave out.

    Attributes:
      reason: For people, after "reviews": "labelled '3'", "in split 'unsupervised'".
    """

    reason: str


class Problem(NamedTuple):
    """Something that could not be read as a review.

    Attributes:
      kind: A stable word: "not_utf8", "empty_text", "unknown_label", "bad_name",
        "malformed_row", "unknown_split", or "unreadable_file".
      where: File and place, e.g. "reviews.csv, record 17".
      detail: What arrived and what was expected, for people.
      fatal: True when the rest of the file could not be read either; a run stops on it
        whatever share of bad records is allowed.
    """

    kind: str
    where: str
    detail: str
    fatal: bool


class MalformedRecord(NamedTuple):
    """A record that could not be parsed.

    Attributes:
      detail: What arrived and what was expected.
      is_last: Whether the rest of the file is lost with it.
    """

    detail: str
    is_last: bool = False


def review_or_problem(
    *,
    text: bytes,
    label: int,
    review_id: str,
    split: str,
    rating: int | None,
    where: str,
    slices: tuple[str, ...] = (),
) -> Review | Problem:
    """Returns a Review, or what is wrong with its text."""
    problem = problem_of_text(text, where)
    return problem or Review(text, label, printable(review_id).encode(), split, rating, slices)


def problem_of_text(text: bytes, where: str) -> Problem | None:
    """Returns what is wrong with a text, if anything: it is not UTF-8, or blank."""
    try:
        is_blank = not text.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        return Problem(
            "not_utf8",
            where,
            f"byte {text[error.start]:#04x} at {error.start} is not UTF-8",
            fatal=False,
        )
    return Problem("empty_text", where, "the text is blank", fatal=False) if is_blank else None


def objection_to_problems(
    counts: Mapping[str, int], examples: Mapping[str, list[str]], share: float, allowed: float
) -> str:
    """Says that too many records could not be read; returns an empty string if there are not.

    Args:
      counts: Number of bad records by kind.
      examples: A few of each kind, "where: detail".
      share: How many of all records are bad, 0 to 1.
      allowed: How many may be.
    """
    if share <= allowed:
        return ""
    kinds = ", ".join(
        f"{kind.replace('_', ' ')}: {counts[kind]:,} (e.g. {examples[kind][0]})"
        for kind in sorted(counts, key=lambda kind: by_place(examples[kind][0]))
    )
    return (
        f"{sum(counts.values()):,} records could not be read, {share:.2%} where "
        f"`max_bad_records` allows {allowed:.2%}: {kinds}."
    )


def by_place(description: str) -> list[tuple[int, str]]:
    """Returns a key that sorts "where: detail" as people count: record 2 before record 10."""
    return [
        (int(part), "") if index % 2 else (0, part)
        for index, part in enumerate(_NUMBER.split(description))
    ]


def printable(text: str) -> str:
    """Returns the text with what UTF-8 cannot encode written out: bytes of a file's name, say."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a surrogate pair, from JSON
        return text.encode("utf-8", "backslashreplace").decode()


def encoded(text: str) -> bytes:
    """Returns the text's bytes; what was not UTF-8 in the file is not UTF-8 here either."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
