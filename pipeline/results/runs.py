"""The runs below a root, as they recorded themselves; read in milliseconds, without TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Sequence

from components.errors import ConfigurationError, did_you_mean
from components.storage.place import Place
from pipeline.metadata.address import MetadataStoreAddress, SqliteFile
from pipeline.paths import shown
from pipeline.program import command_in
from pipeline.results.run_info import RunInfo
from pipeline.results.stored_runs import read_runs
from pipeline.root import file_of

_LATEST = re.compile(r"latest(?:~(\d{1,6}))?")
# How many runs an error lists.
_LISTED = 5


def list_runs(
    root: Place,
    pipeline_name: str = "",
    model_name: str = "",
    metadata: MetadataStoreAddress | None = None,
) -> list[RunInfo]:
    """Returns the runs below a root, or all of a database that several share, the newest first.

    Args:
      root: Of the runs.
      pipeline_name: Of this pipeline alone, if it is given.
      model_name: Of those that make this model alone, if it is given.
      metadata: Where they are recorded; None is the file of the root.

    Raises:
      ConfigurationError: The root is a file, its metadata is damaged, locked or of another version,
        or there are runs but none of that pipeline or model.
    """
    if root.exists() and not root.is_dir():
        raise ConfigurationError(
            f"`root` is {shown(root)}, which is a file; expected the folder that the runs wrote to."
        )
    address = metadata or file_of(root)
    is_there = not isinstance(address, SqliteFile) or address.path.exists()
    runs = read_runs(address, root) if is_there else []
    found = [
        run
        for run in runs
        if pipeline_name in ("", run.pipeline_name) and model_name in ("", run.model_name)
    ]
    if runs and not found:
        raise ConfigurationError(_none_of(runs, root, pipeline_name, model_name))
    return found


def find_run(
    root: Place,
    name: str,
    pipeline_name: str = "",
    model_name: str = "",
    metadata: MetadataStoreAddress | None = None,
) -> RunInfo:
    """Returns the run that a name stands for.

    Args:
      root: Of the runs.
      name: An id, an unambiguous beginning of one, `latest`, or `latest~1` for the one before it.
      pipeline_name: Of this pipeline alone, if it is given.
      model_name: Of those that make this model alone, if it is given.
      metadata: Where they are recorded; None is the file of the root.

    Raises:
      ConfigurationError: There is no such run, or there are several: names the nearest; or see
        `list_runs`.
    """
    runs = list_runs(root, pipeline_name, model_name, metadata)
    if not runs:
        raise ConfigurationError(no_runs(root, metadata))
    if place := _LATEST.fullmatch(name):
        number = int(place[1] or 0)
        if number < len(runs):
            return runs[number]
        has = f"{len(runs):,} runs; the oldest is latest~{len(runs) - 1}"
        has = has if len(runs) > 1 else "one run"
        raise ConfigurationError(
            f"There is no run '{name}': {shown(root)} has {has}. "
            f"{command_in(root, metadata, 'runs')} lists them."
        )
    found = [run for run in runs if run.run_id == name]
    found = found or [run for run in runs if name and run.run_id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"'{name}' is the beginning of {_listed(found)}. Give more of it.")
    ids = [run.run_id for run in runs]
    nearest = did_you_mean(name, [*ids, "latest"]) or f" The newest are {_listed(runs)}."
    raise ConfigurationError(f"There is no run '{name}' in {shown(root)}.{nearest}")


def no_runs(root: Place, metadata: MetadataStoreAddress | None = None) -> str:
    """Says that a root has no runs yet, and how to make one."""
    where = "yet" if root.is_dir() else "as there is no such folder"
    command = command_in(root, metadata, "run", "--data", "sample")
    return (
        f"There are no runs in {shown(root)} {where}. {command} makes one in a minute or two; set "
        "`root` if yours are elsewhere."
    )


def _none_of(runs: Sequence[RunInfo], root: Place, pipeline_name: str, model_name: str) -> str:
    pipelines = sorted({run.pipeline_name for run in runs})
    models = sorted({run.model_name for run in runs if run.model_name})
    if pipeline_name and pipeline_name not in pipelines:
        return (
            f"No run of the pipeline '{pipeline_name}' is in {shown(root)}. Choose from: "
            f"{', '.join(pipelines)}.{did_you_mean(pipeline_name, pipelines)}"
        )
    if model_name not in models:
        return (
            f"No run of the model '{model_name}' is in {shown(root)}. Choose from: "
            f"{', '.join(models) or 'none'}.{did_you_mean(model_name, models)}"
        )
    return f"No run of the pipeline '{pipeline_name}' makes the model '{model_name}'."


def _listed(runs: Sequence[RunInfo]) -> str:
    more = f" and {len(runs) - _LISTED:,} more" if len(runs) > _LISTED else ""
    return f"{', '.join(run.run_id for run in runs[:_LISTED])}{more}"
