"""`sentiment serve`: the embedded server on what a run pushed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.config import DEFAULT_MODEL_NAME, PipelineConfig
from pipeline.predict import newest_version

_DEFAULT = f"""\
Without --model_base_path and --model_config_file it serves what `sentiment run` pushed below --root
(default: {PipelineConfig.root}) under --model_name (default: {DEFAULT_MODEL_NAME}).
"""


def serve(arguments: Sequence[str]) -> int:
    """Serves until it is told to stop; returns the server's exit code.

    Args:
      arguments: TF-Serving's flags, and --root. Without a base path or a configuration file, the
        model of that name below the root is served.

    Raises:
      ConfigurationError: No version of the model was pushed.
    """
    from serving.server import flags
    from serving.server import main as server

    if {"-h", "--help"} & set(arguments):
        print(_DEFAULT)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--root", default=PipelineConfig.root)
    ours, theirs = parser.parse_known_args(arguments)
    try:
        wanted, _ = flags.parse(theirs)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    if not wanted.model_base_path and not wanted.model_config_file:
        name = wanted.model_name
        if name == flags.Flags.model_name:
            name = DEFAULT_MODEL_NAME
        base_path = newest_version(Path(ours.root), name).parent.absolute()
        theirs += [f"--model_name={name}", f"--model_base_path={base_path}"]
    return server.main(theirs)
