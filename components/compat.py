"""Where the two stacks differ and no name is common to both; serving has a leaf like this one.

Python 3.10 runs TFX 1.16, Python 3.11 to 3.13 run TFX 1.21. Whoever can use a name that both
have, uses it and needs nothing of this. No other module asks for versions (`tests/test_compat.py`).
"""

from __future__ import annotations

import sys
from typing import Any


def parse_toml(text: str) -> dict[str, Any]:
    """Returns the table that a TOML document holds.

    Raises:
      ValueError: It is not valid TOML, or holds a number of thousands of digits.
      RecursionError: It is nested too deeply.
    """
    # Python 3.10 has no TOML parser, and the client alone does not install one.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)
