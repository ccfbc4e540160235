"""The commands that make a run again, and that use what it pushed."""

from __future__ import annotations

from components.storage.place import Place
from pipeline.program import flags_of_pushed, flags_of_runs, flags_of_settings, typed
from pipeline.results.run_info import RunInfo


def commands(run: RunInfo, root: Place) -> tuple[tuple[str, str], ...]:
    """Returns (purpose, command) pairs; none for a run of which no settings are known."""
    if not run.settings:
        return ()
    again = typed("run", *flags_of_settings(run.settings), *flags_of_runs(root, run.metadata))
    found = [("Run it again; steps whose inputs and code are the same come from the cache:", again)]
    if run.commit and not run.is_dirty:
        found.insert(0, ("With the same code:", f"git checkout {run.commit}"))
    if run.version:
        there = flags_of_pushed(root, str(run.settings.get("serving_dir", "")))
        there += ["--model-name", run.model_name]
        found.append(("Ask what it pushed:", typed("predict", *there, "a text of yours")))
        found.append(("Serve it:", typed("serve", *there)))
    return tuple(found)
