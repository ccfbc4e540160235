"""Reads what the page of a run shows: from ML Metadata and the artifacts, and nothing else.

A part that cannot be read is no reason to have no page: it says why instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from functools import cached_property, partial
from typing import TYPE_CHECKING

from components import features
from components.dataset.labels import labels_named
from components.dataset.slice_columns import AND
from components.evaluator import lift
from components.evaluator.bounds import GateBounds
from components.evaluator.confusion import Confusion
from components.evaluator.significance import wilson_interval
from components.hyperparameters import Hyperparameters
from components.models.training_record import CurvePoint, TrainingRecord
from components.storage.place import Place, below, matching, place_of, size_of
from components.transform.token_settings import IMDB_TOKENS, TokenSettings
from pipeline.model_names import SAMPLE_PREFIX
from pipeline.paths import shown
from pipeline.program import command_in
from pipeline.report import predictions
from pipeline.report.beside import beside
from pipeline.report.commands import commands
from pipeline.report.contents import (
    Contents,
    Missing,
    Mistakes,
    Setting,
    T,
    UnmadeError,
    Verdict,
    part,
)
from pipeline.report.examined import Examination, Examined
from pipeline.report.gate import gated_slices, read_bounds
from pipeline.results.insight.reviews import HeldReviews
from pipeline.results.lineage import read_lineage
from pipeline.results.run_info import UNFINISHED, RunInfo
from pipeline.results.run_record import RunRecord
from pipeline.results.runs import list_runs
from pipeline.results.summary import SliceRow

if TYPE_CHECKING:
    from components.cross_validator.figures import CrossValidation
    from components.evaluator.results import EvaluationResults
    from pipeline.results.insight.data_facts import DataFacts


_MOST_ANOMALIES = 50
_MOST_RUNS = 50
# Of files of reviews: from some 4,000 reviews on, a process of its own is worth its start.
_MANY_BYTES = 3_000_000
_SPLITS = (features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT)


def gather(root: Place, run: RunInfo, most_labels: int | None = None) -> Contents:
    """Reads what a run left.

    Args:
      root: Of the run.
      run: What it recorded of itself.
      most_labels: Of more reviews, labels are not checked, which takes a while; None has no bound.
    """
    return _Reader(root, run).contents(most_labels)


class _Reader:
    """Reads the parts of one run; what several of them need is read once."""

    def __init__(self, root: Place, run: RunInfo):
        self._root, self._run = root, run
        self._metadata = run.metadata_in(root)
        self._record = RunRecord(self._metadata, run.pipeline_name, run.run_id)
        self._lineage = part(lambda: read_lineage(self._metadata, run.pipeline_name, run.run_id))
        self._trained = part(self._training_record)

    def contents(self, most_labels: int | None) -> Contents:
        """Returns all parts."""
        run = self._run
        trained = None if isinstance(self._trained, Missing) else self._trained
        classes = trained.classes if trained else tuple(run.data.get("classes", features.CLASSES))
        examined = self._begin_examination(len(classes), most_labels)
        return Contents(
            run=run,
            parameters=trained.parameters if trained else 0,
            classes=classes,
            chosen_because=trained.chosen_because if trained else "",
            decided_because=trained.decision.because if trained else "",
            tokens=self._tokens.tokens,
            other_slices=_or(part(self._other_slices), {}),
            is_sample=run.pipeline_name.startswith(SAMPLE_PREFIX),
            verdict=part(lambda: self._verdict(classes)),
            metrics=part(lambda: _known(self._evaluated)[0].overall),
            training=part(self._training),
            confusion=part(self._confusion),
            quality=part(
                lambda: predictions.quality(
                    self._files("Evaluator", "evaluation"),
                    trained.decision.threshold if trained else None,
                )
            ),
            slices=part(self._slices),
            gated_slices=_or(part(self._gated_slices), frozenset()),
            mistakes=part(lambda: self._mistakes(classes)),
            data=part(self._data),
            anomalies=part(self._anomalies),
            lineage=self._lineage,
            hyperparameters=part(self._hyperparameters),
            history=part(lambda: tuple(self._history())),
            commands=commands(run, self._root),
            # Last: the other process has had that long.
            **vars(examined()),
        )

    def _history(self) -> list[RunInfo]:
        runs = list_runs(self._root, self._run.pipeline_name, metadata=self._metadata)
        return runs[:_MOST_RUNS]

    def _files(self, step: str, key: str) -> str:
        """Returns the folder of an output.

        Raises:
          UnmadeError: The run ended before the step did.
          LookupError: The run has no such step, or the folder is gone.
        """
        if step not in [each.name for each in self._record.steps]:
            if self._run.state in UNFINISHED:
                raise UnmadeError(f"The run did not come to {step}.")
            raise LookupError(f"The run has no {step}.")
        outputs = self._record.outputs(step, key)
        if not outputs:
            raise UnmadeError(f"{step} did not end well, and left no {key}.")
        uri = outputs[0].uri
        if not place_of(uri).exists():
            raise LookupError(f"The files of {step}'s {key} are not there any more: {shown(uri)}")
        return uri

    def _saved_model(self) -> str:
        folder = self._files("Trainer", "model")
        # It takes seconds to import TFX, which a run that did not come that far does not need.
        from tfx.utils import path_utils

        return str(path_utils.serving_model_path(folder))

    def _training_record(self) -> TrainingRecord:
        saved_model = self._saved_model()
        if not TrainingRecord.is_in(saved_model):
            raise LookupError("Another trainer made the model: it has no record of its training.")
        return TrainingRecord.read(saved_model)

    @cached_property
    def _evaluated(self) -> tuple[EvaluationResults, EvaluationResults | None] | Missing:
        """What was measured of the model, and of the last blessed one."""
        return part(self._evaluation)

    def _evaluation(self) -> tuple[EvaluationResults, EvaluationResults | None]:
        """Returns what was measured of the model, and of the last blessed one."""
        uri = self._files("Evaluator", "evaluation")
        from components.evaluator import results

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
        pairs = predictions.pairs(self._files("Evaluator", "evaluation"))
        why_not = (
            *refusals(candidate.overall, confusion, bounds, of_baseline, classes, folds, pairs),
            *self._weak_slices(candidate, bounds, folds),
        )
        pushed = self._record.outputs("Pusher", "pushed_model")
        destination = pushed and pushed[0].custom_properties["pushed_destination"].string_value
        return Verdict(
            is_blessed=passed and not (infra and infra.refusal),
            refusals=self._run.refusals or (infra_refusals(infra) if passed else why_not),
            accuracy=judged.accuracy,
            low=interval[0],
            high=interval[1],
            reviews=judged.examples,
            test_accuracy=candidate.overall["accuracy"] if folds else None,
            judged_on=f"reviews, in {len(folds.folds)} folds" if folds else "test reviews",
            by_fold=tuple((each.accuracy, each.examples) for each in folds.folds) if folds else (),
            min_accuracy=bounds.min_accuracy or None,
            min_macro_f1=bounds.min_macro_f1,
            macro_f1=judged.macro_f1,
            max_regression=bounds.max_regression,
            by_significance=bounds.by_significance,
            min_slice_accuracy=bounds.min_slice_accuracy,
            min_slice_size=bounds.min_slice_size,
            baseline_accuracy=of_baseline.get("accuracy"),
            compared=pairs.in_words if pairs else "",
            larger_class=lift.largest_class(judged.sizes.tolist(), classes),
            infra_validation=infra,
            pushed_to=shown(below(self._root, destination)) if destination else None,
        )

    def _weak_slices(
        self, candidate: EvaluationResults, bounds: GateBounds, folds: CrossValidation | None
    ) -> list[str]:
        """Says which slices the gate refuses the model for."""
        from pipeline.results.slice_rows import refusal_for, weak_slices

        where = f"in {len(folds.folds)} folds" if folds else "on the test split"
        weak = weak_slices(candidate, bounds, self._slice_by, folds)
        return refusal_for(weak, bounds, where)

    def _blessing(self, step: str) -> bool:
        blessings = self._record.outputs(step, "blessing")
        if not blessings:
            raise LookupError(f"The run did not come to a verdict of {step}.")
        return bool(blessings[0].custom_properties["blessed"].int_value)

    def _cross_validation(self) -> CrossValidation | None:
        if not self._record.outputs("CrossValidator", "cross_validation"):
            return None
        from components.cross_validator.figures import CrossValidation

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

        rows = tuple(slice_rows(_known(self._evaluated)[0], self._slice_by))
        if not rows:
            raise LookupError("The Evaluator measured no slices.")
        return rows

    @property
    def _slice_by(self) -> list[list[str]]:
        """Returns the columns of each slice that was measured, in the order they were asked for."""
        from components.evaluator.slices import keys_of

        asked = labels_named(str(self._run.settings.get("slice_by", "")))
        measured = {frozenset(dict(key)) for key in _known(self._evaluated)[0].slices}
        named = [[column.strip() for column in each.split(AND)] for each in asked]
        return [each for each in named if frozenset(*keys_of([each])) in measured]

    def _gated_slices(self) -> frozenset[str]:
        """Returns the gate's slices by their names in the rows."""
        from components.evaluator.slices import gated_keys
        from pipeline.results.slice_rows import measured_keys

        gated = gated_slices(self._files("Evaluator", "evaluation"))
        measured = measured_keys(_known(self._evaluated)[0], self._slice_by)
        return frozenset(
            AND.join(keys) for keys in [*measured, *gated_keys(())] if frozenset(keys) in gated
        )

    def _mistakes(self, classes: tuple[str, ...]) -> Mistakes:
        return predictions.mistakes(
            self._files("Evaluator", "evaluation"),
            HeldReviews(self._files("ReviewExampleGen", "examples"), (features.TEST_SPLIT,)),
            part(self._saved_model),
            classes,
        )

    def _other_slices(self) -> dict[str, int]:
        from components.example_gen.reading_report import ReadingReport

        return ReadingReport.read(self._files("ReviewExampleGen", "report")).other_slices

    def _data(self) -> DataFacts:
        read = self._files("ReviewExampleGen", "report")
        from components.example_gen.reading_report import ReadingReport
        from pipeline.results.insight.data_facts import data_facts

        def folder(step: str, key: str) -> str | None:
            found = part(lambda: self._files(step, key))
            return None if isinstance(found, Missing) else found

        return data_facts(
            ReadingReport.read(read),
            folder("StatisticsGen", "statistics"),
            folder("Transform", "transformed_examples"),
            self._tokens,
        )

    @cached_property
    def _tokens(self) -> TokenSettings:
        settings = part(lambda: TokenSettings.of_model(self._saved_model()))
        return settings if isinstance(settings, TokenSettings) else IMDB_TOKENS

    def _anomalies(self) -> tuple[str, ...]:
        from tensorflow_metadata.proto.v0 import anomalies_pb2

        from components.data_gate.objections import objections_to_anomalies

        found: list[str] = []
        folder = place_of(self._files("ExampleValidator", "anomalies"))
        for path in matching(folder, "Split-*/*.pb"):
            anomalies = anomalies_pb2.Anomalies.FromString(path.read_bytes())
            found += objections_to_anomalies(path.parent.name.removeprefix("Split-"), anomalies)
        return tuple(found[:_MOST_ANOMALIES])

    def _begin_examination(self, classes: int, most_labels: int | None) -> Callable[[], Examined]:
        """Begins to look for duplicates and doubtful labels; of many in a process of its own.

        It has no TensorFlow, and its memory goes with it.
        """
        folder = part(lambda: place_of(self._files("ReviewExampleGen", "examples")))
        if isinstance(folder, Missing):
            return partial(Examined, folder, folder)
        reviews = HeldReviews(str(folder), _SPLITS)
        again = command_in(self._root, self._run.metadata, "report", self._run.run_id)
        examine = Examination(reviews, classes, self._tokens.tokens, most_labels, again)
        if sum(size_of(path) for path in folder.rglob("*.gz")) < _MANY_BYTES:
            return examine
        wait = beside(examine)

        def waited() -> Examined:
            found = part(wait)
            return Examined(found, found) if isinstance(found, Missing) else found

        return waited

    def _hyperparameters(self) -> tuple[Setting, ...]:
        """Returns what the variant takes; of one that this release does not know, all."""
        from components.models.registry import get_variant, variant_names

        trained = _known(self._trained)
        takes, defaults = [field.name for field in fields(Hyperparameters)], Hyperparameters()
        if trained.model in variant_names():
            variant = get_variant(trained.model)
            takes = [name for name in takes if name in variant.takes]
            defaults = variant.presets[variant.default_preset]
        values = ((name, getattr(trained.hyperparameters, name)) for name in takes)
        return tuple(
            Setting(name, str(value), value == getattr(defaults, name)) for name, value in values
        )


def _or(found: T | Missing, other: T) -> T:
    return other if isinstance(found, Missing) else found


def _known(value: T | Missing) -> T:
    """Returns a part that others are read from.

    Raises:
      LookupError: It is missing, for the same reason.
    """
    if isinstance(value, Missing):
        raise (UnmadeError if value.is_unmade else LookupError)(value.why)
    return value
