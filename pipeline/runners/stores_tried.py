"""Tries the stores that a run writes to, before it reads its data."""

from __future__ import annotations

from collections.abc import Sequence

from components.dataset.stores import check_store
from components.errors import ConfigurationError, DatasetError
from components.storage.answering import StoreSilentError
from components.storage.place import StorePath, place_of
from components.storage.trial import try_folder
from pipeline.config import PipelineConfig

WRITTEN_TO = ("root", "serving_dir")


def try_stores(config: PipelineConfig, settings: Sequence[str] = WRITTEN_TO) -> None:
    """Writes to each store and removes what it wrote; of a disk, what fails is told at once anyway.

    Args:
      config: What the user asked for.
      settings: Names of those that are folders.

    Raises:
      ConfigurationError: No library knows the store, it does not answer, or it refuses.
    """
    for name in settings:
        folder = place_of(getattr(config, name))
        if not isinstance(folder, StorePath):
            continue
        try:
            check_store(str(folder))
            try_folder(folder)
        except DatasetError as error:
            raise ConfigurationError(f"`{name}` is {error}") from error
        except StoreSilentError as error:
            raise ConfigurationError(f"`{name}` is {folder}: {error}") from error
        except OSError as error:
            raise ConfigurationError(
                f"`{name}` is {folder}; expected a folder that can be made and written to: "
                f"{' '.join(str(error.strerror or error).split())}."
            ) from error
