"""Compiles a configuration to the file that Kubeflow Pipelines and Vertex take."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.dataset.resolve import resolve_source
from components.errors import ConfigurationError
from components.models.automatic import variants_of
from pipeline.beam_engines import LOCAL, MULTI_PROCESSING
from pipeline.config import NAME, PipelineConfig, hyperparameters_for
from pipeline.resolution import (
    ResolvedRun,
    beam_arguments,
    check_choice,
    check_slices,
    check_warm_start,
    engine_for,
    fingerprints,
)
from pipeline.runners.kubeflow.cluster_settings import (
    RUNTIME_PARAMETERS,
    SAMPLE,
    check_image,
    check_settings,
)
from pipeline.tuner_values import with_found

YAML, JSON = (".yaml", ".yml"), (".json",)
# What the run of a cluster does not have: a console and a page.
_OF_THIS_MACHINE = ("report", "debug", "hyperparameters_from")


def compile_pipeline(config: PipelineConfig, engine: str, image: str, output: Path) -> list[str]:
    """Writes the compiled pipeline; touches neither the data nor a cluster.

    Args:
      config: What the user asked for.
      engine: One of `cluster_settings.ENGINES`.
      image: The container image of every step.
      output: The file: .yaml holds the PipelineSpec, .json a PipelineJob around it.

    Returns:
      The names of the steps, in their order.

    Raises:
      ConfigurationError: A setting, the image or the output cannot be used.
    """
    check_output(output)
    check_image(image)
    check_settings(config, engine)
    check_choice(config)
    check_slices(config)
    check_warm_start(config, variants_of(config.model)[0], is_comparison=False)
    if config.hyperparameters_from:
        config = with_found(config, Path(), "")
    # TFX takes seconds to import: a wrong setting is told before that.
    from pipeline.runners.kubeflow.specification import (
        as_dict,
        specification,
        with_runtime_parameters,
    )

    run = shape_of(config)
    spec = with_runtime_parameters(specification(run, image), config, fixed_settings(config), image)
    root = f"{config.root.rstrip('/')}/pipelines/{spec.pipeline_info.name}"
    spec.default_pipeline_root = root
    write(as_dict(spec), root, output)
    return list(spec.root.dag.tasks)


def shape_of(config: PipelineConfig) -> ResolvedRun:
    """Returns a run that has the steps of `config`, with the sample as its data.

    Whatever a step is told comes from the step Settings, when the pipeline runs.

    Raises:
      ConfigurationError: The hyperparameters do not suit the variant.
    """
    source = resolve_source(SAMPLE)
    infra_engine = engine_for(config.infra_validation)
    name = config.pipeline_name or f"{name_of_data(config.data)}_sentiment"
    beam = config
    if config.beam == LOCAL and config.beam_mode == "auto" and config.data != SAMPLE:
        # How large the data is, is known in the cluster alone.
        beam = dataclasses.replace(config, beam_mode=MULTI_PROCESSING)
    return ResolvedRun(
        config=config,
        source=source,
        pipeline_name=name,
        model_name=config.model_name or name,
        candidates=hyperparameters_for(config, config.data == SAMPLE, has_eval=True),
        root=Path("/"),
        fingerprints=fingerprints(variants_of(config.model), infra_engine),
        beam_arguments=beam_arguments(beam, source),
        infra_engine=infra_engine,
    )


def name_of_data(data: str) -> str:
    """Returns the name that data has before it is looked at: that of its first file or folder.

    >>> name_of_data("gs://bucket/films/Reviews 2026.csv.gz")
    'reviews_2026'
    """
    from components.dataset.names import name_of

    first = data.split(",")[0].rstrip("/")
    name = SAMPLE if data == SAMPLE else name_of(Path(first))
    return name if NAME.fullmatch(name) else "reviews"


def fixed_settings(config: PipelineConfig) -> Mapping[str, Any]:
    """Returns the settings that differ from their defaults and are no parameters."""
    return {
        field.name: value
        for field in dataclasses.fields(PipelineConfig)
        if field.name not in (*RUNTIME_PARAMETERS, *_OF_THIS_MACHINE)
        and (value := getattr(config, field.name)) != field.default
    }


def check_output(output: Path) -> None:
    """Refuses a file that cannot be written, before anything is computed.

    Raises:
      ConfigurationError: Says what is in the way.
    """
    if output.suffix not in (*YAML, *JSON):
        raise ConfigurationError(
            f"--output is '{output}'; expected a file that ends in .yaml (for both engines) or "
            ".json (a PipelineJob, for Vertex)."
        )
    folder = output.absolute().parent
    if output.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise _not_writable(output, "its folder is missing, or is not yours to write to")


def write(spec: Mapping[str, Any], root: str, output: Path) -> None:
    """Writes the file whole, or leaves what was there.

    Raises:
      ConfigurationError: It cannot be written.
    """
    if output.suffix in JSON:
        job = {
            "displayName": spec["pipelineInfo"]["name"],
            "pipelineSpec": spec,
            "runtimeConfig": {"gcsOutputDirectory": root},
        }
        text = json.dumps(job, indent=1, sort_keys=True) + "\n"
    else:
        text = yaml.safe_dump(dict(spec), sort_keys=True, allow_unicode=True)
    unfinished = ""
    try:
        descriptor, unfinished = tempfile.mkstemp(dir=output.absolute().parent, prefix=".compiled-")
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(unfinished, 0o666 & ~umask)
        os.replace(unfinished, output)
    except OSError as error:
        if unfinished:
            Path(unfinished).unlink(missing_ok=True)
        raise _not_writable(output, error.strerror or str(error)) from error


def _not_writable(output: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"--output is '{output}'; expected a file that can be written: {why}."
    )
