"""Asks a pushed model without a server: loads the SavedModel into this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.pushed_versions import newest_version
from pipeline.scoring.pushed_model import PushedModel
from serving.versions import number_of


class Verdict(NamedTuple):
    """What the model says of a text.

    Attributes:
      text: The text.
      probability: That it is positive, 0 to 1; None where the text is blank.
      sentiment: "positive" or "negative"; None where the text is blank.
      model_version: The version that answered; None where none did, or the server does not say.
    """

    text: str
    probability: float | None
    sentiment: str | None
    model_version: int | None


def load(root: Path, model_name: str | None) -> Callable[[Sequence[str]], list[Verdict]]:
    """Returns a function that gives the newest pushed version's verdicts.

    Raises:
      ConfigurationError: No version is there, or several models and no name; says what is.
    """
    folder = newest_version(root, model_name)
    model = PushedModel(folder)

    def predict(texts: Sequence[str]) -> list[Verdict]:
        return [
            Verdict(text, *answer, number_of(folder.name))
            for text, answer in zip(texts, model.predict(texts), strict=True)
        ]

    return predict
