"""The commands that make a run again, and that use what it pushed."""

from __future__ import annotations

import shlex
from typing import Any

from components.storage.place import Place, place_of
from pipeline.config import PipelineConfig
from pipeline.paths import shown
from pipeline.program import program
from pipeline.results.run_info import RunInfo
from pipeline.settings import flag_of


def commands(run: RunInfo, root: Place) -> tuple[tuple[str, str], ...]:
    """Returns (purpose, command) pairs; none for a run of which no settings are known."""
    if not run.settings:
        return ()
    where = []
    if root != place_of(PipelineConfig.root).absolute():
        where = ["--root", shown(root)]
    serving_dir = run.settings.get("serving_dir")
    there = ["--serving-dir", str(serving_dir)] if serving_dir else list(where)
    if run.metadata and run.metadata.is_shared:
        where += ["--metadata", str(run.metadata)]
    words = [word for name, value in run.settings.items() for word in _flag(name, value)]
    found = [("Run it again; steps whose inputs and code are the same come from the cache:",
              _joined("run", *words, *where))]  # fmt: skip
    if run.commit and not run.is_dirty:
        found.insert(0, ("With the same code:", f"git checkout {run.commit}"))
    if run.version:
        name = ["--model-name", run.model_name]
        found.append(("Ask what it pushed:", _joined("predict", *there, *name, "a text of yours")))
        found.append(("Serve it:", _joined("serve", *there, *name)))
    return tuple(found)


def _flag(name: str, value: Any) -> list[str]:
    flag = flag_of(name)
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    text = str(value)
    # Argparse takes a value that begins with a dash for a flag.
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]


def _joined(*words: str) -> str:
    return f"{program()} {shlex.join(words)}"
