"""What is made once for all processes of a test run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """Returns a folder that one process of the run makes, and the others wait for.

    Nobody may change what is in it.

    Args:
      tmp_path_factory: Of the process.
      name: The folder's name; one for each thing that is made.
      make: Fills the folder, which is there and empty. If it fails, the next process tries again.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Each worker has a folder of its own in the run's.
        root = root.parent
    folder, is_made = root / f"shared-{name}", root / f"shared-{name}.made"
    with filelock.FileLock(root / f"shared-{name}.lock"):
        if not is_made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            is_made.touch()
    return folder


def pushed_root(
    tmp_path_factory: pytest.TempPathFactory, export: Path, model_name: str, version: int
) -> Path:
    """Returns a new root with a copy of the export as a version of a model."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(export, root / "serving_model" / model_name / str(version))
    return root
