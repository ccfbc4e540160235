"""Which settings, and which of the data, are behind the parameters of a step that differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from components.evaluator import binary_metrics, class_metrics
from components.models.class_list import class_list
from components.storage.files import name_of, parent_of
from pipeline.config import PipelineConfig
from pipeline.graph import SOURCE_FINGERPRINT
from pipeline.planning.changed_data import changed_data
from pipeline.planning.rehearsal import Attempt
from pipeline.planning.setting_words import is_setting, setting_changed, setting_is, shown

# Parameters, and keys within them, that are called otherwise than their setting.
_SETTINGS = {
    "engine": "infra_validation",
    "trials": "tune",
    "base_directory": "model_name",
    "slice_columns": "slice_by",
}
_EVAL_CONFIG = "eval_config"
# Classes of metrics, as an EvalConfig names them.
_SLICE_ACCURACY, _REGRESSION_TEST = "SliceAccuracy", "RegressionTest"
# What no setting of the gate is behind.
_REST = (_EVAL_CONFIG, _EVAL_CONFIG)
_SLICES_OF_EVERY_DATA_SET = 4
_MINIMUMS = tuple((_EVAL_CONFIG, name) for name in ("min_accuracy", "min_macro_f1", "min_lift"))
# They follow from a setting that another step, or another parameter, tells better.
_DERIVED = frozenset(
    (
        "has_validation",
        "is_tuned",
        "set_by_user",
        "splits",
        "analyze",
        "transform",
        "digest",
        "compares_accuracy",
        "by_significance",
    )
)
_GATE = {
    binary_metrics.ACCURACY: "min_accuracy",
    class_metrics.ACCURACY: "min_accuracy",
    binary_metrics.MACRO_F1: "min_macro_f1",
    binary_metrics.PROVEN_LIFT: "min_lift",
}


class ChangedParameters(NamedTuple):
    """What differs between the parameters of two executions, but for the code.

    Attributes:
      told: Each change in words.
      derived: The same of what follows from a change that an input tells as well.
      is_other_variant: Whether another model variant is trained.
    """

    told: Sequence[str]
    derived: Sequence[str]
    is_other_variant: bool


def changed_parameters(
    step: str, before: Attempt, now: Attempt, config: PipelineConfig
) -> ChangedParameters:
    """Compares the parameters of two executions.

    Args:
      step: Its id in the pipeline.
      before: The earlier execution.
      now: What the step would be given.
      config: What the user asks for now.
    """
    if step == "ReviewExampleGen":
        data = changed_data(before.parameters["source"], now.parameters["source"], before.started)
    else:
        data = []
    old, new = _told(before.parameters), _told(now.parameters)
    paths = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    is_other_variant = ("custom_config", "model") in paths
    if is_other_variant:
        # Each variant has hyperparameters of its own: they go without saying.
        paths = [path for path in paths if not {"hyperparameters", "candidates"} & set(path)]
    direct = [path for path in paths if not _DERIVED & set(path)]
    if (_EVAL_CONFIG, "gate") in direct:
        # What one of both asks for, the other does not have.
        direct = [path for path in direct if path != (_EVAL_CONFIG, "max_regression")]
    if direct != [_REST]:
        direct = [path for path in direct if path != _REST]
    # The Evaluator is asked for less where the folds are judged.
    by_folds = _MINIMUMS if config.folds or not any(map(old.get, _MINIMUMS)) else ()
    changes = [
        setting_is("folds", config)
        if path in by_folds
        else _change(path, old.get(path), new.get(path), config)
        for path in direct
    ]
    derived = [f"its parameter `{'.'.join(path)}` changed" for path in paths]
    return ChangedParameters([*data, *changes], derived, is_other_variant)


def _change(path: tuple[str, ...], before: Any, now: Any, config: PipelineConfig) -> str:
    """Returns a change in words."""
    name = _SETTINGS.get(path[-1], path[-1])
    if path == _REST:
        return "what it measures changed (`eval_config`)"
    if name == "model_name":
        old, new = str(before), str(now)
        if name_of(old) == name_of(new):  # of another root that shares what is recorded
            return setting_changed("root", *(parent_of(parent_of(each)) for each in (old, new)))
        return setting_changed(name, name_of(old), name_of(new))
    if is_setting(name):
        # A bound of 0 may stand for none.
        is_unset = not now and getattr(config, name) is None
        return setting_changed(name, before, None if is_unset else now)
    if name == "classes" and before and now:
        return f"the classes are {class_list(tuple(now))}, were {class_list(tuple(before))}"
    return f"its `{'.'.join(path)}` is {shown(name, now)}, was {shown(name, before)}"


def _told(parameters: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    """Returns all values of a step's parameters by the keys that lead to them.

    The source and the fingerprints are left out: they have words of their own.
    """
    told: dict[tuple[str, ...], Any] = {}
    for name, value in parameters.items():
        if name in (SOURCE_FINGERPRINT, "source"):
            continue
        decoded = _decoded(value)
        if name == _EVAL_CONFIG and isinstance(decoded, dict):
            told |= {(name, key): each for key, each in _gate(decoded).items()}
        else:
            told |= dict(_leaves((name,), decoded))
    return {
        path: value
        for path, value in told.items()
        # What a card says of the data and the code is in what the Pusher is given.
        if SOURCE_FINGERPRINT not in path
        and path[:2] not in (("facts", "origin"), ("facts", "data"))
    }


def _gate(eval_config: dict[str, Any]) -> dict[str, Any]:
    """Returns the gate's bounds by their settings, and all else that an EvalConfig says."""
    found: dict[str, Any] = {"min_lift": 0.0, "gate": "points"}
    for specs in eval_config.get("metrics_specs", ()):
        for metric in specs.get("metrics", ()):
            if metric.get("class_name") == _SLICE_ACCURACY:
                found |= _slice_gate(metric)
            if metric.get("class_name") == _REGRESSION_TEST:
                found["gate"] = "significant"
        specs["metrics"] = [
            metric
            for metric in specs.get("metrics", ())
            if metric.get("class_name") not in (_SLICE_ACCURACY, _REGRESSION_TEST)
        ]
        for metric in specs.get("metrics", ()):
            bound = _GATE.get(_decoded(metric.get("config", "{}")).get("name"))
            if bound is None:
                continue
            for slices in metric.pop("per_slice_thresholds", ()):
                threshold = slices.get("threshold", {})
                # What is not above 0 is left out of an EvalConfig's text.
                found[bound] = threshold.get("value_threshold", {}).get("lower_bound")
                change = threshold.get("change_threshold", {})
                if change:
                    found["max_regression"] = abs(change.get("absolute", 0.0))
    slices = [spec.get("feature_keys", []) for spec in eval_config.pop("slicing_specs", ())]
    found["slice_by"] = slices[_SLICES_OF_EVERY_DATA_SET:]
    return found | {_EVAL_CONFIG: json.dumps(eval_config, sort_keys=True)}


def _slice_gate(metric: dict[str, Any]) -> dict[str, Any]:
    (threshold,) = metric["per_slice_thresholds"]
    return {
        "min_slice_accuracy": threshold["threshold"]["value_threshold"].get("lower_bound"),
        "min_slice_size": _decoded(metric["config"])["min_size"],
    }


def _leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves((*path, key), each)
    else:
        yield path, value


def _decoded(value: Any) -> Any:
    """Returns what a text says as JSON, if it is one."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
