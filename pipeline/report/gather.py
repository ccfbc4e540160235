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
from components.evaluator.significance import wilson_interval
from components.hyperparameters import Hyperparameters
from components.models.training_record import CurvePoint, TrainingRecord
from components.transform.token_settings import WORDS, TokenSettings
from pipeline.config import SAMPLE_PREFIX
from pipeline.paths import shown
from pipeline.report import predictions
from pipeline.report.commands import commands
from pipeline.report.contents import (
    Contents,
    Data,
    Listed,
    Missing,
    Setting,
    Verdict,
)
from pipeline.report.gate import read_bounds
from pipeline.results.insight.near_duplicates import NearDuplicates, near_duplicates
from pipeline.results.insight.reviews import read_reviews
from pipeline.results.lineage import read_lineage
from pipeline.results.run_record import RunRecord
from pipeline.results.runs import RunInfo, list_runs
from pipeline.results.summary import SliceRow
from pipeline.root import METADATA_FILE

T = TypeVar("T")

_MOST_ANOMALIES = 50
_MOST_RUNS = 50
_SPLITS = (features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT)


def gather(root: Path, run: RunInfo) -> Contents:
    """Reads what a run left.

    Args:
      root: Of the run.
      run: What it recorded of itself.
    """
    return _Reader(root, run).contents()


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

    def __init__(self, root: Path, run: RunInfo):
        self._root, self._run = root, run
        self._metadata = root / METADATA_FILE
        self._record = RunRecord(self._metadata, run.pipeline_name, run.run_id)
        self._lineage = _part(lambda: read_lineage(self._metadata, run.pipeline_name, run.run_id))
        self._trained = _part(lambda: TrainingRecord.read(self._saved_model()))
        self._evaluated = _part(self._evaluation)

    def contents(self) -> Contents:
        """Returns all parts."""
        run = self._run
        trained = None if isinstance(self._trained, Missing) else self._trained
        classes = trained.classes if trained else tuple(run.data.get("classes", features.CLASSES))
        return Contents(
            run=run,
            parameters=trained.parameters if trained else 0,
            classes=classes,
            chosen_because=trained.chosen_because if trained else "",
            is_sample=run.pipeline_name.startswith(SAMPLE_PREFIX),
            verdict=_part(lambda: self._verdict(classes)),
            metrics=_part(lambda: _known(self._evaluated)[0].overall),
            training=_part(self._training),
            confusion=_part(self._confusion),
            quality=_part(lambda: predictions.quality(self._files("Evaluator", "evaluation"))),
            slices=_part(self._slices),
            mistakes=_part(lambda: self._mistakes(classes)),
            data=_part(self._data),
            duplicates=_part(self._duplicates),
            doubts=Missing("Labels were not checked."),
            lineage=self._lineage,
            hyperparameters=_part(self._hyperparameters),
            history=_part(lambda: tuple(list_runs(self._root, run.pipeline_name)[:_MOST_RUNS])),
            commands=commands(run, self._root),
        )

    def _files(self, step: str, key: str) -> str:
        """Returns the folder of an output.

        Raises:
          LookupError: The run did not come to the step, has none, or its folder is gone.
        """
        if step not in [each.name for each in self._record.steps]:
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

    def _property(self, step: str, name: str) -> str:
        for each in _known(self._lineage).executions:
            if each.step == step and name in each.properties:
                return each.properties[name]
        raise LookupError(f"{step} has no '{name}' in ML Metadata.")

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
        interval = wilson_interval(float(judged.right.sum()), judged.examples)
        passed = self._blessing("CrossValidator" if folds else "Evaluator")
        blessings = self._record.outputs("InfraValidator", "blessing")
        infra = Outcome.read(blessings[0]) if blessings else None
        of_baseline = baseline.overall if baseline else {}
        why_not = refusals(candidate.overall, confusion, bounds, of_baseline, classes, folds)
        pushed = self._record.outputs("Pusher", "pushed_model")
        destination = pushed and pushed[0].custom_properties["pushed_destination"].string_value
        return Verdict(
            is_blessed=passed and not (infra and infra.refusal),
            refusals=self._run.refusals or (infra_refusals(infra) if passed else why_not),
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
            compared=predictions.compared(self._files("Evaluator", "evaluation")),
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
        trained = _known(self._trained)
        if not trained.curve:
            raise LookupError("An earlier release trained it, and recorded no curve.")
        if len(trained.curve) == 1:
            (point,) = trained.curve
            raise LookupError(
                f"{trained.model} is not trained by steps: it is solved at once, with a loss of "
                f"{point.loss:.4f} and an accuracy of {point.accuracy:.2%} on train."
            )
        return trained.curve

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

    def _duplicates(self) -> NearDuplicates:
        examples = self._files("ReviewExampleGen", "examples")
        settings = _part(lambda: TokenSettings.of_model(self._saved_model()))
        tokens = settings.tokens if isinstance(settings, TokenSettings) else WORDS
        found = near_duplicates(lambda: read_reviews(examples, _SPLITS), tokens)
        if not found.reviews:
            raise LookupError(f"No reviews are left in {shown(examples)}.")
        return found

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


def _known(value: T | Missing) -> T:
    """Returns a part that others are read from.

    Raises:
      LookupError: It is missing, for the same reason.
    """
    if isinstance(value, Missing):
        raise LookupError(value.why)
    return value
