"""What the commands have in common: how one is added to the parser, and the settings it takes."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pipeline.config import PipelineConfig
from pipeline.loading import load_config
from pipeline.settings import add_flag

# How the text of reviews is read from a table.
TABLE_SETTINGS = (
    "text_column",
    "delimiter",
    "encoding",
    "quoting",
    "header",
    "max_bad_records",
)


def add_command(
    commands: Any, name: str, run: Callable[[dict[str, Any]], int], **options: Any
) -> argparse.ArgumentParser:
    """Adds a command to the parser and returns its own parser.

    Args:
      commands: What argparse returns for subparsers.
      name: The command's name.
      run: Is given the parsed options, and returns the exit code.
      **options: Of the command's parser: help, description, usage, epilog.
    """
    parser: argparse.ArgumentParser = commands.add_parser(name, allow_abbrev=False, **options)
    parser.set_defaults(command=run)
    return parser


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


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Adds --debug to a command that takes no settings."""
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
