"""Asks a pushed model without a server: loads the SavedModel into this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from components.errors import ConfigurationError, did_you_mean
from components.pushed_model import PushedModel
from serving.versions import look_up, number_of


class Verdict(NamedTuple):
    """What the model says of a text.

    Attributes:
      text: The text.
      probability: That it is positive, 0 to 1.
      sentiment: "positive" or "negative".
      model_version: The version that answered.
    """

    text: str
    probability: float
    sentiment: str
    model_version: int | None


def load(root: Path, model_name: str) -> Callable[[Sequence[str]], list[Verdict]]:
    """Returns a function that gives the newest pushed version's verdicts.

    Raises:
      ConfigurationError: No version is there; says what is.
    """
    folder = newest_version(root, model_name)
    model = PushedModel(folder)

    def predict(texts: Sequence[str]) -> list[Verdict]:
        return [
            Verdict(text, *answer, number_of(folder.name))
            for text, answer in zip(texts, model.predict(texts), strict=True)
        ]

    return predict


def newest_version(root: Path, model_name: str) -> Path:
    """Returns the folder of the version with the largest number: the one that is served.

    Raises:
      ConfigurationError: There is none.
    """
    base = root / "serving_model"
    folder = base / model_name
    versions = look_up(folder).complete if folder.is_dir() else {}
    if not versions:
        pushed = sorted(path.name for path in base.iterdir()) if base.is_dir() else []
        raise ConfigurationError(
            f"No version of '{model_name}' is in {base}. Pushed models: "
            f"{', '.join(pushed) or 'none'}.{did_you_mean(model_name, pushed)} Run "
            "`sentiment run` first, or set --root and --model-name."
        )
    return versions[max(versions)]
