"""Warns of pages that would load a style, a script or a picture from the network."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

_LOADED = re.compile(
    r"<(?:link|script|img|iframe|source|object|embed)\b[^>]*?"
    r"(?:href|src|srcset|data)=[\"']((?:https?:)?//[^\"']+)",
    re.IGNORECASE,
)
_LOADED_BY_STYLE = re.compile(r"(?:@import\s+|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)")


def loaded_from_network(text: str, is_style: bool = False) -> list[str]:
    """Returns the addresses that a page, or a style sheet, makes a browser load."""
    return (_LOADED_BY_STYLE if is_style else _LOADED).findall(text)


def _check(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    for file in sorted(Path(app.outdir).rglob("*")):
        if file.suffix in (".html", ".css"):
            text = file.read_text(encoding="utf-8")
            for address in loaded_from_network(text, is_style=file.suffix == ".css"):
                logging.getLogger(__name__).warning("%s loads %s", file.name, address)


def setup(app: Sphinx) -> dict[str, bool]:
    """Looks at the pages once they are written."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}
