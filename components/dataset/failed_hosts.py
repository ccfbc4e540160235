"""Which hosts failed lately, noted beside the downloads, so that not every run waits for them."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

FILE_NAME = "failed_hosts.json"
REMEMBERED_SECONDS = 3_600.0


def remember_failure(cache_dir: Path, host: str) -> None:
    """Notes that a host failed just now; does nothing if the folder cannot be written to."""
    failures = {
        other: at for other, at in _read(cache_dir).items() if _is_recent(at) and other != host
    }
    failures[host] = time.time()
    path = cache_dir / FILE_NAME
    part = path.with_name(f"{FILE_NAME}.{os.getpid()}")
    with contextlib.suppress(OSError):
        part.write_text(json.dumps(failures), encoding="utf-8")
        os.replace(part, path)


def recent_failure(cache_dir: Path, host: str) -> float | None:
    """Returns when a host failed, in seconds since the epoch, if it did within the last hour."""
    at = _read(cache_dir).get(host)
    return at if _is_recent(at) else None


def _is_recent(at: Any) -> bool:
    # A clock that was put back must not keep a host away for longer.
    return isinstance(at, (int, float)) and 0 <= time.time() - at < REMEMBERED_SECONDS


def _read(cache_dir: Path) -> dict[str, Any]:
    """Returns what was written; nothing where there is no such file, or another one."""
    try:
        failures = json.loads((cache_dir / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return failures if isinstance(failures, dict) else {}
