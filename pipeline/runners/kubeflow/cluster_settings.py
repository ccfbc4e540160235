"""Which settings a cluster can have, and which of them are parameters of the compiled pipeline.

A parameter is given anew for each run of the compiled file. Settings that decide which steps there
are, or what flows between them, are fixed when it is compiled; so are those of how steps run,
which stand on their containers' command lines.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from components.errors import ConfigurationError
from pipeline.beam_engines import DATAFLOW, LOCAL
from pipeline.config import PipelineConfig
from pipeline.settings import parse
from pipeline.tuner_values import FROM_TUNER

KUBEFLOW, VERTEX = ENGINES = ("kubeflow", "vertex")

# No one of them decides which steps there are.
RUNTIME_PARAMETERS = (
    "data",
    "root",
    "model",
    "epochs",
    "min_accuracy",
    "min_macro_f1",
    "max_regression",
    "min_lift",
    "min_slice_accuracy",
)

SAMPLE = "sample"
# What the steps' own pods can write and TensorFlow's and Beam's file systems read.
_STORES = {KUBEFLOW: ("gs://", "s3://"), VERTEX: ("gs://",)}
_URI = re.compile(r"[a-z][a-z0-9+.-]*://[^/]+.*")
# [HOST[:PORT]/]PATH[:TAG][@DIGEST], https://pkg.go.dev/github.com/distribution/reference
_LONGEST_IMAGE = 512
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME_OF_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"{_NAME_OF_HOST}(?:\.{_NAME_OF_HOST})*(?::[0-9]{{1,5}})?"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)


def check_image(image: str) -> None:
    """Refuses what is no reference of a container image.

    Raises:
      ConfigurationError: Says how one is written.
    """
    if len(image) > _LONGEST_IMAGE or not _IMAGE.fullmatch(image):
        raise ConfigurationError(
            f"--image is '{image}'; expected the name of a container image that has this package, "
            "as [HOST[:PORT]/]NAME[:TAG] or with @sha256:DIGEST, the name in small letters, e.g. "
            "europe-docker.pkg.dev/project/repository/sentiment:1."
        )


def check_settings(config: PipelineConfig, engine: str) -> None:
    """Refuses settings that mean this machine.

    Args:
      config: What the user asked for.
      engine: One of ENGINES.

    Raises:
      ConfigurationError: Says what to set instead.
    """
    stores = _STORES[engine]
    if not config.root.startswith(stores) or not _URI.fullmatch(config.root):
        raise ConfigurationError(
            f"--root is '{config.root}'; the steps of --runner {engine} share no folder of this "
            f"machine. Expected a folder of an object store: "
            f"{' or '.join(f'{store}BUCKET/FOLDER' for store in stores)}."
        )
    check_data(config.data)
    if config.infra_validation == "docker":
        raise ConfigurationError(
            "--infra-validation docker: a step of a cluster cannot start containers. Choose auto, "
            "embedded, off, or binary if tensorflow_model_server is in the image."
        )
    if config.metadata:
        raise ConfigurationError(
            "--metadata: a step of a cluster sees no ML Metadata; the engine keeps its own. Leave "
            "it out: the last blessed model is found among the pushed versions."
        )
    if config.beam not in (LOCAL, DATAFLOW):
        raise ConfigurationError(
            f"--beam is '{config.beam}'; a step of a cluster runs Beam's jobs in its own container "
            f"({LOCAL}) or on {DATAFLOW}. Choose one of these."
        )
    if config.hyperparameters_from == FROM_TUNER:
        raise ConfigurationError(
            f"--hyperparameters-from {FROM_TUNER} reads the metadata of a root on one machine, "
            "which a cluster's steps do not have. Name the JSON file that the search wrote."
        )


def check_folders(root: str, serving_dir: str) -> None:
    """Refuses folders that are lost when the step that writes to them ends.

    Args:
      root: A parameter of the run.
      serving_dir: What is pushed to; "" is below the root.

    Raises:
      ConfigurationError: Says what to set instead.
    """
    for flag, path in (("--root", root), ("--serving-dir", serving_dir or root)):
        if not path.startswith("/") and not _URI.fullmatch(path):
            raise ConfigurationError(
                f"{flag} is '{path}'; a step's own disk is lost when it ends. Expected a URI such "
                "as gs://BUCKET/FOLDER, or the absolute path of a volume that is mounted in every "
                "step."
            )


def check_data(data: str) -> None:
    """Refuses data that not every step of a cluster can reach.

    Raises:
      ConfigurationError: Says what to set instead.
    """
    if data == SAMPLE or all(
        part.startswith("/") or _URI.fullmatch(part) for part in data.split(",")
    ):
        return
    raise ConfigurationError(
        f"--data is '{data}'; every step of a cluster must reach the reviews. Expected sample, a "
        "URI such as gs://BUCKET/reviews.csv, or the absolute path of a volume that is mounted in "
        "every step."
    )


def default_of(config: PipelineConfig, name: str) -> str | float:
    """Returns a parameter's default: what was set when the pipeline was compiled; "" for unset."""
    value = getattr(config, name)
    return "" if value is None else _spelled(name, value)


def with_parameters(settings: Mapping[str, Any], given: Mapping[str, Any]) -> PipelineConfig:
    """Returns the settings of one run.

    Args:
      settings: As they were when the pipeline was compiled.
      given: The parameters, by name; "" leaves a setting to its default.

    Raises:
      ConfigurationError: A parameter cannot be used.
    """
    fields = {field.name: field for field in dataclasses.fields(PipelineConfig)}
    values = dict(settings)
    for name, value in given.items():
        if value == "" and fields[name].default is None:
            values[name] = None
        else:
            values[name] = parse(fields[name], value)
    return PipelineConfig(**values)


def is_number(name: str) -> bool:
    """Returns whether a parameter is a number: one that may be unset is text."""
    field = PipelineConfig.__dataclass_fields__[name]
    return field.metadata["type"] is float and field.default is not None


def _spelled(name: str, value: Any) -> str | float:
    return float(value) if is_number(name) else str(value)
