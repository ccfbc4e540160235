"""Reads what the page of a run shows: from ML Metadata and the artifacts, and nothing else.

A part that cannot be read is no reason to have no page: it says why instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from components import features
from components.errors import summary_of
from components.evaluator import lift
from components.evaluator.bounds import GateBounds
from components.evaluator.confusion import Confusion
from components.evaluator.results import EvaluationResults
from components.hyperparameters import Hyperparameters
from components.models.training_record import TrainingRecord
from pipeline.paths import shown
from pipeline.report import predictions
from pipeline.report.contents import (
    Contents,
    CurvePoint,
    Data,
    HistoryRow,
    Listed,
    Missing,
    Setting,
    StepRow,
    Verdict,
)
from pipeline.report.gate import read_bounds
from pipeline.report.intervals import wilson
from pipeline.results.lineage import read_lineage
from pipeline.results.run_record import RunRecord, why_skipped
from pipeline.results.step_titles import TITLES
from pipeline.results.summary import SliceRow
from pipeline.root import METADATA_FILE

T = TypeVar("T")

_MOST_ANOMALIES = 50


def gather(root: Path, pipeline_name: str, run_id: str, error: str = "") -> Contents:
    """Reads a run.

    Args:
      root: Of the run.
      pipeline_name: Of its pipeline.
      run_id: The run's.
      error: What ended it, where ML Metadata does not say so yet.

    Raises:
      LookupError: There is no such run.
    """
    return _Reader(root, pipeline_name, run_id).contents(error)


def _part(read: Callable[[], T]) -> T | Missing:
    """Returns what `read` returns, or why there is nothing."""
    try:
        return read()
    except LookupError as error:
        return Missing(str(error.args[0]) if error.args else "It is not there.")
    except Exception as error:  # whatever was damaged, the other parts are shown
        return Missing(f"It could not be read: {summary_of(error)}")


class _Reader:
    """Reads the parts of one run; what several of them need is read once."""

    def __init__(self, root: Path, pipeline_name: str, run_id: str):
        self._root = root
        self._metadata = root / METADATA_FILE
        self._pipeline_name = pipeline_name
        self._record = RunRecord(self._metadata, pipeline_name, run_id)
        self._lineage = read_lineage(self._metadata, pipeline_name, run_id)
        self._trained = _part(lambda: TrainingRecord.read(self._saved_model()))
        self._evaluated = _part(self._evaluation)

    def contents(self, error: str) -> Contents:
        """Returns all parts."""
        trained, lineage = self._trained, self._lineage
        source = self._source()
        is_trained = isinstance(trained, TrainingRecord)
        classes = trained.classes if is_trained else tuple(source.get("classes", features.CLASSES))
        return Contents(
            pipeline_name=self._pipeline_name,
            run_id=lineage.run_id,
            started=lineage.started,
            seconds=lineage.seconds,
            state=self._state(error),
            error=error,
            model=trained.model if is_trained else "",
            parameters=trained.parameters if is_trained else 0,
            data_name=source.get("name", ""),
            classes=classes,
            chosen_because=trained.chosen_because if is_trained else "",
            is_sample=source.get("kind") == "sample",
            verdict=_part(lambda: self._verdict(classes)),
            metrics=_part(lambda: _known(self._evaluated)[0].overall),
            training=_part(self._training),
            confusion=_part(self._confusion),
            quality=_part(lambda: predictions.quality(self._files("Evaluator", "evaluation"))),
            slices=_part(self._slices),
            mistakes=_part(lambda: self._mistakes(classes)),
            data=_part(self._data),
            duplicates=Missing("Near duplicates were not looked for."),
            doubts=Missing("Labels were not checked."),
            steps=tuple(self._steps()),
            lineage=lineage,
            settings=Missing("The settings of this run were not recorded."),
            hyperparameters=_part(self._hyperparameters),
            versions=Missing("The versions were not recorded."),
            fingerprints=_part(self._fingerprints),
            commit=Missing("The commit was not recorded."),
            history=_part(self._history),
        )

    def _files(self, step: str, key: str) -> str:
        """Returns the folder of an output.

        Raises:
          LookupError: The run did not come to the step, has none, or its folder is gone.
        """
        names = [each.step for each in self._lineage.executions]
        if step not in names:
            raise LookupError(f"The run has no {step}, or did not come to it.")
        outputs = self._record.outputs(step, key)
        if not outputs:
            raise LookupError(f"{step} did not end well, and left no {key}.")
        uri = outputs[0].uri
        if not Path(uri).exists():
            raise LookupError(f"The files of {step}'s {key} are not there any more: {shown(uri)}")
        return uri

    def _saved_model(self) -> str:
        from tfx.utils import path_utils

        return path_utils.serving_model_path(self._files("Trainer", "model"))

    def _evaluation(self) -> tuple[EvaluationResults, EvaluationResults | None]:
        """Returns what was measured of the model, and of the last blessed one."""
        from components.evaluator import results

        uri = self._files("Evaluator", "evaluation")
        if not self._record.inputs("Evaluator", "baseline_model"):
            return results.load(uri), None
        candidate = results.load(uri, has_baseline=True)
        return candidate, results.load(uri, has_baseline=True, baseline=True)

    def _source(self) -> Mapping[str, object]:
        """Returns what ReviewExampleGen was told of the data."""
        try:
            return dict(json.loads(self._property("ReviewExampleGen", "source")))
        except (LookupError, ValueError):
            return {}

    def _property(self, step: str, name: str) -> str:
        for each in self._lineage.executions:
            if each.step == step and name in each.properties:
                return each.properties[name]
        raise LookupError(f"{step} has no '{name}' in ML Metadata.")

    def _state(self, error: str) -> str:
        states = {each.state for each in self._lineage.executions}
        if error or "failed" in states:
            return "failed"
        return next((state for state in ("interrupted", "running") if state in states), "complete")

    def _verdict(self, classes: tuple[str, ...]) -> Verdict:
        """Judges as the gate did, in its words."""
        from components.infra_validator.outcome import Outcome
        from pipeline.results.summarize import infra_refusals, refusals

        candidate, baseline = _known(self._evaluated)
        confusion = candidate.confusion
        if confusion is None:
            raise LookupError("The Evaluator measured no confusion matrix.")
        folds = self._cross_validation()
        bounds = self._bounds(has_folds=folds is not None)
        judged = folds.confusion if folds else confusion
        interval = wilson(float(judged.right.sum()), judged.examples)
        passed = self._blessing("CrossValidator" if folds else "Evaluator")
        blessings = self._record.outputs("InfraValidator", "blessing")
        infra = Outcome.read(blessings[0]) if blessings else None
        of_baseline = baseline.overall if baseline else {}
        why_not = refusals(candidate.overall, confusion, bounds, of_baseline, classes, folds)
        pushed = self._record.outputs("Pusher", "pushed_model")
        destination = pushed and pushed[0].custom_properties["pushed_destination"].string_value
        return Verdict(
            is_blessed=passed and not (infra and infra.refusal),
            refusals=infra_refusals(infra) if passed else why_not,
            accuracy=judged.accuracy,
            low=interval[0],
            high=interval[1],
            reviews=judged.examples,
            judged_on=f"reviews, in {len(folds.folds)} folds" if folds else "test reviews",
            min_accuracy=bounds.min_accuracy or None,
            min_macro_f1=bounds.min_macro_f1,
            macro_f1=judged.macro_f1,
            max_regression=bounds.max_regression,
            baseline_accuracy=of_baseline.get("accuracy"),
            compared="",
            larger_class=lift.largest_class(judged.sizes.tolist(), classes),
            infra_validation=infra,
            pushed_to=shown(self._root / destination) if destination else None,
        )

    def _blessing(self, step: str) -> bool:
        blessings = self._record.outputs(step, "blessing")
        if not blessings:
            raise LookupError(f"The run did not come to a verdict of {step}.")
        return bool(blessings[0].custom_properties["blessed"].int_value)

    def _cross_validation(self):  # type: ignore[no-untyped-def]
        from components.cross_validator.figures import CrossValidation

        has_folds = self._record.outputs("CrossValidator", "cross_validation")
        if not has_folds:
            return None
        return CrossValidation.read(self._files("CrossValidator", "cross_validation"))

    def _bounds(self, has_folds: bool) -> GateBounds:
        """Returns the gate's bounds; with folds, the minimums are those of CrossValidator."""
        if has_folds:
            return GateBounds(**json.loads(self._property("CrossValidator", "bounds")))
        return read_bounds(self._files("Evaluator", "evaluation"))

    def _training(self) -> tuple[CurvePoint, ...]:
        curve = getattr(_known(self._trained), "curve", ())
        if not curve:
            raise LookupError("No training curve was recorded, or this variant is not fitted by steps.")
        names = [field.name for field in fields(CurvePoint)]
        return tuple(
            CurvePoint(**{name: getattr(point, name, None) for name in names}) for point in curve
        )

    def _confusion(self) -> Confusion:
        confusion = _known(self._evaluated)[0].confusion
        if confusion is None:
            raise LookupError("The Evaluator measured no confusion matrix.")
        return confusion

    def _slices(self) -> tuple[SliceRow, ...]:
        from pipeline.results.summarize import slice_rows

        rows = tuple(slice_rows(_known(self._evaluated)[0]))
        if not rows:
            raise LookupError("The Evaluator measured no slices.")
        return rows

    def _mistakes(self, classes: tuple[str, ...]) -> Listed:
        return predictions.mistakes(
            self._files("Evaluator", "evaluation"),
            self._files("ReviewExampleGen", "examples"),
            _part(self._saved_model),
            classes,
        )

    def _data(self) -> Data:
        from components.example_gen.reading_report import ReadingReport

        report = ReadingReport.read(self._files("ReviewExampleGen", "report"))
        counts = {
            split: {name: by_label.get(str(n), 0) for n, name in enumerate(report.classes)}
            for split, by_label in report.reviews.items()
        }
        return Data(
            counts=counts,
            leaks=report.leaks,
            dropped_leaks=report.dropped_leaks,
            left_out={reason or "other": count for reason, count in report.left_out.items()},
            problems=report.problems,
            mean_lengths=_part(self._mean_lengths),
            anomalies=_part(self._anomalies),
        )

    def _mean_lengths(self) -> Mapping[str, float]:
        from tensorflow_metadata.proto.v0 import statistics_pb2

        lengths = {}
        for path in sorted(Path(self._files("StatisticsGen", "statistics")).glob("Split-*/*.pb")):
            read = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
            for feature in read.datasets[0].features:
                if list(feature.path.step) == [features.TEXT]:
                    split = path.parent.name.removeprefix("Split-")
                    lengths[split] = feature.string_stats.avg_length
        return lengths

    def _anomalies(self) -> tuple[str, ...]:
        from tensorflow_metadata.proto.v0 import anomalies_pb2

        from components.data_gate.objections import objections_to_anomalies

        found: list[str] = []
        folder = Path(self._files("ExampleValidator", "anomalies"))
        for path in sorted(folder.glob("Split-*/*.pb")):
            anomalies = anomalies_pb2.Anomalies.FromString(path.read_bytes())
            found += objections_to_anomalies(path.parent.name.removeprefix("Split-"), anomalies)
        return tuple(found[:_MOST_ANOMALIES])

    def _steps(self) -> list[StepRow]:
        rows = []
        for each in self._lineage.executions:
            try:
                skipped = why_skipped(self._record, each.step)
            except Exception:  # noqa: BLE001 -- a damaged property says nothing about the step
                skipped = ""
            rows.append(
                StepRow(
                    each.step,
                    TITLES.get(each.step, ""),
                    "skipped" if skipped and each.state == "done" else each.state,
                    each.seconds,
                    reason=skipped,
                )
            )
        return rows

    def _hyperparameters(self) -> tuple[Setting, ...]:
        trained = _known(self._trained).hyperparameters
        defaults = Hyperparameters()
        return tuple(
            Setting(
                field.name,
                str(getattr(trained, field.name)),
                getattr(trained, field.name) == getattr(defaults, field.name),
            )
            for field in fields(Hyperparameters)
        )

    def _fingerprints(self) -> Mapping[str, str]:
        found = {
            each.step: each.properties["source_fingerprint"]
            for each in self._lineage.executions
            if "source_fingerprint" in each.properties
        }
        if not found:
            raise LookupError("No fingerprint was recorded.")
        return found

    def _history(self) -> tuple[HistoryRow, ...]:
        raise LookupError("The history of runs was not recorded.")


def _known(value: T | Missing) -> T:
    """Returns a part that others are read from.

    Raises:
      LookupError: It is missing, for the same reason.
    """
    if isinstance(value, Missing):
        raise LookupError(value.why)
    return value

