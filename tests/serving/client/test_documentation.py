"""What the documentation of the client shows."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

import serving
import serving.client


@pytest.mark.parametrize(
    "module",
    [
        "serving",
        "serving.client",
        "serving.client.client",
        "serving.client.async_client",
        "serving.model_cards",
        "serving.predictions",
    ],
)
def test_the_examples_give_what_they_say(module):
    """Each is run, with a function in place of a server."""
    results = doctest.testmod(importlib.import_module(module))
    assert results.attempted > 0 and results.failed == 0


@pytest.mark.parametrize("package", [serving, serving.client])
def test_every_public_name_is_there(package):
    """And documented."""
    for name in package.__all__:
        assert getattr(package, name).__doc__, name
    assert set(package.__all__) <= set(dir(package))


def test_a_name_that_is_not_public_is_no_attribute():
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'serving' has no attribute 'Klient'"):
        serving.Klient  # noqa: B018 - it is the access that fails


def test_importing_the_package_imports_no_library():
    """Nor the client: `sentiment --help` imports parts of it."""
    command = "import serving, sys; print(sorted(n for n in sys.modules if 'serving' in n))"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert found.stdout.strip() == "['serving']"
