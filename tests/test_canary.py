"""Canary tests say which library, in which version, is at fault."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from tests.canary import canary


def use_what_is_gone():
    """Asks pytest for a name that it does not have."""
    return pytest._gone


def use_what_behaves_otherwise():
    """Expects of pytest what it does not do."""
    assert pytest.__version__ == ""


@pytest.mark.parametrize(
    ("use", "error"),
    [(use_what_is_gone, "AttributeError"), (use_what_behaves_otherwise, "AssertionError")],
)
def test_a_canary_names_library_version_and_adapter(use, error):
    """Whether a name is gone or behaves otherwise."""
    expected = f"^pytest {re.escape(version('pytest'))} is not what our.adapter expects: {error}: "
    with pytest.raises(pytest.fail.Exception, match=expected), canary("pytest", "our.adapter"):
        use()
