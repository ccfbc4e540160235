"""Asks a pushed model without a server: loads the SavedModel into this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from components.errors import ConfigurationError, did_you_mean
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.scoring.pushed_model import PushedModel
from serving.predictions import Prediction
from serving.versions import look_up, number_of


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


def newest_version(root: Path, model_name: str | None) -> Path:
    """Returns the folder of the version with the largest number: the one that is served.

    Args:
      root: Of the runs that pushed.
      model_name: Of which model; None takes the only one that there is.

    Raises:
      ConfigurationError: There is no version, or several models and no name.
    """
    base = root / "serving_model"
    pushed = pushed_models(root)
    if model_name is None:
        if len(pushed) > 1:
            raise ConfigurationError(
                f"{base} holds {len(pushed):,} models: {', '.join(pushed)}. Choose one by "
                "--model-name."
            )
        model_name = pushed[0] if pushed else DEFAULT_MODEL_NAME
    versions = _versions(base / model_name)
    if not versions:
        raise ConfigurationError(
            f"No version of '{model_name}' is in {base}. Pushed models: "
            f"{', '.join(pushed) or 'none'}.{did_you_mean(model_name, pushed)} Run "
            "`sentiment run` first, or set --root and --model-name."
        )
    return versions[max(versions)]


def pushed_models(root: Path) -> list[str]:
    """Returns the names of the models that have a version below a root, sorted."""
    base = root / "serving_model"
    folders = base.iterdir() if base.is_dir() else ()
    return sorted(folder.name for folder in folders if _versions(folder))


def _versions(folder: Path) -> Mapping[int, Path]:
    return look_up(folder).complete if folder.is_dir() else {}
