"""What a store's libraries print while they are imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASKS = """
from components.storage import files
from serving import folders

print(files.exists("ram://none/a"), folders.is_file("ram://none/a"))
"""


@pytest.mark.slow
def test_who_asks_a_store_reads_nothing_of_its_libraries():
    """TensorFlow, imported for the first question, keeps its words on this machine's processor."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    asked = subprocess.run(
        [sys.executable, "-c", _ASKS], env=variables, capture_output=True, text=True
    )
    assert (asked.stdout, asked.stderr) == ("False False\n", "")
