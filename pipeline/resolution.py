"""From what the user asked for to everything that `create_pipeline` needs: the run's edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from components.dataset import first_look
from components.dataset.names import name_of
from components.dataset.resolve import resolve_source
from components.dataset.source import ReviewSource, SourceKind
from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import Variant, get_variant
from components.pusher.pushed_data import data_of_newest
from pipeline.config import NAME, SAMPLE_PREFIX, PipelineConfig, hyperparameters_for, names_for
from pipeline.fingerprint import PROJECT, file_fingerprint, source_fingerprint
from pipeline.loading import EnvironmentSettings
from pipeline.tuner_values import with_found
from serving import engines

# Where the code of each step starts; a step runs again when code that it reaches was edited.
STEP_MODULES = {
    "ReviewExampleGen": ("components.example_gen.component",),
    "DataGate": ("components.data_gate.component",),
    "Transform": ("components.transform.preprocessing",),
    "Tuner": ("components.tuner.tuning",),
    "Trainer": ("components.trainer.training",),
    "Evaluator": ("components.evaluator.evaluation",),
    # The embedded server is started by its name.
    "InfraValidator": ("components.infra_validator.component", "serving.server.main"),
    "Pusher": ("components.pusher.pushing",),
}

SCHEMA_FILE = "components/schema.pbtxt"

METADATA_FILE = "metadata.db"
SERVING_FOLDER = "serving_model"
COMPARISON_SUFFIX = "_comparison"

# Worker processes import TensorFlow anew for every Beam pipeline; below this they never earn it.
MULTI_PROCESSING_FROM_BYTES = 8_000_000


@dataclass(frozen=True)
class ResolvedConfig:
    """A run with nothing left to look up: `create_pipeline` needs no file and no network.

    Attributes:
      settings: What the user asked for, validated.
      source: The reviews.
      pipeline_name: Name of the pipeline, and of its folder.
      model_name: The name that TF-Serving serves the model under.
      hyperparameters: The variant's, with the user's overrides.
      root: Absolute path of all that the run writes.
      fingerprints: By step, the hash of its source code.
      beam_arguments: How Beam runs.
      infra_engine: The server that must serve a model before it is pushed; None asks for none.
      is_comparison: Whether the model is only measured: nothing is pushed, and no earlier model
        is asked for.
    """

    settings: PipelineConfig
    source: ReviewSource
    pipeline_name: str
    model_name: str
    hyperparameters: Hyperparameters
    root: Path
    fingerprints: Mapping[str, str]
    beam_arguments: tuple[str, ...]
    infra_engine: str | None
    is_comparison: bool = False

    @property
    def has_eval(self) -> bool:
        """Whether there is an eval split: the data's own, or one that is carved out of train."""
        return self.source.has_eval or self.settings.validation_fraction > 0

    @property
    def pipeline_root(self) -> Path:
        """Where the steps' artifacts are."""
        return self.root / "pipelines" / self.pipeline_name

    @property
    def metadata_path(self) -> Path:
        """ML Metadata's SQLite file."""
        return self.root / METADATA_FILE

    @property
    def serving_directory(self) -> Path:
        """The model's base path for TF-Serving; its children are versions."""
        return self.root / SERVING_FOLDER / self.model_name


def resolve(
    settings: PipelineConfig,
    environment: EnvironmentSettings,
    notify: Callable[[str], None],
    is_comparison: bool = False,
) -> ResolvedConfig:
    """Finds the data, looks at its first records, names the run and fingerprints the code.

    Args:
      settings: What the user asked for.
      environment: Where IMDB may be.
      notify: Called with sentences that the user must not miss.
      is_comparison: Names the pipeline for a comparison, which never meets the runs that push.

    Raises:
      DatasetError: The data cannot be found or read.
      DataGateError: The first records show already that it is not fit to train on.
      ConfigurationError: The names do not suit the data, or the hyperparameters the variant, or
        the server of the infra validation is not installed.
    """
    source = resolve_source(
        settings.data,
        imdb_archive=environment.imdb_archive,
        cache_dir=environment.cache_dir,
        text_column=settings.text_column,
        label_column=settings.label_column,
        positive_label=settings.positive_label,
        negative_label=settings.negative_label,
        options=settings.table_options,
        notify=notify,
    )
    check_validation(settings, source)
    source = first_look.checked(source, settings.max_bad_records, notify)
    is_sample = source.kind is SourceKind.SAMPLE
    named = settings
    if is_comparison:
        asked = settings.pipeline_name or source.name
        named = replace(settings, pipeline_name=f"{asked}{COMPARISON_SUFFIX}")
    pipeline_name, model_name = names_for(named, source.name, is_sample)
    root = Path(settings.root).absolute()
    if not is_comparison and not settings.model_name:
        check_name_is_free(root, model_name, source)
    check_search(settings, is_comparison, source.has_eval)
    settings = with_found(settings, root / METADATA_FILE, pipeline_name)
    variant = get_variant(settings.model)
    if settings.warm_start and not variant.uses_gradient_descent:
        raise ConfigurationError(
            f"--warm-start: '{variant.name}' is fitted in one go and goes on from nothing. Leave "
            "it out, or choose a variant that is trained epoch by epoch."
        )
    if settings.warm_start and is_comparison:
        raise ConfigurationError(
            "--warm-start: a comparison trains from the seeds alone, or the order of its "
            "trainings would count. Leave it out."
        )
    infra_engine = None if is_comparison else engine_for(settings.infra_validation)
    return ResolvedConfig(
        settings=settings,
        source=source,
        pipeline_name=pipeline_name,
        model_name=model_name,
        hyperparameters=hyperparameters_for(settings, is_sample, source.has_eval),
        root=root,
        fingerprints=fingerprints(variant, infra_engine),
        beam_arguments=beam_arguments(settings, source),
        infra_engine=infra_engine,
        is_comparison=is_comparison,
    )


def check_validation(settings: PipelineConfig, source: ReviewSource) -> None:
    """Refuses to carve an eval split out of train where the data has one.

    Raises:
      ConfigurationError: Says what to leave out.
    """
    if source.has_eval and settings.validation_fraction:
        raise ConfigurationError(
            f"--validation-fraction is {settings.validation_fraction}, and {source.name} has a "
            "validation split of its own, which becomes eval. Leave --validation-fraction out, or "
            "set it to 0."
        )


def check_name_is_free(root: Path, model_name: str, source: ReviewSource) -> None:
    """Refuses a name, taken from the data, that another data set's model has in this root.

    Its model would be pushed as the other's next version. Whoever names the model decides.

    Raises:
      ConfigurationError: Names both data sets, and the flags for either case.
    """
    pushed = data_of_newest(root / SERVING_FOLDER / model_name)
    if pushed is None or pushed.is_same(source.origin, source.digest):
        return
    own = free_name(root, model_name, source)
    raise ConfigurationError(
        f"The model {model_name} in {root} was trained on {pushed.path}, and this data is "
        f"{source.origin}. If that is another data set, add --pipeline-name {own} --model-name "
        f"{own}; if it is the same one, moved and grown, add --model-name {model_name}."
    )


def free_name(root: Path, taken: str, source: ReviewSource) -> str:
    """Returns a name that no model in the root has: the folder's in front, or a number behind."""
    folder = name_of(Path(source.origin).parent)
    tried = [f"{folder}_{taken}"[:100], *(f"{taken[:90]}_{number}" for number in range(2, 1_000))]
    return next(
        name
        for name in tried
        if NAME.fullmatch(name)
        and not name.startswith(SAMPLE_PREFIX)
        and not (root / SERVING_FOLDER / name).exists()
    )


def check_search(settings: PipelineConfig, is_comparison: bool, has_eval: bool) -> None:
    """Refuses a search that has no reviews to judge on, or no sense.

    Raises:
      ConfigurationError: Says what to set instead.
    """
    if is_comparison and (settings.tune or settings.hyperparameters_from):
        raise ConfigurationError(
            "--tune and --hyperparameters-from: a comparison takes presets, e.g. --models "
            "lstm:tuned, and flags that all its variants have. Leave them out."
        )
    if settings.tune and settings.hyperparameters_from:
        raise ConfigurationError(
            "--tune searches for hyperparameters and --hyperparameters-from gives them; choose one."
        )
    if settings.tune and not (has_eval or settings.validation_fraction):
        raise ConfigurationError(
            "--tune judges each trial on the eval split, never on test, and no review is kept for "
            "it: --validation-fraction is 0.0. Try --validation-fraction 0.1."
        )


def engine_for(infra_validation: str) -> str | None:
    """Returns the engine that a setting stands for on this machine; None when it is off.

    Raises:
      ConfigurationError: Its program is not on PATH.
    """
    if infra_validation == "off":
        return None
    if infra_validation == "auto":
        return engines.BINARY if engines.is_installed(engines.BINARY) else engines.EMBEDDED
    if not engines.is_installed(infra_validation):
        raise ConfigurationError(
            f"--infra-validation {infra_validation}: '{engines.PROGRAMS[infra_validation]}' is not "
            "on PATH. Install it, or choose --infra-validation embedded, which needs nothing more."
        )
    return infra_validation


def fingerprints(
    variant: Variant, infra_engine: str | None = None, project: Path = PROJECT
) -> dict[str, str]:
    """Returns what the cache must see of each step's code, of the schema and of the engine."""
    modules = STEP_MODULES | {
        step: (*STEP_MODULES[step], variant.module) for step in ("Tuner", "Trainer")
    }
    found = {step: source_fingerprint(*names, project=project) for step, names in modules.items()}
    found["ImportSchemaGen"] = file_fingerprint(project / SCHEMA_FILE)
    if infra_engine and (build := engines.identity(infra_engine)):
        found["InfraValidator"] += f" {build}"
    return found


def beam_arguments(settings: PipelineConfig, source: ReviewSource) -> tuple[str, ...]:
    """Returns Beam's flags; "auto" takes several processes for data that is worth them."""
    mode = settings.beam_mode
    if mode == "auto":
        size = sum(_size(Path(file.path)) for file in source.files)
        mode = "multi_processing" if size >= MULTI_PROCESSING_FROM_BYTES else "in_memory"
    return local_beam_arguments(mode, settings.beam_workers)


def local_beam_arguments(mode: str, workers: int) -> tuple[str, ...]:
    """Returns Beam's flags on this machine.

    Args:
      mode: "in_memory" or "multi_processing".
      workers: How many processes, if several; 0 is one a core.
    """
    return (
        # Beam's default, DirectRunner, hands over to a binary that it downloads.
        "--runner=pipeline.runners.local_beam.LocalBeamRunner",
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={workers if mode == 'multi_processing' else 1}",
        # Any image at all keeps TFX from packing itself anew for every Beam pipeline, which
        # takes seconds and is left behind in /tmp. Local runners start no container.
        "--sdk_container_image=none",
    )


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
