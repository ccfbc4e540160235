"""Runs the IMDB example that TFX ships, as it ships it, below a folder of ours.

    python -m benchmarks.tfx_imdb_example FOLDER

FOLDER/data holds the reviews as a CSV file. Only what runs it is changed: LocalDagRunner, and
Beam's FnApiRunner in the place of a binary that Beam would download.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Runs the example's own pipeline function with its own module file."""
    # The example asks for it while it is imported.
    os.environ.setdefault("HOME", str(folder))
    from absl import logging
    from tfx.examples.imdb import imdb_pipeline_native_keras as example
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    logging.set_verbosity(logging.INFO)
    found = importlib.util.find_spec("tfx.examples.imdb.imdb_utils_native_keras")
    if found is None or found.origin is None:
        sys.exit("This TFX has no tfx.examples.imdb.")
    LocalDagRunner().run(
        example._create_pipeline(
            pipeline_name="imdb_native_keras",
            pipeline_root=str(folder / "pipelines"),
            data_root=str(folder / "data"),
            module_file=found.origin,
            serving_model_dir=str(folder / "serving_model"),
            metadata_path=str(folder / "metadata.db"),
            beam_pipeline_args=["--runner=FnApiRunner", *example._beam_pipeline_args],
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
