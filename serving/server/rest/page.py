"""The page at `/`: one HTML file, filled with the served models and what their cards tell."""

from __future__ import annotations

import json
import math
import weakref
from collections.abc import Mapping
from importlib import resources
from typing import Any

from serving import model_cards
from serving.server.servable import Servable
from serving.signature_names import CLASSIFY, PREDICT_TEXT, TRACE_TEXT, TRANSFORM_FEATURES

# A card may name 1,000 classes, of 10,000 characters each.
MOST_NAMES, MOST_CHARACTERS = 10, 200

# A version never changes, so that its card is read once.
_facts: weakref.WeakKeyDictionary[Servable, dict[str, Any] | None] = weakref.WeakKeyDictionary()

_PLACE = '<script type="application/json" id="models">[]</script>'
_ASKED = (PREDICT_TEXT, CLASSIFY, TRACE_TEXT, TRANSFORM_FEATURES)
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
    """Returns the page with the newest version of each model, and some facts of its model card.

    Of a model's signatures, only those that the page can use are listed.
    """
    models = []
    for name in sorted(available):
        if available[name]:
            servable = available[name][max(available[name])]
            models.append(
                {
                    "name": name,
                    "version": str(servable.version),
                    "signatures": [asked for asked in _ASKED if asked in servable.signatures],
                    "traced": _traced(servable),
                    "card": _facts_of(servable),
                }
            )
    # Within a script element, `<` could end it.
    text = json.dumps(models).replace("<", "\\u003c")
    return page.replace(_PLACE, _PLACE.replace("[]", text)).encode()


def _traced(servable: Servable) -> int:
    """Returns how many probabilities a trace of a text has, 0 where nobody knows."""
    signature = servable.signatures.get(TRACE_TEXT)
    if signature is None or "probability" not in signature.outputs:
        return 0
    dimensions = signature.definition.outputs["probability"].tensor_shape.dim
    return max(0, math.prod(dimension.size for dimension in dimensions[1:]))


def _facts_of(servable: Servable) -> dict[str, Any] | None:
    """Returns what the page shows of a version's model card; None if it has none."""
    if servable not in _facts:
        card = servable.read_card()
        _facts[servable] = None if card is None else _shown(card)
    return _facts[servable]


def _shown(card: dict[str, Any]) -> dict[str, Any]:
    """Returns what is shown, and of the right type: the rest of a card may be large."""
    metrics = card.get("test_metrics")
    found = {"variant": card.get("variant"), **(metrics if isinstance(metrics, dict) else {})}
    kinds = {"variant": str, "accuracy": float, "macro_f1": float}
    facts: dict[str, Any] = {
        name: found[name] for name, kind in kinds.items() if isinstance(found.get(name), kind)
    }
    decision = card.get("decision")
    threshold = decision.get("threshold") if isinstance(decision, dict) else None
    if isinstance(threshold, float) and 0 <= threshold <= 1:
        facts["threshold"] = threshold
    if "classes" in card:
        names = model_cards.classes_in(card)
        facts["class_count"] = len(names)
        facts["classes"] = [name[:MOST_CHARACTERS] for name in names[:MOST_NAMES]]
    return facts
