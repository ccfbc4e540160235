"""The step Settings: resolves the settings of a run in the cluster, and tells every step its own.

python -m pipeline.runners.kubeflow.settings_step --settings JSON --executor-input JSON
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.io import fileio

from components.errors import ConfigurationError, SentimentError, summary_of
from pipeline.loading import read_environment
from pipeline.resolution import resolve
from pipeline.runners.kubeflow.cluster_settings import check_data, check_folders, with_parameters
from pipeline.runners.kubeflow.specification import constants_of, specification

_LOG = logging.getLogger(__name__)
# The steps' own image stands in the compiled file.
_NO_IMAGE = "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the outputs; returns 0, or 1 after an error that it told."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--settings", required=True)
    parser.add_argument("--executor-input", required=True)
    options = parser.parse_args(arguments)
    try:
        write_outputs(options.settings, options.executor_input)
    except SentimentError as error:
        print(f"Settings: error: {summary_of(error)}", file=sys.stderr)
        return 1
    return 0


def write_outputs(settings: str, executor_input: str) -> None:
    """Resolves the run and writes what each step is told.

    Args:
      settings: A JSON object, as they were when the pipeline was compiled.
      executor_input: A JSON ExecutorInput, with the parameters of this run.

    Raises:
      SentimentError: The data cannot be read, or a setting cannot be used.
    """
    given = pipeline_spec_pb2.ExecutorInput()
    json_format.Parse(executor_input, given, ignore_unknown_fields=True)
    parameters = {
        name: json_format.MessageToDict(value)
        for name, value in given.inputs.parameter_values.items()
    }
    config = with_parameters(json.loads(settings), parameters)
    check_data(config.data)
    run = resolve(config, read_environment(os.environ), _LOG.warning, note=_LOG.info)
    check_folders(config.root, config.serving_dir)
    found = constants_of(specification(run, _NO_IMAGE))
    asked = set(given.outputs.parameters)
    if asked != set(found):
        raise ConfigurationError(
            "The compiled pipeline has other steps than these settings make: "
            f"{', '.join(sorted(asked ^ set(found)))}. Compile it anew with the release that is in "
            "the image."
        )
    _LOG.info("%s: %s, %s", run.pipeline_name, run.source.name, run.config.model)
    result = pipeline_spec_pb2.ExecutorOutput()
    for key, value in found.items():
        json_format.ParseDict(value, result.parameter_values[key])
    path = given.outputs.output_file
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "w") as file:
        file.write(json_format.MessageToJson(result))


if __name__ == "__main__":
    sys.exit(main())
