"""Text for protobuf, which takes nothing but valid UTF-8."""

from __future__ import annotations


def valid_utf8(text: str) -> str:
    """Returns a text that was decoded with `surrogateescape`, with U+FFFD for invalid bytes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
