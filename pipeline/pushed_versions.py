"""The versions that runs pushed, as they lie on a disk or in a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.errors import ConfigurationError, did_you_mean
from components.storage.place import Place, place_of
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.program import command
from serving import folders
from serving.versions import look_up


def newest_version(base: Place, model_name: str | None, flags: Sequence[str] = ()) -> Place:
    """Returns the folder of the version with the largest number: the one that is served.

    Args:
      base: What runs pushed to, see `serving_folder`.
      model_name: Of which model; None takes the only one that there is.
      flags: By which a run pushes to `base`, for the message.

    Raises:
      ConfigurationError: There is no version, or several models and no name.
    """
    # TensorFlow says of a store that it does not know that nothing is there.
    objection = folders.missing_scheme(str(base))
    try:
        if not objection:
            return _newest_version(base, model_name, flags)
    except OSError as error:
        objection = error.strerror or str(error)
    raise ConfigurationError(
        f"{base} cannot be read: {objection}. Expected what `sentiment run` pushed to; set --root "
        "or --serving-dir."
    )


def _newest_version(base: Place, model_name: str | None, flags: Sequence[str]) -> Place:
    pushed = pushed_models(base)
    named = ["--model-name", model_name] if model_name else []
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
            f"{command('run', *flags, *named)} first, or set --root, --serving-dir and "
            "--model-name."
        )
    return place_of(versions[max(versions)])


def pushed_models(base: Place) -> list[str]:
    """Returns the names of the models that have a version in a serving folder, sorted.

    Raises:
      OSError: It cannot be read.
    """
    folders = base.iterdir() if base.is_dir() else ()
    return sorted(folder.name for folder in folders if _versions(folder))


def _versions(folder: Place) -> Mapping[int, str]:
    return look_up(str(folder)).complete if folder.is_dir() else {}
