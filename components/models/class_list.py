"""Names of classes in a sentence, however many and however long."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 6
_LONGEST = 40


def class_list(names: Sequence[str]) -> str:
    """Returns the first names, and how many others there are.

    >>> class_list(["bad", "good"])
    'bad, good'
    >>> class_list([f"class {number}" for number in range(8)])
    'class 0, class 1, class 2, class 3, class 4, class 5 and 2 others'
    """
    shown = ", ".join(map(short, names[:SHOWN]))
    others = len(names) - SHOWN
    return shown if others <= 0 else f"{shown} and {others:,} other{'s' * (others > 1)}"


def short(name: str) -> str:
    """Returns a name, or the beginning of a long one."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
