"""What a pipeline and its served model are called: by the user, else after the data."""

from __future__ import annotations

from components.dataset.names import name_of
from components.dataset.source import ReviewSource
from components.errors import ConfigurationError
from components.pusher.pushed_data import data_of_newest
from components.storage.place import Place, place_of
from pipeline.config import NAME, PipelineConfig
from pipeline.root import serving_folder
from pipeline.settings import flag_of

SAMPLE_PREFIX = "sample_"


def names_for(config: PipelineConfig, source_name: str, is_sample: bool) -> tuple[str, str]:
    """Returns the names of the pipeline and of the served model.

    Those of sample runs begin with `sample_`, and no others do: a model of generated reviews
    can never take the place of a real one.

    Raises:
      ConfigurationError: A name is kept for the sample.
    """
    names = {
        "pipeline_name": config.pipeline_name or f"{source_name}_sentiment",
        "model_name": config.model_name or f"{source_name}_sentiment",
    }
    kept = [name for name, value in names.items() if value.startswith(SAMPLE_PREFIX)]
    if kept and not is_sample:
        raise ConfigurationError(
            " ".join(f"{flag_of(name)} is '{names[name]}'." for name in kept)
            + f" Names that begin with '{SAMPLE_PREFIX}' are kept for the generated sample. "
            f"Give {' and '.join(map(flag_of, kept))} another name."
        )
    if is_sample:
        names = {
            name: f"{SAMPLE_PREFIX}{value.removeprefix(SAMPLE_PREFIX)}"
            for name, value in names.items()
        }
    return names["pipeline_name"], names["model_name"]


def check_name_is_free(
    root: Place, serving_dir: str, model_name: str, source: ReviewSource
) -> None:
    """Refuses a name, taken from the data, that another data set's model has where it is pushed to.

    Its model would be pushed as the other's next version. A user who names the model is not asked.

    Raises:
      ConfigurationError: Names both data sets, and the flags for either case.
    """
    folder = serving_folder(root, serving_dir)
    pushed = data_of_newest(str(folder / model_name))
    if pushed is None or pushed.is_same(source.origin, source.digest):
        return
    own = _free_name(folder, model_name, source)
    raise ConfigurationError(
        f"The model {model_name} in {serving_dir or root} was trained on {pushed.path}, and this "
        f"data is {source.origin}. If that is another data set, add --pipeline-name {own} "
        f"--model-name {own}; if it is the same one, in another place or with other reviews, add "
        f"--model-name {model_name}."
    )


def _free_name(serving: Place, taken: str, source: ReviewSource) -> str:
    """Returns a name that no model there has: the folder's in front, or a number behind."""
    folder = name_of(place_of(source.origin).parent)
    tried = [f"{folder}_{taken}"[:100], *(f"{taken[:90]}_{number}" for number in range(2, 1_000))]
    return next(
        name
        for name in tried
        if NAME.fullmatch(name)
        and not name.startswith(SAMPLE_PREFIX)
        and not (serving / name).exists()
    )
