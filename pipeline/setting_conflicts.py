"""Refuses settings that contradict each other, or that do not fit the data.

Each value by itself is checked by `pipeline.config`. These checks need the run's data as well.
"""

from __future__ import annotations

from components.dataset.source import ReviewSource
from components.errors import ConfigurationError
from components.models.automatic import AUTO, objection_to_fixed
from components.models.decision import parse_goal
from components.models.registry import Variant
from pipeline.config import PipelineConfig


def check_choice(config: PipelineConfig) -> None:
    """Refuses settings that are about one variant where the Trainer is to choose one.

    Raises:
      ConfigurationError: Names the first of them.
    """
    for name in ("warm_start", "tune", "hyperparameters_from"):
        if config.model == AUTO and getattr(config, name):
            raise objection_to_fixed(name)


def check_search(config: PipelineConfig, is_comparison: bool, has_eval: bool) -> None:
    """Refuses a search that has no reviews to judge on, or that makes no sense.

    Raises:
      ConfigurationError: Says what to set instead.
    """
    if is_comparison and (config.tune or config.hyperparameters_from):
        raise ConfigurationError(
            "--tune and --hyperparameters-from: a comparison takes presets, e.g. --models "
            "lstm:tuned, and flags that all its variants have. Leave them out."
        )
    if config.tune and config.hyperparameters_from:
        raise ConfigurationError(
            "--tune searches for hyperparameters and --hyperparameters-from gives them; choose one."
        )
    if config.tune and not (has_eval or config.validation_fraction):
        raise ConfigurationError(
            "--tune judges each trial on the eval split, never on test, and no review is kept for "
            "it: --validation-fraction is 0.0. Try --validation-fraction 0.1."
        )


def check_warm_start(config: PipelineConfig, variant: Variant, is_comparison: bool) -> None:
    """Refuses to continue from an earlier model where that makes no sense.

    Raises:
      ConfigurationError: Says what to leave out.
    """
    if config.warm_start and not variant.uses_gradient_descent:
        raise ConfigurationError(
            f"--warm-start: '{variant.name}' is fitted by a solver, and cannot continue from an "
            "earlier model. Leave it out, or choose a variant that is trained epoch by epoch."
        )
    if config.warm_start and config.folds:
        raise ConfigurationError(
            "--folds and --warm-start: an earlier model has seen reviews that a fold is judged on. "
            "Leave one of them out."
        )
    if config.folds and is_comparison:
        raise ConfigurationError(
            "--folds: a comparison measures on the test split. Leave it out, and cross-validate "
            "one model by `sentiment run`."
        )
    if config.warm_start and is_comparison:
        raise ConfigurationError(
            "--warm-start: a comparison trains every model from scratch, so that the order "
            "of its trainings does not matter. Leave it out."
        )


def check_validation(config: PipelineConfig, source: ReviewSource) -> None:
    """Refuses to take an eval split out of train where the data has one.

    Raises:
      ConfigurationError: Says what to leave out.
    """
    if source.has_eval and config.validation_fraction:
        raise ConfigurationError(
            f"--validation-fraction is {config.validation_fraction}, and {source.name} has a "
            "validation split of its own, which becomes eval. Leave --validation-fraction out, or "
            "set it to 0."
        )


def check_decision(config: PipelineConfig, source: ReviewSource, is_comparison: bool) -> None:
    """Refuses to choose a threshold where there are no reviews for it, or no two classes.

    Raises:
      ConfigurationError: Says what to set instead.
    """
    if not config.decide:
        return
    parse_goal(config.decide).label_among(source.classes)
    if is_comparison:
        raise ConfigurationError(
            "--decide: a comparison measures all models at 0.5. Leave it out, and choose a "
            "threshold for one model by `sentiment run`."
        )
    if config.folds:
        raise ConfigurationError(
            "--folds and --decide: the models of the folds decide at 0.5, so the gate would judge "
            "another rule than the one that is exported. Leave one of them out."
        )
    if not (source.has_eval or config.validation_fraction):
        raise ConfigurationError(
            "--decide chooses the threshold on the eval split, never on test, and no review is "
            "kept for it: --validation-fraction is 0.0. Try --validation-fraction 0.1."
        )


def check_slices(config: PipelineConfig) -> None:
    """Refuses to hold slices to a least accuracy that folds do not know of.

    Raises:
      ConfigurationError: Says what to set or to leave out.
    """
    if config.folds and config.min_slice_accuracy is not None and not config.slice_by:
        raise ConfigurationError(
            "--folds and --min-slice-accuracy: folds know slices by columns alone, and none is "
            "named. Name some with --slice-by, or leave one of them out."
        )
