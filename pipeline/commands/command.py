"""What the commands have in common: how one is added to the parser, and the settings it takes."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from components.storage.place import Place, place_of
from pipeline.config import PipelineConfig
from pipeline.loading import load_config
from pipeline.metadata.address import MetadataStoreAddress, find_address
from pipeline.program import flags_of_pushed
from pipeline.pushed_versions import newest_version
from pipeline.root import METADATA_FILE, SERVING_FOLDER, serving_folder
from pipeline.settings import add_flag

# What RUN stands for.
NAMES_OF_A_RUN = "an id, an unambiguous beginning of one, latest, or latest~1 for the one before it"
# What runs Beam's jobs.
BEAM_SETTINGS = ("beam", "beam_endpoint", "beam_workers", "beam_options", "beam_mode")
# Where runs are recorded, beside the root.
METADATA_SETTINGS = ("metadata", "metadata_password_file")


@dataclass(frozen=True)
class Command:
    """What `--help` says of a command.

    Attributes:
      name: The word after `sentiment`.
      help: What it does, in the list of commands.
      description: The same in its own help.
      usage: Its usage, where argparse's own would be too long.
      epilog: What stands below the flags.
      add_help: Whether argparse adds --help; not to a command that adds its own.
    """

    name: str
    help: str
    description: str
    usage: str | None = None
    epilog: str | None = None
    add_help: bool = True

    def add_to(self, commands: Any) -> argparse.ArgumentParser:
        """Returns the command's parser, added to what argparse returns for subparsers."""
        options = dataclasses.asdict(self)
        name = options.pop("name")
        parser: argparse.ArgumentParser = commands.add_parser(name, allow_abbrev=False, **options)
        return parser


def add_serving_dir(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say where pushed models are; see `newest_pushed`."""
    parser.add_argument("--root", default=PipelineConfig.root, help="default: %(default)s")
    parser.add_argument(
        "--serving-dir",
        default="",
        metavar="FOLDER",
        help=f"what runs pushed to, if not {SERVING_FOLDER} in the root",
    )


def newest_pushed(root: str, serving_dir: str, model_name: str | None) -> Place:
    """Returns the folder of the newest pushed version, by the flags of `add_serving_dir`.

    Raises:
      ConfigurationError: There is none, or several models and no name.
    """
    base = serving_folder(place_of(root), serving_dir)
    return newest_version(base, model_name, flags_of_pushed(place_of(root), serving_dir))


def add_settings(parser: argparse.ArgumentParser, names: Collection[str]) -> None:
    """Adds the flags of some settings, in the order of `PipelineConfig`."""
    for field in dataclasses.fields(PipelineConfig):
        if field.name in names:
            add_flag(parser, field)


def config_of(options: Mapping[str, Any], names: Collection[str]) -> PipelineConfig:
    """Returns the configuration that the flags of `add_settings` give.

    Raises:
      ConfigurationError: A setting cannot be used.
    """
    return load_config({name: options[name] for name in names if name in options})


def metadata_at(config: PipelineConfig) -> MetadataStoreAddress:
    """Returns where ML Metadata is, by METADATA_SETTINGS, the root and the environment.

    Raises:
      ConfigurationError: The file of the password cannot be read.
    """
    return find_address(
        config.metadata,
        config.metadata_password_file,
        place_of(config.root).absolute() / METADATA_FILE,
        os.environ,
    )


def ask_job_server(config: PipelineConfig) -> None:
    """Asks the job server of `beam_endpoint`, if there is one, before anything else takes seconds.

    Raises:
      ConfigurationError: Its workers cannot be where they are said to be.
      EngineError: It, or a pool of workers, is not there, or is something else.
    """
    from pipeline.runners.job_server import ask

    ask(config.engine)


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Adds --debug to a command that takes no settings."""
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
