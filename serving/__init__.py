"""Serving a model, and asking it.

    >>> import serving
    >>> prediction = serving.Prediction(0.75, "positive", model_version=7)
    >>> prediction.label, prediction.confidence
    ('positive', 0.75)

`Client` and `AsyncClient` ask a server; they raise a `ServingError`, or one of the kinds that
`serving.errors` lists. Importing this package imports no library, and no name before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.client import AsyncClient, Client
    from serving.errors import ServingError
    from serving.predictions import Prediction

_MODULES = {
    "AsyncClient": "serving.client",
    "Client": "serving.client",
    "Prediction": "serving.predictions",
    "ServingError": "serving.errors",
}

__all__ = ["AsyncClient", "Client", "Prediction", "ServingError"]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """Lists the public names, those that are not imported yet as well."""
    return sorted({*globals(), *__all__})
