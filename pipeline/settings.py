"""What a setting is: a field of a dataclass that knows its flag, its help and its bounds."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from components.errors import ConfigurationError, did_you_mean
from components.hyperparameters import EVERY_VARIANT


def setting(
    default: Any,
    help: str,
    *,
    group: str,
    type: type | None = None,
    metavar: str = "",
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    unset: str = "the variant's",
) -> Any:
    """Declares a setting.

    Args:
      default: Its value when it is not set; None where the model variant decides.
      help: What it does, in a line; the same text in `--help` and in `docs/reference/settings.md`.
      group: Under which heading `--help` lists it.
      type: Its type; that of `default` when left out.
      metavar: The placeholder of its value in `--help`.
      least: Smallest value allowed.
      most: Largest value allowed.
      choices: The values allowed.
      unset: What `--help` says of a default of None or "".
    """
    metadata = {
        "help": help,
        "group": group,
        "type": type or default.__class__,
        "metavar": metavar,
        "least": least,
        "most": most,
        "choices": tuple(choices),
        "unset": unset,
    }
    return dataclasses.field(default=default, metadata=metadata)


def hyperparameter_setting(field: dataclasses.Field[Any]) -> Any:
    """Declares a hyperparameter as a setting; its default is the variant's, or the field's own."""
    in_every_variant = field.metadata["part"] == EVERY_VARIANT
    return dataclasses.field(
        default=field.default if in_every_variant else None,
        metadata={**field.metadata, "group": "model", "unset": "the variant's"},
    )


def token_setting(field: dataclasses.Field[Any]) -> Any:
    """Declares a setting of tokens as one of a run."""
    return dataclasses.field(
        default=field.default, metadata={**field.metadata, "group": "tokens", "unset": "none"}
    )


def add_flag(parser: Any, field: dataclasses.Field[Any]) -> None:
    """Adds the setting's flag to a parser of argparse, or to a group of one."""
    default = default_text(field)
    help_text = f"{field.metadata['help']} (default: {default})".replace("%", "%%")
    if field.metadata["type"] is bool:
        parser.add_argument(
            flag_of(field.name),
            action=argparse.BooleanOptionalAction,
            default=argparse.SUPPRESS,
            help=help_text,
        )
    else:
        parser.add_argument(
            flag_of(field.name),
            default=argparse.SUPPRESS,
            metavar=field.metadata["metavar"],
            help=help_text,
        )


def parse(field: dataclasses.Field[Any], value: Any) -> Any:
    """Turns a flag's text into the setting's type.

    Raises:
      ConfigurationError: It is no such text.
    """
    kind = field.metadata["type"]
    if not isinstance(value, str) or kind is str:
        return value
    try:
        return kind(value)
    except ValueError:
        raise ConfigurationError(expectation(field, value)) from None


def check(field: dataclasses.Field[Any], value: Any) -> None:
    """Checks that a setting may have this value.

    Raises:
      ConfigurationError: It may not; says what is expected.
    """
    if value is None and field.default is None:
        return
    kind, least, most = (field.metadata[key] for key in ("type", "least", "most"))
    # A whole number is a fine share; True is no number, though Python says so.
    is_right_type = type(value) is kind or (kind is float and type(value) is int)
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if (
        not is_right_type
        or not is_finite
        or (least is not None and value < least)
        or (most is not None and value > most)
        or (field.metadata["choices"] and value not in field.metadata["choices"])
        or (kind is str and field.default and not value)
    ):
        raise ConfigurationError(expectation(field, value))


def expectation(field: dataclasses.Field[Any], value: Any) -> str:
    """Says what arrived and what was expected."""
    kind, least, most, choices = (
        field.metadata[key] for key in ("type", "least", "most", "choices")
    )
    shown = f"'{value}'" if isinstance(value, str) else repr(value)
    if choices:
        expected = f"one of {', '.join(choices)}"
        return f"{flag_of(field.name)} is {shown}; expected {expected}." + did_you_mean(
            str(value), choices
        )
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "some text"}
    bounds = f" from {least:,} to {most:,}" if least is not None and most is not None else ""
    return f"{flag_of(field.name)} is {shown}; expected {names[kind]}{bounds}."


def flag_of(name: str) -> str:
    """Returns the flag of a setting's name."""
    return f"--{name.replace('_', '-')}"


def flags_of(field: dataclasses.Field[Any]) -> str:
    """Returns the flag, and that which turns a switch off."""
    flag = flag_of(field.name)
    return f"{flag}, --no-{flag[2:]}" if field.metadata["type"] is bool else flag


def default_text(field: dataclasses.Field[Any]) -> str:
    """Describes the default."""
    if field.default is None or field.default == "":
        return str(field.metadata["unset"])
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    return str(field.default)
