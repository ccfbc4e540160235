"""Runs some steps of our pipeline and writes what each took; see `benchmarks.steps`.

    python -m benchmarks.our_steps OUTPUT STEP,STEP... [flags of `sentiment run`]

All steps are run where the second argument is `all`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.steps import StepFigures, only, run_steps, run_timed
from pipeline.loading import add_arguments, load_config, read_environment
from pipeline.resolution import resolve
from pipeline.root import working_in

ALL = "all"
DATA_STEPS = (
    "ReviewExampleGen",
    "StatisticsGen",
    "SchemaGen",
    "ExampleValidator",
    "DataGate",
    "Transform",
)


def measured(root: Path, steps: Sequence[str], *flags: str) -> dict[str, StepFigures]:
    """Runs steps below `root` in a process of their own; returns what each took."""
    output = root / "steps.json"
    arguments = [str(output), ",".join(steps), f"--root={root}", *flags]
    return run_steps(__name__, arguments, output)


def by_size(sizes: Sequence[int], measure: Callable[[int, Path], Any]) -> dict[str, Any]:
    """Returns what was measured of each size, and prints it as soon as it is known.

    Args:
      sizes: How much data there is.
      measure: Takes a size, and a folder that is removed afterwards; its figures are for JSON.
    """
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            found[str(size)] = measure(size, Path(folder))
        print(f"{size:,}: {json.dumps(found[str(size)])}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Runs the steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("output", type=Path)
    parser.add_argument("steps")
    add_arguments(parser)
    options = vars(parser.parse_args())
    output, steps = options.pop("output").absolute(), options.pop("steps")
    config = load_config(options, options.pop("config", None))
    run = resolve(config, read_environment(os.environ), lambda told: print(told, file=sys.stderr))
    from pipeline.graph import create_pipeline

    run.root.mkdir(parents=True, exist_ok=True)
    with working_in(run.root):
        pipeline = create_pipeline(replace(run, root=Path()))
        run_timed(pipeline if steps == ALL else only(pipeline, steps.split(",")), output)


if __name__ == "__main__":
    main()
