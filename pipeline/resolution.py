"""Resolves a configuration: finds the data, the names, the hyperparameters and the fingerprints.

All that a run looks up outside itself is looked up here; `create_pipeline` needs no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from components.dataset import first_look
from components.dataset.places import files_in
from components.dataset.resolve import resolve_source
from components.dataset.source import ReviewSource, SourceKind
from components.errors import ConfigurationError
from components.evaluator.bounds import GateBounds
from components.features import SCHEMA_NAME
from components.hyperparameters import Hyperparameters
from components.models.automatic import variants_of
from components.models.registry import Variant
from components.storage import files
from components.storage.place import Place, place_of
from pipeline.beam_engines import IN_MEMORY
from pipeline.beam_mode import choose_mode
from pipeline.config import SIGNIFICANT, PipelineConfig, hyperparameters_for
from pipeline.engine_choice import EngineChoice
from pipeline.fingerprint import PROJECT, file_fingerprint, fingerprint_of, source_functions
from pipeline.loading import EnvironmentSettings
from pipeline.metadata.address import (
    MetadataStoreAddress,
    SqliteFile,
    find_address,
)
from pipeline.model_names import check_name_is_free, names_for
from pipeline.root import METADATA_FILE, PIPELINES_FOLDER, serving_folder
from pipeline.setting_conflicts import (
    check_choice,
    check_decision,
    check_search,
    check_slices,
    check_validation,
    check_warm_start,
)
from pipeline.tuner_values import with_found
from serving import engines

# Where the code of each step starts; a step runs again when code that it reaches was edited.
STEP_MODULES = {
    "ReviewExampleGen": ("components.example_gen.component",),
    "SchemaGen": ("components.schema_gen.component",),
    "DataGate": ("components.data_gate.component",),
    "Transform": ("components.transform.preprocessing",),
    # What it finds is for the Trainer: where that one's code was edited, the search is made anew.
    "Tuner": ("components.tuner.tuning", "components.trainer.training"),
    "Trainer": ("components.trainer.training",),
    "Evaluator": (
        "components.evaluator.component",
        "components.evaluator.gate",
        "components.evaluator.extractors",
    ),
    "CrossValidator": ("components.cross_validator.component",),
    # The embedded server is started by its name.
    "InfraValidator": ("components.infra_validator.component", "serving.server.main"),
    "Pusher": ("components.pusher.component",),
}

COMPARISON_SUFFIX = "_comparison"


@dataclass(frozen=True)
class ResolvedRun:
    """A run with nothing left to look up: `create_pipeline` needs no file and no network.

    Attributes:
      config: What the user asked for, validated.
      source: The reviews.
      pipeline_name: Name of the pipeline, and of its folder.
      model_name: The name that TF-Serving serves the model under.
      candidates: The variant's hyperparameters, with the user's overrides, by its name; of all
        variants that the Trainer is to choose from.
      root: Absolute path of all that the run writes.
      fingerprints: By step, the hash of its source code.
      beam_arguments: How Beam runs.
      infra_engine: The server that must serve a model before it is pushed; None asks for none.
      is_comparison: Whether the model is only measured: nothing is pushed, and no earlier model
        is asked for.
      functions: By step, the hashes of the functions that it reaches, see `source_functions`.
      database: Where ML Metadata is that roots share; None is the SQLite file of the root.
    """

    config: PipelineConfig
    source: ReviewSource
    pipeline_name: str
    model_name: str
    candidates: Mapping[str, Hyperparameters]
    root: Place
    fingerprints: Mapping[str, str]
    beam_arguments: tuple[str, ...]
    infra_engine: str | None
    is_comparison: bool = False
    functions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    database: MetadataStoreAddress | None = None

    @property
    def hyperparameters(self) -> Hyperparameters:
        """Returns those of the variant; of several, the one for few reviews."""
        return next(iter(self.candidates.values()))

    @property
    def has_eval(self) -> bool:
        """Whether there is an eval split: the data's own, or one that is taken out of train."""
        return self.source.has_eval or self.config.validation_fraction > 0

    @property
    def gate_bounds(self) -> GateBounds:
        """What the gate asks for."""
        config = self.config
        return GateBounds.of(
            config.min_accuracy,
            config.min_macro_f1,
            config.max_regression,
            config.min_lift,
            len(self.source.classes),
            min_slice_accuracy=config.min_slice_accuracy,
            min_slice_size=config.min_slice_size,
            by_significance=config.gate == SIGNIFICANT,
        )

    @property
    def pipeline_root(self) -> Place:
        """Where the steps' artifacts are."""
        return self.root / PIPELINES_FOLDER / self.pipeline_name

    @property
    def metadata(self) -> MetadataStoreAddress:
        """Where ML Metadata is."""
        if self.database:
            return self.database
        assert isinstance(self.root, Path)  # a root in a store has a `database`
        return SqliteFile(self.root / METADATA_FILE)

    def as_recorded(self) -> ResolvedRun:
        """Returns the run with the paths that its artifacts are recorded by, run from its root.

        In the root's own file they are relative to the root; in a database that several roots
        share they are absolute.
        """
        return self if self.metadata.is_shared else replace(self, root=Path())

    @property
    def serving_directory(self) -> Place:
        """The model's base path for TF-Serving; its children are versions."""
        return serving_folder(self.root, self.config.serving_dir) / self.model_name


def resolve(
    config: PipelineConfig,
    environment: EnvironmentSettings,
    notify: Callable[[str], None],
    is_comparison: bool = False,
    note: Callable[[str], None] | None = None,
) -> ResolvedRun:
    """Finds the data, looks at its first records, names the run and fingerprints the code.

    Args:
      config: What the user asked for.
      environment: Where IMDB may be.
      notify: Called with sentences that the user must not miss.
      is_comparison: Whether the run is part of a comparison: its pipeline has a name of its own,
        so that its artifacts are kept apart from those of runs that push.
      note: Called with sentences that are good to know; `notify` where it is None.

    Raises:
      DatasetError: The data cannot be found or read.
      DataGateError: The first records show already that it is not fit to train on.
      ConfigurationError: The names do not suit the data, or the hyperparameters the variant, or
        the server of the infra validation is not installed.
    """
    source = _source(config, environment, notify, note or notify)
    is_sample = source.kind is SourceKind.SAMPLE
    root = place_of(config.root).absolute()
    if config.serving_dir:
        # The run works in its root, where a relative path would lead elsewhere.
        config = replace(config, serving_dir=files.absolute(config.serving_dir))
    pipeline_name, model_name = _names(config, source, is_comparison)
    if not is_comparison and not config.model_name:
        check_name_is_free(root, config.serving_dir, model_name, source)
    check_choice(config)
    check_slices(config)
    check_search(config, is_comparison, source.has_eval)
    check_decision(config, source, is_comparison)
    metadata = metadata_of(config, root, environment)
    if config.hyperparameters_from:
        config = with_found(config, metadata, pipeline_name)
    variants = variants_of(config.model)
    check_warm_start(config, variants[0], is_comparison)
    infra_engine = None if is_comparison else engine_for(config.infra_validation)
    return ResolvedRun(
        config=config,
        source=source,
        pipeline_name=pipeline_name,
        model_name=model_name,
        candidates=hyperparameters_for(config, is_sample, source.has_eval),
        root=root,
        fingerprints=fingerprints(variants, infra_engine),
        beam_arguments=beam_arguments(config, source),
        infra_engine=infra_engine,
        is_comparison=is_comparison,
        functions=functions(variants),
        database=metadata if metadata.is_shared else None,
    )


def metadata_of(
    config: PipelineConfig, root: Place, environment: EnvironmentSettings
) -> MetadataStoreAddress:
    """Returns where ML Metadata is.

    Raises:
      ConfigurationError: The file of the password cannot be read.
    """
    return find_address(
        config.metadata, config.metadata_password_file, root / METADATA_FILE, environment.password
    )


def _source(
    config: PipelineConfig,
    environment: EnvironmentSettings,
    notify: Callable[[str], None],
    note: Callable[[str], None],
) -> ReviewSource:
    """Returns the reviews, found and looked at."""
    source = resolve_source(
        config.data,
        imdb_archive=environment.imdb_archive,
        cache_dir=environment.cache_dir,
        text_column=config.text_column,
        label_column=config.label_column,
        labels=config.labels,
        map_labels=config.map_labels,
        positive_label=config.positive_label,
        negative_label=config.negative_label,
        slice_by=config.slice_by,
        options=config.table_options,
        notify=notify,
        note=note,
    )
    check_validation(config, source)
    return first_look.checked(source, config.max_bad_records, config.min_class_size)


def _names(config: PipelineConfig, source: ReviewSource, is_comparison: bool) -> tuple[str, str]:
    """Returns the names of the pipeline and of the model."""
    if is_comparison:
        asked = config.pipeline_name or source.name
        config = replace(config, pipeline_name=f"{asked}{COMPARISON_SUFFIX}")
    return names_for(config, source.name, source.kind is SourceKind.SAMPLE)


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
    variants: Sequence[Variant], infra_engine: str | None = None, project: Path = PROJECT
) -> dict[str, str]:
    """Returns what the cache must see of each step's code, of the schema and of the engine."""
    by_step = functions(variants, project)
    found = {step: fingerprint_of(reached) for step, reached in by_step.items()}
    found["SchemaGen"] += f" {file_fingerprint(project / 'components' / SCHEMA_NAME)}"
    if infra_engine and (build := engines.identity(infra_engine)):
        found["InfraValidator"] += f" {build}"
    return found


def functions(variants: Sequence[Variant], project: Path = PROJECT) -> dict[str, Mapping[str, str]]:
    """Returns the hashes of the functions that each step reaches, by the step's name."""
    modules = STEP_MODULES | {
        step: (*STEP_MODULES[step], *(variant.module for variant in variants))
        for step in ("Tuner", "Trainer", "CrossValidator")
    }
    return {step: source_functions(*names, project=project) for step, names in modules.items()}


def beam_arguments(config: PipelineConfig, source: ReviewSource) -> tuple[str, ...]:
    """Returns Beam's flags, by the settings and the size of the files."""
    size = sum(_size(place_of(file.path)) for file in source.files)
    mode = choose_mode(config.beam_mode, config.engine.processes, size)
    return beam_arguments_for(config.engine, mode)


def beam_arguments_for(choice: EngineChoice, mode: str) -> tuple[str, ...]:
    """Returns Beam's flags.

    Args:
      choice: The engine.
      mode: "in_memory" or "multi_processing", for the local one.
    """
    more = {"mode": mode}
    if mode == IN_MEMORY:
        more["processes"] = "1"
    return choice.arguments(**more)


def _size(path: Place) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in files_in(path, lambda _: True))
    return path.stat().st_size
