"""`sentiment compile`: writes the pipeline for Kubeflow Pipelines v2 or Vertex."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pipeline import extras
from pipeline.commands.command import Command
from pipeline.console.messages import tell
from pipeline.loading import add_arguments, load_config

RUNNER, IMAGE, OUTPUT = "runner", "image", "output"
# As in `cluster_settings`, which is not imported for `--help`.
RUNNERS = ("kubeflow", "vertex")
# Of a run on one machine.
WITHOUT = ("report",)

COMMAND = Command(
    "compile",
    usage="sentiment compile --runner kubeflow|vertex --image IMAGE --root gs://... "
    "[--output FILE] [--SETTING VALUE ...]",
    help="write the pipeline for Kubeflow Pipelines or Vertex",
    description="Compiles the pipeline to the file (PipelineSpec 2.1) that Kubeflow Pipelines v2 "
    "and Vertex run. Asks neither the data nor a cluster.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        f"--{RUNNER}", choices=RUNNERS, required=True, help="where the pipeline is to run"
    )
    parser.add_argument(
        f"--{IMAGE}",
        required=True,
        metavar="IMAGE",
        help="container image of every step: this package with its extra kubeflow",
    )
    parser.add_argument(
        f"--{OUTPUT}",
        default="pipeline.yaml",
        metavar="FILE",
        help="what to write: .yaml, or .json for a PipelineJob (default: %(default)s)",
    )
    add_arguments(parser, WITHOUT)


def run(options: dict[str, Any]) -> int:
    """Writes the file; says what it can be told.

    Raises:
      SentimentError: A setting, the image or the output cannot be used.
    """
    extras.require(extras.KUBEFLOW, "compile")
    options.pop("words")
    runner, image = options.pop(RUNNER), options.pop(IMAGE)
    output = Path(options.pop(OUTPUT))
    config = load_config(options, options.pop("config", None))

    from pipeline.console.log_capture import captured_output
    from pipeline.runners.kubeflow.cluster_settings import RUNTIME_PARAMETERS
    from pipeline.runners.kubeflow.compiling import compile_pipeline
    from pipeline.temporary_files import temporary_folder

    with (
        temporary_folder() as folder,
        captured_output(folder / "compile.log", debug=config.debug),
    ):
        steps = compile_pipeline(config, runner, image, output)
    tell(f"{output}: {len(steps)} steps for {runner}, in {image}", sys.stdout)
    tell(f"parameters of a run: {', '.join(RUNTIME_PARAMETERS)}", sys.stdout)
    return 0
