"""What fails when a library no longer has, or does, what we use of it beyond its public names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.metadata import version

import pytest


@contextlib.contextmanager
def canary(library: str, adapter: str) -> Iterator[None]:
    """Names the installed version, and the module to look at, of whatever fails in the block.

    Args:
      library: The distribution's name.
      adapter: The module of ours that uses the private names.
    """
    try:
        yield
    except Exception as error:
        pytest.fail(
            f"{library} {version(library)} is not what {adapter} expects: "
            f"{type(error).__name__}: {error}"
        )
