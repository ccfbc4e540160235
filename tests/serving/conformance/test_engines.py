"""Which engines the conformance tests ran against."""

from __future__ import annotations

import pytest

from ..calling import predict
from . import engines


@pytest.mark.parametrize("name", engines.NAMES)
def test_the_engine_is_there(name):
    """Else it is skipped here, once, and not in each of the tests."""
    reason = engines.why_not(name)
    if reason:
        pytest.skip(f"no conformance test ran against {name}: {reason}")


def test_the_engine_serves(engine):
    """Whichever it is."""
    assert predict(engine.rest_port, "half", {"instances": [0]}).json == {"predictions": [3.0]}
