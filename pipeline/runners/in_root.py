"""Runs a pipeline from within its root, so that nothing it records names the root.

ML Metadata keeps the paths of all artifacts, and TFX's cache takes them into its keys. Paths
relative to the root stay right when the root is moved, mounted elsewhere, or copied; a copy does
not refer to the original. In a database that several roots share, paths are absolute.
"""

from __future__ import annotations

from components.pusher.pushed_version import cached_while_there
from components.tfx_base.tfx_adapter import run_locally
from pipeline.graph import create_pipeline
from pipeline.resolution import ResolvedRun
from pipeline.root import working_in
from pipeline.runners.portable_beam import jobs_at


def run_in_root(run: ResolvedRun, run_id: str) -> None:
    """Runs every step whose outputs are not in the cache, on this machine.

    Meanwhile the root is the working folder of this process, and of those that Beam starts, on
    whichever machine.

    Args:
      run: The run.
      run_id: Its id in ML Metadata.
    """
    with (
        working_in(run.root),
        jobs_at(run.config.engine.arguments_of_place(run.root)),
        cached_while_there(),
    ):
        run_locally(create_pipeline(run.as_recorded()), run_id)
