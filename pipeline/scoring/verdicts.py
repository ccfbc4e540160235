"""Asks a pushed model without a server: loads the SavedModel into this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.pushed_versions import newest_version
from pipeline.scoring.pushed_model import PushedModel
from serving.predictions import Prediction
from serving.versions import number_of


def load(root: Path, model_name: str | None) -> Callable[[Sequence[str]], list[Prediction]]:
    """Returns a function that gives the newest pushed version's predictions.

    Raises:
      ConfigurationError: No version is there, or several models and no name; says what is.
    """
    folder = newest_version(root, model_name)
    model = PushedModel(folder)
    version = number_of(folder.name)

    def predict(texts: Sequence[str]) -> list[Prediction]:
        return [
            replace(prediction, model_version=version, text=text)
            for text, prediction in zip(texts, model.predict(texts), strict=True)
        ]

    return predict
