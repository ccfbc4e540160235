"""How texts become token ids: what `preprocessing_fn` takes, and Trainer and Evaluator repeat.

A setting is one field of `TokenSettings`. The settings of a run, with their bounds and help, and
their table in the documentation are derived from that field.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import features
from components.errors import ConfigurationError, did_you_mean
from components.storage.place import Place, place_of

# The key in a `custom_config`.
TOKENS = "tokens"

WORDS, CHARACTERS, CHARACTER_PAIRS = "words", "characters", "character_pairs"
KINDS = (WORDS, CHARACTERS, CHARACTER_PAIRS)

# SavedModel's own place for files that servers do not read.
FILE = "assets.extra/token_settings.json"


def token_setting(
    default: Any,
    help: str,
    *,
    metavar: str = "",
    least: int | None = None,
    most: int | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Declares a setting of tokens.

    Args:
      default: IMDB's value.
      help: What it does, in a line; the same text in the command line's help and in the
        documentation.
      metavar: What stands for the value in the command line's help.
      least: Smallest value allowed.
      most: Largest value allowed.
      choices: The values allowed.
    """
    metadata = {
        "help": help,
        "type": default.__class__,
        "metavar": metavar,
        "least": least,
        "most": most,
        "choices": tuple(choices),
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TokenSettings:
    """The settings of `preprocessing_fn`; the defaults are IMDB's.

    Raises:
      ConfigurationError: A value cannot be used.
    """

    vocabulary_size: int = token_setting(
        features.VOCABULARY_SIZE,
        "how many tokens are told apart, the most frequent of train; padding and unknown ones "
        "count as two",
        metavar="N",
        least=features.FIRST_WORD_ID + 1,
        most=1_000_000,
    )
    max_length: int = token_setting(
        features.MAX_LENGTH,
        "tokens of a text that the model reads, the last ones; time and memory grow with it",
        metavar="N",
        least=1,
        most=20_000,
    )
    min_word_count: int = token_setting(
        1,
        "how often a token must occur in train to be in the vocabulary",
        metavar="N",
        least=1,
        most=1_000_000,
    )
    tokens: str = token_setting(
        WORDS,
        "what a token is: words, characters (for text without spaces between words), or "
        "character_pairs (each two neighbours)",
        metavar="KIND",
        choices=KINDS,
    )
    emoji: bool = token_setting(False, "each emoji is a token, instead of a gap between words")

    def __post_init__(self) -> None:
        """Checks every value."""
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))

    def to_config(self) -> dict[str, Any]:
        """Returns what a `custom_config` holds of them: plain values by name."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TokenSettings:
        """Reads what `to_config` gives; what is left out has its default.

        Raises:
          ConfigurationError: There is no such setting, or it cannot have such a value.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name in config:
            if name not in names:
                raise ConfigurationError(
                    f"`{TOKENS}` has '{name}'; choose from: {', '.join(names)}."
                    + did_you_mean(name, names)
                )
        return cls(**config)

    def write(self, saved_model: str) -> None:
        """Writes them into a SavedModel's folder, so that they go where the model goes."""
        path = place_of(saved_model) / FILE
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(self.to_config(), indent=1), encoding="utf-8")

    @classmethod
    def of_model(cls, saved_model: str | Place) -> TokenSettings | None:
        """Reads what `write` wrote; None where there is none, as in another trainer's model."""
        path = place_of(saved_model) / FILE
        if not path.is_file():
            return None
        return cls.from_config(json.loads(path.read_text(encoding="utf-8")))


def _check(field: dataclasses.Field[Any], value: Any) -> None:
    """Refuses a value that the field's declaration does not allow.

    Raises:
      ConfigurationError: Names the setting, the value and what is expected.
    """
    kind, choices = field.metadata["type"], field.metadata["choices"]
    least, most = field.metadata["least"], field.metadata["most"]
    if kind is int:
        expected = f"a whole number from {least:,} to {most:,}"
        is_fine = type(value) is int and least <= value <= most
    elif kind is bool:
        expected = "true or false"
        is_fine = type(value) is bool
    else:
        expected = f"one of {', '.join(choices)}"
        is_fine = value in choices
    if not is_fine:
        shown = f"'{value}'" if isinstance(value, str) else repr(value)
        raise ConfigurationError(f"`{field.name}` is {shown}; expected {expected}.")


IMDB_TOKENS = TokenSettings()
