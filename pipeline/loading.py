"""Where settings come from: the only reader of TOML, flags and environment."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from components.errors import ConfigurationError, did_you_mean
from pipeline.config import PipelineConfig, setting_fields
from pipeline.metadata.address import PASSWORD, PASSWORD_FILE
from pipeline.settings import add_flag, default_text, flags_of, parse
from serving.compat import parse_toml
from serving.small_files import UnreadableFileError, read_small_file

TOML_TABLE = "sentiment"
_MOST_DOTS = 1_000


class EnvironmentSettings(NamedTuple):
    """What is read from the environment.

    Attributes:
      imdb_archive: $IMDB_ARCHIVE, the reviews' archive, or None.
      cache_dir: Where downloads are kept.
      serve_host: Where `serve` listens if no flag says so; empty leaves it to the server.
      password: Where the password of the metadata's database is, by the variables' names.
    """

    imdb_archive: str | None
    cache_dir: Path
    serve_host: str = ""
    password: Mapping[str, str] = MappingProxyType({})


def read_environment(variables: Mapping[str, str]) -> EnvironmentSettings:
    """Reads IMDB_ARCHIVE, XDG_CACHE_HOME, and those that begin with SENTIMENT_.

    A relative XDG_CACHE_HOME is ignored, as the standard demands.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    cache_home = Path(variables.get("XDG_CACHE_HOME", ""))
    if not cache_home.is_absolute():
        cache_home = Path.home() / ".cache"
    return EnvironmentSettings(
        variables.get("IMDB_ARCHIVE") or None,
        cache_home / "sentiment",
        variables.get("SENTIMENT_SERVE_HOST", ""),
        {name: variables[name] for name in (PASSWORD_FILE, PASSWORD) if name in variables},
    )


def add_arguments(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """Adds a flag for each setting but those in `without`, and --config."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"TOML file of settings, at its top or in a table [{TOML_TABLE}]; flags override it",
    )
    groups: dict[str, Any] = {}
    for field in setting_fields():
        if field.name in without:
            continue
        name = field.metadata["group"]
        if name not in groups:
            groups[name] = parser.add_argument_group(name)
        add_flag(groups[name], field)


def load_config(flags: Mapping[str, Any], config_file: str | None = None) -> PipelineConfig:
    """Puts the settings together: defaults, then the TOML file, then flags.

    Args:
      flags: What was given on the command line, by setting; strings, or booleans of switches.
      config_file: A TOML file with settings at its top or in a table [sentiment].

    Raises:
      ConfigurationError: A setting is unknown or cannot be used.
    """
    fields = {field.name: field for field in setting_fields()}
    values = _read_toml(Path(config_file), fields.keys()) if config_file else {}
    for name, value in flags.items():
        values[name] = parse(fields[name], value)
    return PipelineConfig(**values)


def describe_settings() -> list[tuple[str, str, str, str]]:
    """Returns (flag, TOML key, default, help) of each setting."""
    return [
        (flags_of(field), field.name, default_text(field), field.metadata["help"])
        for field in setting_fields()
    ]


def _read_toml(path: Path, known: Collection[str]) -> dict[str, Any]:
    try:
        text = read_small_file(path)
        # The parser takes time that grows with the square of the number of parts of a dotted key.
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise UnreadableFileError(f"a line of it has more than {_MOST_DOTS:,} dots")
        table = parse_toml(text)
    except UnreadableFileError as error:
        raise ConfigurationError(f"--config {path}: {error}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"--config {path} is nested too deeply.") from error
    except ValueError as error:  # of TOML, or a number of thousands of digits
        raise ConfigurationError(f"--config {path} is not valid TOML: {error}.") from error
    if TOML_TABLE in table:
        beside = [name for name in table if name in known]
        table = table[TOML_TABLE]
        if beside or not isinstance(table, dict):
            raise ConfigurationError(
                f"--config {path}: expected the settings all at the top or all in a table "
                f"[{TOML_TABLE}]" + (f"; {', '.join(beside)} is outside." if beside else ".")
            )
    for name in table:
        if name not in known:
            raise ConfigurationError(
                f"--config {path}: unknown setting '{name}'.{did_you_mean(name, known)} "
                f"Choose from: {', '.join(known)}."
            )
    return table
