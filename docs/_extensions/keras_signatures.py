"""Shows the arguments of Keras layers: Keras wraps `__new__`, which hides them from autodoc."""

from __future__ import annotations

import inspect
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature


def _process(
    app: Any, what: str, name: str, obj: Any, options: Any, arguments: str, returns: str
) -> tuple[str, str] | None:
    if arguments != "(*args, **kwargs)" or not inspect.isclass(obj):
        return None
    signature = inspect.signature(obj.__init__)
    without_self = list(signature.parameters.values())[1:]
    shown = signature.replace(parameters=without_self, return_annotation=inspect.Signature.empty)
    return stringify_signature(shown, unqualified_typehints=True), returns


def setup(app: Sphinx) -> dict[str, bool]:
    """Adds the handler."""
    app.connect("autodoc-process-signature", _process)
    return {"parallel_read_safe": True}
