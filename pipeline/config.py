"""The configuration of a run: `PipelineConfig`.

A setting is one field of `PipelineConfig`, or of `Hyperparameters`. Its flag, its TOML key, its
check and its row in `docs/reference/settings.md` all come from that field.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from components.dataset.label_settings import LabelSettings
from components.dataset.table_options import QUOTINGS, TableOptions
from components.errors import ConfigurationError
from components.evaluator.bounds import MIN_SLICE_SIZE
from components.hyperparameters import Hyperparameters
from components.models.automatic import configure_variants, variants_of
from components.models.decision import parse_goal
from components.models.registry import DEFAULT_MODEL, SAMPLE, variant_names
from components.trainer.custom_config import DEFAULT_CHECKPOINT_MINUTES, DEFAULT_MEMORY_BUDGET
from components.transform.token_settings import TokenSettings
from pipeline.beam_engines import DATAFLOW, IN_MEMORY, LOCAL, MULTI_PROCESSING
from pipeline.engine_choice import EngineChoice, choose_engine
from pipeline.label_texts import labels_as_text, mapping_as_text
from pipeline.metadata.address import names_file, parse_url
from pipeline.settings import check, flag_of, hyperparameter_setting, setting, token_setting
from serving.engines import ENGINES

DEFAULT_MODEL_NAME = "imdb_sentiment"
# The headings of `--help`, in their order.
GROUPS = ("data", "tokens", "model", "gate", "pipeline", "output")
BEAM_MODES = ("auto", IN_MEMORY, MULTI_PROCESSING)
INFRA_VALIDATION = (*ENGINES, "off")
# By what a model is compared with the last blessed one.
POINTS, SIGNIFICANT = GATES = ("points", "significant")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


# What the components declare, as settings; a hyperparameter is None where the preset decides.
ComponentSettings: Any = dataclasses.make_dataclass(
    "ComponentSettings",
    [
        (field.name, field.type, as_setting(field))
        for owner, as_setting in (
            (TokenSettings, token_setting),
            (Hyperparameters, hyperparameter_setting),
        )
        for field in dataclasses.fields(owner)
    ],
    frozen=True,
)


@dataclass(frozen=True)
class PipelineConfig(ComponentSettings):
    """The settings of a run, checked; hyperparameters and settings of tokens are among them.

    Raises:
      ConfigurationError: A value cannot be used; names setting, value and expectation.
    """

    data: str = setting(
        "auto",
        "imdb, sample, auto (imdb if it can be found or downloaded), or a path: CSV, TSV, JSON, "
        "JSON Lines, Parquet (several: commas or a glob), or a folder or .tar.gz as IMDB's",
        group="data",
        metavar="DATA",
    )
    text_column: str = setting(
        "",
        "column of the text in a table; a.b is what the column a holds under b",
        group="data",
        metavar="NAME",
        unset="text, else by the usual names",
    )
    label_column: str = setting(
        "",
        "column of the label in a table",
        group="data",
        metavar="NAME",
        unset="label, else by the usual names",
    )
    delimiter: str = setting(
        "",
        "what separates the fields of a table: a character, or comma, semicolon, tab, pipe, none",
        group="data",
        metavar="CHAR",
        unset="detected",
    )
    encoding: str = setting(
        "",
        "encoding of tables, e.g. latin-1, windows-1252, utf-16",
        group="data",
        metavar="NAME",
        unset="detected, else UTF-8",
    )
    quoting: str = setting(
        "auto",
        "how quotes are written within quoted fields: doubled, backslash, or none (quotes are "
        "characters like any); auto finds it",
        group="data",
        metavar="STYLE",
        choices=QUOTINGS,
    )
    header: bool = setting(
        True,
        "the first row names the columns; with --no-header they are numbered from 1",
        group="data",
    )
    labels: str = setting(
        "",
        "the classes of a table, 2 to 1,000 by commas, in this order; other labels are left out",
        group="data",
        metavar="LABELS",
        unset="all labels of train",
    )
    map_labels: str = setting(
        "",
        "labels and the classes that they mean, e.g. 5=good,4=good,1=bad; other labels are left "
        "out",
        group="data",
        metavar="LABELS",
        unset="none",
    )
    positive_label: str = setting(
        "",
        "the label that means positive, or several by commas, when it is not 1, positive, pos, "
        "true or yes",
        group="data",
        metavar="LABELS",
        unset="none",
    )
    negative_label: str = setting(
        "",
        "the label that means negative, or several; with both sides named, other labels are left "
        "out",
        group="data",
        metavar="LABELS",
        unset="none",
    )
    min_class_size: int = setting(
        2,
        "least number of reviews of each class in each split; 0 lets classes be missing in one",
        group="data",
        metavar="N",
        least=0,
        most=1_000_000,
    )
    validation_fraction: float = setting(
        0.0,
        "share of train that becomes the eval split, where the data has none",
        group="data",
        metavar="SHARE",
        least=0.0,
        most=0.5,
    )
    max_bad_records: float = setting(
        0.0,
        "share of records that may be unreadable",
        group="data",
        metavar="SHARE",
        least=0.0,
        most=1.0,
    )
    drop_leaks: bool = setting(
        False, "remove from train the texts that are in test as well", group="data"
    )
    model: str = setting(
        DEFAULT_MODEL,
        f"model variant: {', '.join(variant_names())}; or auto: linear or cnn_bilstm_linear, by "
        "the number of reviews and, where they are many, a trial",
        group="model",
        metavar="VARIANT",
    )
    preset: str | None = setting(
        None,
        "the hyperparameters to start from: reference, tuned or sample",
        group="model",
        type=str,
        metavar="NAME",
    )
    tune: int | None = setting(
        None,
        "trials of a search for hyperparameters, judged on eval, before training",
        group="model",
        type=int,
        metavar="N",
        least=1,
        most=10_000,
        unset="none",
    )
    hyperparameters_from: str = setting(
        "",
        "hyperparameters that take the place of the preset's: tuner (the latest run with --tune), "
        "or a JSON file",
        group="model",
        metavar="SOURCE",
        unset="none",
    )
    warm_start: bool = setting(
        False, "continue from the latest blessed model of the same variant", group="model"
    )
    memory_budget: float = setting(
        DEFAULT_MEMORY_BUDGET,
        "gigabytes of token ids that training holds in memory; more are read from disk, with the "
        "same result",
        group="model",
        metavar="GB",
        least=0.0,
        most=100_000.0,
    )
    checkpoint_minutes: float = setting(
        DEFAULT_CHECKPOINT_MINUTES,
        "minutes of training after which there is a checkpoint; the same run, started again after "
        "it was killed, goes on from the last one; 0 keeps none",
        group="model",
        metavar="N",
        least=0.0,
        most=100_000.0,
    )
    decide: str = setting(
        "",
        "what the threshold between two classes is chosen for, on eval: 'precision >= 0.95', "
        "'recall >= 0.9', for the second class or as in 'precision of NAME >= 0.95', or 'cost "
        "false_positive=1 false_negative=5'",
        group="model",
        metavar="GOAL",
        unset="none, 0.5 decides",
    )
    min_accuracy: float | None = setting(
        None,
        "least accuracy on the test split that is pushed",
        group="gate",
        type=float,
        metavar="SHARE",
        least=0.0,
        most=1.0,
        unset="0.8 of two classes without --min-macro-f1, else none",
    )
    min_macro_f1: float | None = setting(
        None,
        "least mean of all classes' F1 on the test split that is pushed; without --min-accuracy it "
        "takes the accuracy's place in the gate",
        group="gate",
        type=float,
        metavar="SHARE",
        least=0.0,
        most=1.0,
        unset="none",
    )
    folds: int | None = setting(
        None,
        "cross-validation in so many parts, for few reviews: each review is judged by a model of "
        "the others, and the gate's minimums hold for these figures instead of the test split's",
        group="gate",
        type=int,
        metavar="N",
        least=2,
        most=20,
        unset="none",
    )
    max_regression: float = setting(
        0.005,
        "how much less accurate than the last blessed model it may be",
        group="gate",
        metavar="SHARE",
        least=0.0,
        most=1.0,
    )
    gate: str = setting(
        POINTS,
        "what counts as worse than the last blessed model: points, by --max-regression; or "
        "significant, only if McNemar's exact test on the same test reviews says so, one-sided at "
        "5 %",
        group="gate",
        metavar="MEASURE",
        choices=GATES,
    )
    min_lift: float = setting(
        0.001,
        "by how much, chance taken into account, it must be more accurate than always saying the "
        "larger class of the test split; 0 does not ask for it",
        group="gate",
        metavar="SHARE",
        least=0.0,
        most=0.5,
    )
    slice_by: str = setting(
        "",
        "columns of the table by which the test split is sliced, e.g. product,product+language; of "
        "data laid out as IMDB's, rating",
        group="gate",
        metavar="NAMES",
        unset="none",
    )
    min_slice_accuracy: float | None = setting(
        None,
        "least accuracy of each slice by --slice-by that is pushed; without it, of those by length "
        "and unknown words",
        group="gate",
        type=float,
        metavar="SHARE",
        least=0.0,
        most=1.0,
        unset="none",
    )
    min_slice_size: int = setting(
        MIN_SLICE_SIZE,
        "the fewest reviews of a slice that --min-slice-accuracy is asked of",
        group="gate",
        metavar="N",
        least=1,
        most=1_000_000_000,
    )
    infra_validation: str = setting(
        "auto",
        "the server that must answer as the model itself does before a push: embedded, binary "
        "(tensorflow_model_server), docker, off, or auto (binary if it is on PATH, else embedded)",
        group="gate",
        metavar="ENGINE",
        choices=INFRA_VALIDATION,
    )
    root: str = setting(
        "artifacts",
        "folder of all that a run writes, also in a store, such as gs://BUCKET/FOLDER",
        group="pipeline",
        metavar="FOLDER",
    )
    serving_dir: str = setting(
        "",
        "folder that models are pushed to, each below its name, on a disk or in a store such as "
        "gs://BUCKET/models",
        group="pipeline",
        metavar="FOLDER",
        unset="serving_model in the root",
    )
    metadata: str = setting(
        "",
        "where ML Metadata is that several roots share, or a root in a store needs: a local file; "
        "mysql://USER@HOST[:PORT]/DATABASE; or, by a socket, "
        "mysql://USER@localhost/DATABASE?socket=/PATH, without a password",
        group="pipeline",
        metavar="FILE|URL",
        unset="a file in the root",
    )
    metadata_password_file: str = setting(
        "",
        "file that holds the password of the database of --metadata",
        group="pipeline",
        metavar="FILE",
        unset="$SENTIMENT_METADATA_PASSWORD_FILE, else $SENTIMENT_METADATA_PASSWORD",
    )
    pipeline_name: str = setting(
        "",
        "name of the pipeline; when left out, the data's name and _sentiment",
        group="pipeline",
        metavar="NAME",
        unset="by the data",
    )
    model_name: str = setting(
        "",
        "name to serve the model under; when left out, the data's name and _sentiment",
        group="pipeline",
        metavar="NAME",
        unset="by the data",
    )
    beam: str = setting(
        LOCAL,
        "what runs Beam's jobs: local (this machine), portable (any job server, e.g. Prism), "
        "flink, spark or dataflow",
        group="pipeline",
        metavar="ENGINE",
    )
    beam_endpoint: str = setting(
        "",
        "with portable, flink or spark: where the job server listens",
        group="pipeline",
        metavar="HOST:PORT",
        unset="none",
    )
    beam_workers: str = setting(
        "",
        "with local, a number of processes, 0 for one a core; else who starts the workers: "
        "loopback (this command), external[=ADDRESS] (`sentiment worker`), process[=PROGRAM] or "
        "container[=IMAGE]",
        group="pipeline",
        metavar="WORKERS",
        unset="local: 0; dataflow: container; else loopback",
    )
    beam_options: str = setting(
        "",
        "more options of Beam and the engine, as a shell takes them, e.g. '--parallelism=8'; they "
        "are recorded, so no passwords",
        group="pipeline",
        metavar="OPTIONS",
        unset="none",
    )
    beam_mode: str = setting(
        "auto",
        "how Beam runs with local; auto starts several processes if --beam-workers asks for them, "
        "or if the data is large",
        group="pipeline",
        metavar="MODE",
        choices=BEAM_MODES,
    )
    cache: bool = setting(True, "reuse the results of steps that did not change", group="pipeline")
    report: bool = setting(
        True, "write a page at the end that says what was found, and why", group="output"
    )
    debug: bool = setting(False, "show all log lines, and tracebacks", group="output")

    def __post_init__(self) -> None:
        """Checks every value.

        A whole number given where a share is meant becomes a float; a TOML list of labels, or a
        number, becomes what the flag would be.
        """
        for name in ("labels", "positive_label", "negative_label", "slice_by"):
            object.__setattr__(self, name, labels_as_text(name, getattr(self, name)))
        object.__setattr__(self, "map_labels", mapping_as_text("map_labels", self.map_labels))
        if type(self.beam_workers) is int:  # as TOML has it
            object.__setattr__(self, "beam_workers", str(self.beam_workers))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            check(field, value)
            if field.metadata["type"] is float and value is not None:
                object.__setattr__(self, field.name, float(value))
        if self.gate == SIGNIFICANT and self.max_regression != PipelineConfig.max_regression:
            raise ConfigurationError(
                f"--gate {SIGNIFICANT} takes no --max-regression, which is {self.max_regression}: "
                f"it asks for no points. Leave --max-regression out, or choose --gate {POINTS}."
            )
        self._check_engine()
        variants_of(self.model)
        if self.decide:
            parse_goal(self.decide)
        _ = self.table_options
        if self.metadata and not names_file(self.metadata):
            parse_url(self.metadata)
        LabelSettings(self.labels, self.map_labels, self.positive_label, self.negative_label)
        for name in ("pipeline_name", "model_name"):
            value = getattr(self, name)
            if value and not NAME.fullmatch(value):
                raise ConfigurationError(
                    f"{flag_of(name)} is '{value}'; expected at most 100 letters, digits, _ and -, "
                    "the first a letter or digit."
                )

    def _check_engine(self) -> None:
        """Refuses settings of Beam that say nothing together."""
        if self.engine.engine.name != LOCAL and self.beam_mode != PipelineConfig.beam_mode:
            raise ConfigurationError(
                f"--beam-mode is {self.beam_mode}, which is for --beam local; --beam is "
                f"{self.beam}. Leave one of them out."
            )
        if self.beam == DATAFLOW and not self.root.startswith("gs://"):
            raise ConfigurationError(
                f"--root is '{self.root}'; expected a folder gs://BUCKET/... with --beam dataflow: "
                "its workers see no file of this machine."
            )

    @property
    def engine(self) -> EngineChoice:
        """Returns what runs Beam's jobs."""
        return choose_engine(self.beam, self.beam_endpoint, self.beam_workers, self.beam_options)

    @property
    def token_settings(self) -> TokenSettings:
        """Returns what the settings say of tokens."""
        names = [field.name for field in dataclasses.fields(TokenSettings)]
        return TokenSettings(**{name: getattr(self, name) for name in names})

    @property
    def table_options(self) -> TableOptions:
        """Returns what the settings say of how tables are written."""
        return TableOptions(
            self.delimiter, self.encoding, self.quoting, self.header, self.max_bad_records
        )


def setting_fields() -> list[dataclasses.Field[Any]]:
    """Returns all settings, those of a group together, its hyperparameters last."""
    hyperparameters = {field.name for field in dataclasses.fields(Hyperparameters)}
    return sorted(
        dataclasses.fields(PipelineConfig),
        key=lambda field: (GROUPS.index(field.metadata["group"]), field.name in hyperparameters),
    )


def hyperparameters_for(
    config: PipelineConfig, is_sample: bool, has_eval: bool = False
) -> dict[str, Hyperparameters]:
    """Returns those of the variant's preset, with what the user set, by the variant's name.

    There is one variant, or those that `model` is to choose from.

    Args:
      config: What the user asked for.
      is_sample: Whether the data is the generated sample, which has a preset of its own.
      has_eval: Whether the data has an eval split of its own.

    Raises:
      ConfigurationError: The variant has no such preset or hyperparameter, or there is no eval
        split for what needs one.
    """
    overrides = {
        field.name: getattr(config, field.name) for field in dataclasses.fields(Hyperparameters)
    }
    preset = config.preset or (SAMPLE if is_sample else "")
    by_variant = configure_variants(config.model, preset, overrides)
    needs_eval = any(each.needs_validation for each in by_variant.values())
    if needs_eval and not (has_eval or config.validation_fraction):
        raise ConfigurationError(
            "--early-stopping and --restore-best ask for the loss on eval, and no review is kept "
            "for it: --validation-fraction is 0.0. Try --validation-fraction 0.1."
        )
    return by_variant
