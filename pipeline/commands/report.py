"""`sentiment report`: the page of a run."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import ConfigurationError
from components.storage.place import Place, place_of
from pipeline import extras
from pipeline.commands.command import (
    METADATA_SETTINGS,
    NAMES_OF_A_RUN,
    Command,
    add_debug,
    add_settings,
    config_of,
    metadata_at,
)
from pipeline.console.messages import tell
from pipeline.paths import shown
from pipeline.program import command_in

if TYPE_CHECKING:
    from pipeline.results.run_info import RunInfo

SETTINGS = ("root", *METADATA_SETTINGS)

COMMAND = Command(
    "report",
    help="write a page of a run that says what it found, and why",
    description="Writes one HTML file that needs nothing beside it, from ML Metadata and the "
    "artifacts, and prints its path. Each run writes its own at its end.",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument(
        "run",
        nargs="?",
        default="latest",
        metavar="RUN",
        help=f"{NAMES_OF_A_RUN} (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where to (default: reports, the pipeline and the run's id, below the root)",
    )
    add_settings(parser, SETTINGS)
    add_debug(parser)


def run(options: dict[str, Any]) -> int:
    """Writes the page.

    Raises:
      ConfigurationError: There is no such run, or the page cannot be written.
    """
    extras.require(extras.PIPELINE, "report")
    from pipeline.results.runs import find_run

    config = config_of(options, SETTINGS)
    root = place_of(config.root).absolute()
    metadata = metadata_at(config)
    found = find_run(root, options["run"], metadata=metadata)
    output = place_of(options["output"]).absolute() if options["output"] else None
    if output and output.is_dir():
        raise ConfigurationError(f"--output {shown(output)} is a folder; expected a file's name.")
    try:
        written = _written(root, found, output, options["debug"])
    except OSError as error:
        raise ConfigurationError(
            f"The page cannot be written: {error.strerror} ({error.filename}). Choose another file "
            "by --output."
        ) from error
    except LookupError as error:
        raise ConfigurationError(
            f"{error.args[0]} {command_in(root, metadata, 'runs')} lists the runs."
        ) from error
    tell(shown(written), sys.stdout)
    return 0


def _written(root: Place, found: RunInfo, output: Place | None, debug: bool) -> Place:
    """Writes the page; what libraries print meanwhile is of no interest."""
    from pipeline.console.log_capture import captured_output
    from pipeline.temporary_files import temporary_folder

    # Where there is no home to write to, Matplotlib keeps its list of fonts in a temporary folder.
    with temporary_folder(), captured_output(Path(os.devnull), debug=debug):
        from pipeline.report.written import write_page

        return write_page(root, found, output)
