"""Runs the IMDB example that TFX ships, as it ships it, below a folder of ours.

    python -m benchmarks.tfx_imdb_example OUTPUT FOLDER

FOLDER/data holds the reviews as a CSV file; OUTPUT tells what each data step took, see
`benchmarks.steps`. Only what runs it is changed: LocalDagRunner, and Beam's FnApiRunner in the
place of a binary that Beam would download.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from benchmarks.steps import StepFigures, only, run_steps, run_timed

DATA_STEPS = ("CsvExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform")


def measured(folder: Path) -> dict[str, StepFigures]:
    """Runs the data steps in a process of their own; returns what each took."""
    output = folder / "steps.json"
    return run_steps(__name__, [str(output), str(folder)], output)


def main(output: Path, folder: Path) -> None:
    """Runs the example's own pipeline function with its own module file."""
    # The example asks for it while it is imported.
    os.environ.setdefault("HOME", str(folder))
    from absl import logging
    from tfx.examples.imdb import imdb_pipeline_native_keras as example

    logging.set_verbosity(logging.INFO)
    found = importlib.util.find_spec("tfx.examples.imdb.imdb_utils_native_keras")
    if found is None or found.origin is None:
        sys.exit("This TFX has no tfx.examples.imdb.")
    pipeline = example._create_pipeline(
        pipeline_name="imdb_native_keras",
        pipeline_root=str(folder / "pipelines"),
        data_root=str(folder / "data"),
        module_file=found.origin,
        serving_model_dir=str(folder / "serving_model"),
        metadata_path=str(folder / "metadata.db"),
        beam_pipeline_args=["--runner=FnApiRunner", *example._beam_pipeline_args],
    )
    run_timed(only(pipeline, DATA_STEPS), output)


if __name__ == "__main__":
    main(*(Path(argument).absolute() for argument in sys.argv[1:3]))
