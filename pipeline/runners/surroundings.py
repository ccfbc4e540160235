"""What a run's outcome depends on besides data and settings: versions, and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.fingerprint import LIBRARIES, PROJECT

_GIT_SECONDS = 5.0


def versions() -> dict[str, str]:
    """Returns the versions of Python, of this package, and of the libraries that compute."""
    found = {"python": platform.python_version()}
    for library in ("sentiment", *LIBRARIES):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def commit_of(project: Path = PROJECT) -> tuple[str, bool]:
    """Returns the commit of a checkout, and whether tracked files differ from it.

    Args:
      project: The folder of the packages. If it is installed, it may lie in a checkout of something
        else, which is none of ours.

    Returns:
      The commit in 40 hexadecimal digits and True or False; "" and False where it is no checkout,
      or there is no git.
    """
    if not (project / ".git").exists():
        return "", False
    try:
        commit = _git(project, "rev-parse", "--verify", "HEAD").strip()
        changes = _git(project, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return "", False
    return commit, bool(changes.strip())


def _git(project: Path, *arguments: str) -> str:
    completed = subprocess.run(
        ["git", "-C", str(project), "-c", "core.fsmonitor=false", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_GIT_SECONDS,
        check=True,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    return completed.stdout
