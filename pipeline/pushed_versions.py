"""The versions that runs pushed below a root, as they lie on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.errors import ConfigurationError, did_you_mean
from components.place import Place
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.root import SERVING_FOLDER
from serving.versions import look_up


def newest_version(root: Path, model_name: str | None) -> Path:
    """Returns the folder of the version with the largest number: the one that is served.

    Args:
      root: Of the runs that pushed.
      model_name: Of which model; None takes the only one that there is.

    Raises:
      ConfigurationError: There is no version, or several models and no name.
    """
    base = root / SERVING_FOLDER
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


def pushed_models(root: Place) -> list[str]:
    """Returns the names of the models that have a version below a root, sorted."""
    base = root / SERVING_FOLDER
    folders = base.iterdir() if base.is_dir() else ()
    return sorted(folder.name for folder in folders if _versions(folder))


def _versions(folder: Place) -> Mapping[int, Path]:
    return look_up(str(folder)).complete if folder.is_dir() else {}
