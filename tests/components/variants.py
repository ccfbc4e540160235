"""The variants in two groups, whose exports tests make together; the larger one is slow."""

from __future__ import annotations

import pytest

from components.models.registry import variant_names

_FEW = ("lstm", "linear")
_OTHERS = tuple(name for name in variant_names() if name not in _FEW)

GROUPS = [
    pytest.param(_FEW, id="lstm and linear"),
    pytest.param(_OTHERS, id="others", marks=pytest.mark.slow),
]
NAMES = [pytest.param(_FEW, name, id=name) for name in _FEW] + [
    pytest.param(_OTHERS, name, id=name, marks=pytest.mark.slow) for name in _OTHERS
]
