"""JSON as TF-Serving writes it: numbers, strings, and the echo of a value in an error.

Not json.dumps: a float32 has the fewest digits that give the same number when read, NaN and
infinities are bare words, and bytes that are not UTF-8 are returned unchanged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_ESCAPES = {chr(code): f"\\u{code:04X}" for code in range(0x20)} | {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_ECHO_LIMIT = 256
_INDENT = "    "


def quote(text: str) -> str:
    """Returns a JSON string; only what must be escaped is."""
    return f'"{_ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)}"'


def decimals(values: np.ndarray) -> list[str]:
    """Writes floats <float32 or float64>[n] so that reading them gives the same numbers.

    Six significant digits where these suffice, 9 (float32) or 17 (float64) where they do not; whole
    numbers end in `.0`.
    """
    numbers = values.tolist()
    texts = [f"{number:.6g}" for number in numbers]
    read_back = np.array([float(text) for text in texts], np.float64)
    with np.errstate(over="ignore"):
        is_exact = read_back.astype(values.dtype) == values
    precision = 9 if values.dtype == np.float32 else 17
    for index in np.flatnonzero(~is_exact).tolist():
        texts[index] = f"{numbers[index]:.{precision}g}"
    return [_as_json_number(text) for text in texts]


def _as_json_number(text: str) -> str:
    if "." in text or "e" in text:
        return text
    return _NOT_FINITE.get(text) or f"{text}.0"


def object_of(members: Sequence[tuple[str, str]], depth: int) -> str:
    """Writes an object at a depth; `members` are names and values that are JSON already."""
    if not members:
        return "{}"
    indent = _INDENT * (depth + 1)
    lines = ",\n".join(f"{indent}{quote(name)}: {value}" for name, value in members)
    return f"{{\n{lines}\n{_INDENT * depth}}}"


def error_body(message: str) -> str:
    """Returns the body of every REST error."""
    return object_of([("error", quote(message))], depth=0)


def echo(value: Any) -> str:
    """Returns a parsed JSON value for an error's text, cut between tokens after 256 bytes.

    As RapidJSON's writer does: arrays on one line, objects indented; it ends before a NaN or an
    infinity.
    """
    parts: list[str] = []
    _Echo(parts).write(value, "", depth=0)
    return "".join(parts)


class _Echo:
    """Appends tokens to `parts`, each after its separator."""

    def __init__(self, parts: list[str]):
        self._parts = parts
        self._size = 0

    def write(self, value: Any, prefix: str, depth: int) -> bool:
        """Writes a value; False when the limit, or a number that is not finite, ended it.

        Each level takes at least one byte, so the limit bounds the depth of the recursion.
        """
        if isinstance(value, list):
            return (
                self._token(prefix + "[")
                and all(
                    self.write(item, ", " if index else "", depth + 1)
                    for index, item in enumerate(value)
                )
                and self._token("]")
            )
        if isinstance(value, dict):
            indent = "\n" + _INDENT * (depth + 1)
            return (
                self._token(prefix + "{")
                and all(
                    self._token(("," if index else "") + indent + quote(name))
                    and self.write(member, ": ", depth + 1)
                    for index, (name, member) in enumerate(value.items())
                )
                and self._token(f"\n{_INDENT * depth}}}" if value else "}")
            )
        if value is None or isinstance(value, bool):
            return self._token(prefix + {None: "null", True: "true", False: "false"}[value])
        if isinstance(value, str):
            return self._token(prefix + quote(value))
        if isinstance(value, int) and -(2**63) <= value < 2**64:
            return self._token(prefix + str(value))
        if math.isfinite(value):
            return self._token(prefix + _shortest(float(value)))
        self._token(prefix)
        return False

    def _token(self, text: str) -> bool:
        if self._size >= _ECHO_LIMIT:
            return False
        self._parts.append(text)
        self._size += len(text.encode("utf-8", "surrogateescape"))
        return True


def _shortest(number: float) -> str:
    """Writes a double as RapidJSON does: exponents only from 1e22 on and below 1e-6."""
    mantissa, _, exponent = f"{number!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0").rstrip("0")
    if not digits:
        return f"{sign}0.0"
    leading_zeros = len(whole + fraction) - len((whole + fraction).lstrip("0"))
    point = len(whole) + int(exponent or 0) - leading_zeros
    if len(digits) <= point <= 21:
        return f"{sign}{digits.ljust(point, '0')}.0"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    scientific = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{scientific}e{point - 1}"
