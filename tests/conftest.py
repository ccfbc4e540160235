"""The order of the tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest first: with a process a core, none is left to run alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
