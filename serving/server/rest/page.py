"""The page at `/`: one HTML file, filled with the served models and their model cards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from serving.server.servable import Servable
from serving.signature_names import PREDICT_TEXT, TRACE_TEXT, TRANSFORM_FEATURES

_PLACE = '<script type="application/json" id="models">[]</script>'
_MODEL_CARDS = ("model_card.json", "assets.extra/model_card.json")
_ASKED = (PREDICT_TEXT, TRACE_TEXT, TRANSFORM_FEATURES)
HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)


def read() -> str:
    """Returns the page's file."""
    return resources.files(__package__).joinpath("page.html").read_text("utf-8")


def fill(page: str, available: Mapping[str, Mapping[int, Servable]]) -> bytes:
    """Returns the page with the newest version of each model, and its model card if it has one.

    Of a model's signatures, only those that the page can use are listed.
    """
    models = []
    for name in sorted(available):
        if available[name]:
            servable = available[name][max(available[name])]
            card = _read_card(servable.folder)
            signatures = [asked for asked in _ASKED if asked in servable.signatures]
            models.append(
                {
                    "name": name,
                    "version": str(servable.version),
                    "signatures": signatures,
                    "card": card,
                }
            )
    # Within a script element, `<` could end it.
    text = json.dumps(models).replace("<", "\\u003c")
    return page.replace(_PLACE, _PLACE.replace("[]", text)).encode()


def _read_card(folder: Path) -> dict[str, Any] | None:
    for name in _MODEL_CARDS:
        try:
            card = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue  # the page is shown without a model card
        if isinstance(card, dict):
            return card
    return None
