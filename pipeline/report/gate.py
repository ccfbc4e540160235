"""What the gate of a recorded run asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.evaluator.bounds import GateBounds
from components.storage.place import place_of

_FILE = "eval_config.json"
_ACCURACY, _MACRO_F1, _LIFT = "binary_accuracy", "macro_f1", "proven_lift"
_ACCURACY_OF_MANY = "accuracy"
_REGRESSION_TEST, _SLICE_ACCURACY = "RegressionTest", "SliceAccuracy"


def read_bounds(evaluation: str) -> GateBounds:
    """Reads the gate of an `evaluation` artifact, as TFMA was told of it.

    Raises:
      LookupError: It has none.
    """
    config = _read(evaluation)
    found = {
        json.loads(metric.get("config") or "{}").get("name", ""): metric
        for spec in config.get("metricsSpecs", ())
        for metric in spec.get("metrics", ())
    }
    accuracy = _threshold(found.get(_ACCURACY) or found.get(_ACCURACY_OF_MANY))
    macro_f1, lift = _threshold(found.get(_MACRO_F1)), _threshold(found.get(_LIFT))
    slices = _of_slices(config)
    changes = [_worst_change(each) for each in (accuracy, macro_f1)]
    known = [change for change in changes if change is not None]
    return GateBounds(
        min_accuracy=_least(accuracy) or 0.0,
        min_macro_f1=_least(macro_f1),
        max_regression=max(known, default=0.0),
        min_lift=_least(lift) or 0.0,
        compares_accuracy=changes[0] is not None,
        by_significance=bool(_metrics(config, _REGRESSION_TEST)),
        **slices,
    )


def gated_slices(evaluation: str) -> frozenset[frozenset[str]]:
    """Returns the features of the slices that must reach a least accuracy.

    Raises:
      LookupError: What the gate asked for is not known.
    """
    return frozenset(
        frozenset(spec.get("featureKeys", ()))
        for metric in _metrics(_read(evaluation), _SLICE_ACCURACY)
        for threshold in metric.get("perSliceThresholds", ())
        for spec in threshold.get("slicingSpecs", ())
    )


def _read(evaluation: str) -> Mapping[str, Any]:
    path = place_of(evaluation) / _FILE
    if not path.is_file():
        raise LookupError(f"{path} is not there: the gate is not known.")
    return dict(json.loads(path.read_text(encoding="utf-8"))["evalConfig"])


def _metrics(config: Mapping[str, Any], class_name: str) -> list[Mapping[str, Any]]:
    return [
        metric
        for spec in config.get("metricsSpecs", ())
        for metric in spec.get("metrics", ())
        if metric.get("className") == class_name
    ]


def _of_slices(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the bounds on slices by their names in `GateBounds`; none if none was asked."""
    for metric in _metrics(config, _SLICE_ACCURACY):
        (threshold,) = metric["perSliceThresholds"]
        least = float(threshold["threshold"].get("valueThreshold", {}).get("lowerBound", 0.0))
        return {
            "min_slice_accuracy": least,
            "min_slice_size": json.loads(metric["config"])["min_size"],
        }
    return {}


def _threshold(metric: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Returns the threshold on the whole split."""
    for each in (metric or {}).get("perSliceThresholds", ()):
        if not any(each.get("slicingSpecs", [{}])):
            return dict(each["threshold"])
    return None


def _least(threshold: Mapping[str, Any] | None) -> float | None:
    if threshold is None:
        return None
    # The JSON form of a proto leaves zeros out.
    return float(threshold.get("valueThreshold", {}).get("lowerBound", 0.0))


def _worst_change(threshold: Mapping[str, Any] | None) -> float | None:
    if not threshold or "changeThreshold" not in threshold:
        return None
    return -float(threshold["changeThreshold"].get("absolute", 0.0))
