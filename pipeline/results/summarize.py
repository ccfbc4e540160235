"""Makes the RunSummary that a person reads from what the run recorded."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tfx.utils import path_utils

from components import features
from components.cross_validator.figures import CrossValidation
from components.dataset.paths import IMDB, SAMPLE
from components.dataset.source import ReviewSource, SourceKind
from components.evaluator import lift, predictions, results
from components.evaluator.bounds import GateBounds
from components.evaluator.confusion import Confusion
from components.evaluator.f1_margin import macro_f1_margin
from components.evaluator.results import EvaluationResults
from components.evaluator.significance import SIGNIFICANCE, Pairs, p_text
from components.evaluator.wilson import margin
from components.example_gen.reading_report import ReadingReport
from components.infra_validator.outcome import Outcome
from components.models.decision import Decision
from components.models.training_record import TrainingRecord
from components.storage.place import below
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.paths import shown
from pipeline.program import beside_python, flags_of_pushed, typed
from pipeline.pushed_versions import pushed_models
from pipeline.resolution import ResolvedRun
from pipeline.results.advice import for_few_reviews, for_no_lift
from pipeline.results.run_record import RunRecord
from pipeline.results.slice_rows import refusal_for, slice_rows, weak_slices
from pipeline.results.summary import ClassRow, Mistake, RunSummary

# The panel shows fewer.
_MISTAKES = 10


def summarize(run: ResolvedRun, seconds: float, log_path: Path) -> RunSummary:
    """Reads the latest run of the pipeline back and judges it as the gate did.

    Args:
      run: The run.
      seconds: Wall time of the run.
      log_path: Where TFX's own messages are.
    """
    record = RunRecord(run.metadata, run.pipeline_name)
    reading = ReadingReport.read(record.outputs("ReviewExampleGen", "report")[0].uri)
    (model_artifact,) = record.outputs("Trainer", "model")
    trained = TrainingRecord.read(path_utils.serving_model_path(model_artifact.uri))
    candidate, baseline = measured(record)
    found, confusion = verdicts(record), candidate.confusion
    assert confusion is not None  # eval_config asks for it
    pushed_to = str(below(run.root, found.destination)) if found.destination else None
    bounds, classes, pairs = run.gate_bounds, run.source.classes, compared(record)
    train_reviews = reading.split_sizes[features.TRAIN_SPLIT]
    return RunSummary(
        pipeline_name=run.pipeline_name,
        model=trained.model,
        chosen_because=trained.chosen_because,
        decided_because=trained.decision.because,
        cross_validation=found.cross_validation,
        macro_f1_margin=macro_f1_margin(confusion),
        data_name=run.source.name,
        counts=reading.split_sizes,
        leaks=reading.leaks,
        dropped_leaks=reading.dropped_leaks,
        bad_records=sum(reading.problems.values()),
        left_out=reading.left_out,
        metrics=candidate.overall,
        min_accuracy=bounds.min_accuracy or None,
        min_lift=bounds.min_lift,
        baseline_accuracy=baseline.get("accuracy"),
        max_regression=bounds.max_regression,
        larger_class=lift.largest_class(confusion.sizes.tolist(), classes),
        margin=margin(candidate.overall["accuracy"], candidate.overall["examples"]),
        passed_gate=found.passed_gate,
        refusals=_all_refusals(run, found, candidate, baseline, pairs, train_reviews),
        advice=_advice(run, record, trained, candidate, train_reviews),
        pairs=pairs,
        by_significance=bounds.by_significance,
        infra_validation=found.infra_validation,
        slices=tuple(slice_rows(candidate, run.source.slice_by)),
        other_slices=reading.other_slices,
        pushed_to=pushed_to and shown(pushed_to),
        executed=tuple(step.name for step in record.steps if not step.is_cached),
        cached=tuple(step.name for step in record.steps if step.is_cached),
        seconds=seconds,
        log_path=shown(log_path),
        next_commands=next_commands(run, pushed_to),
        is_sample=run.source.kind is SourceKind.SAMPLE,
        classes=classes,
        min_macro_f1=bounds.min_macro_f1,
        baseline_macro_f1=baseline.get("macro_f1"),
        class_rows=tuple(class_rows(confusion, classes)),
        mistakes=tuple(mistakes(confusion, classes)),
        tokens=run.config.tokens,
    )


def _all_refusals(
    run: ResolvedRun,
    found: Verdicts,
    candidate: EvaluationResults,
    baseline: Mapping[str, float],
    pairs: Pairs | None,
    train_reviews: int,
) -> tuple[str, ...]:
    """Returns why the model was not blessed, and what to try, a sentence each."""
    if found.passed_gate:
        return infra_refusals(found.infra_validation)
    bounds, classes, folds = run.gate_bounds, run.source.classes, found.cross_validation
    assert candidate.confusion is not None  # eval_config asks for it
    measures = candidate.overall, candidate.confusion
    weak = weak_slices(candidate, bounds, run.source.slice_by, folds)
    return (
        *refusals(*measures, bounds, baseline, classes, folds, pairs),
        *refusal_for(weak, bounds, _where(folds)),
        *filter(None, [for_few_reviews(run, train_reviews)]),
    )


def _advice(
    run: ResolvedRun,
    record: RunRecord,
    trained: TrainingRecord,
    candidate: EvaluationResults,
    train_reviews: int,
) -> tuple[str, ...]:
    assert candidate.confusion is not None  # eval_config asks for it
    worth = worth_little(run, candidate.overall, candidate.confusion, train_reviews)
    return (*other_threshold(record, trained), *worth)


def measured(record: RunRecord) -> tuple[EvaluationResults, Mapping[str, float]]:
    """Returns what the Evaluator measured, and the metrics of the last blessed model, if any."""
    (evaluation,) = record.outputs("Evaluator", "evaluation")
    if not record.inputs("Evaluator", "baseline_model"):
        return results.load(evaluation.uri), {}
    candidate = results.load(evaluation.uri, has_baseline=True)
    return candidate, results.load(evaluation.uri, has_baseline=True, baseline=True).overall


def compared(record: RunRecord) -> Pairs | None:
    """Returns the model and the last blessed one on the same reviews.

    None where there is no such model, or the evaluation is older than predictions are kept.
    """
    (evaluation,) = record.outputs("Evaluator", "evaluation")
    try:
        kept = predictions.read_predictions(evaluation.uri, with_scores=False)
    except LookupError:
        return None
    return Pairs.in_predictions(kept)


def other_threshold(record: RunRecord, trained: TrainingRecord) -> list[str]:
    """Says that the last blessed model decides at another threshold; nothing if it does not."""
    for model in record.inputs("Evaluator", "baseline_model"):
        export = path_utils.serving_model_path(model.uri)
        last = TrainingRecord.read(export).decision if TrainingRecord.is_in(export) else Decision()
        if last.threshold != trained.decision.threshold:
            return [
                f"The last blessed model decides from {last.threshold:.4f} on, this one from "
                f"{trained.decision.threshold:.4f}; each is measured by its own decisions."
            ]
    return []


def worth_little(
    run: ResolvedRun, metrics: Mapping[str, float], confusion: Confusion, train_reviews: int
) -> tuple[str, ...]:
    """Says of a model no better than a constant answer that it is, and what to try."""
    larger = lift.largest_class(confusion.sizes.tolist(), run.source.classes)
    if not metrics["accuracy"] <= larger.share:
        return ()
    told: tuple[str, ...] = ()
    if not run.gate_bounds.min_lift:
        told = (f"It is no better than {larger.always}, {larger.share:.2%}.",)
    # Few reviews have their own advice.
    advice = for_few_reviews(run, train_reviews) or for_no_lift(run, train_reviews)
    return (*told, advice)


class Verdicts(NamedTuple):
    """What became of a model.

    Attributes:
      cross_validation: What CrossValidator found, if the run has that step.
      passed_gate: Whether it, or else the Evaluator, blessed the model.
      infra_validation: What a model server made of it; None if none was asked.
      destination: The pushed version's folder below the root; "" if it was not pushed.
    """

    cross_validation: CrossValidation | None
    passed_gate: bool
    infra_validation: Outcome | None
    destination: str


def verdicts(record: RunRecord) -> Verdicts:
    """Reads what the judging steps decided."""
    figures = record.outputs("CrossValidator", "cross_validation")
    (blessing,) = record.outputs("CrossValidator" if figures else "Evaluator", "blessing")
    infra_blessings = record.outputs("InfraValidator", "blessing")
    (pushed_model,) = record.outputs("Pusher", "pushed_model")
    return Verdicts(
        CrossValidation.read(figures[0].uri) if figures else None,
        bool(blessing.custom_properties["blessed"].int_value),
        Outcome.read(infra_blessings[0]) if infra_blessings else None,
        pushed_model.custom_properties["pushed_destination"].string_value,
    )


def refusals(
    metrics: Mapping[str, float],
    confusion: Confusion,
    bounds: GateBounds,
    baseline: Mapping[str, float],
    classes: Sequence[str],
    cross_validation: CrossValidation | None = None,
    pairs: Pairs | None = None,
) -> tuple[str, ...]:
    """Returns why a model was not blessed, a sentence each.

    Args:
      metrics: The model's, as in `RunSummary`.
      confusion: Which classes it took for which.
      bounds: The gate's.
      baseline: The last blessed model's metrics, if there is one.
      classes: Names of the classes, by label.
      cross_validation: What the gate's minimums hold for, if there is one.
      pairs: The model and the last blessed one on the same reviews.
    """
    reasons, judged, where = [], metrics, _where(cross_validation)
    if cross_validation:
        judged, confusion = cross_validation.metrics, cross_validation.confusion
    if judged["accuracy"] < bounds.min_accuracy:
        reasons.append(
            f"Its accuracy {where}, {judged['accuracy']:.2%}, is below the gate's "
            f"{bounds.min_accuracy:.2%} (--min-accuracy)."
        )
    if bounds.min_macro_f1 is not None and not judged["macro_f1"] >= bounds.min_macro_f1:
        reasons.append(
            f"Its macro F1 {where}, {judged['macro_f1']:.3f}, is below the gate's "
            f"{bounds.min_macro_f1:.3f} (--min-macro-f1)."
        )
    if bounds.min_lift:
        reasons += _no_lift(judged, confusion, bounds.min_lift, classes, where)
    if bounds.by_significance:
        return (*reasons, *_significantly_worse(pairs))
    if bounds.compares_accuracy:
        reasons += _worse("accuracy", metrics, baseline, bounds.max_regression)
    if bounds.min_macro_f1 is not None:
        reasons += _worse("macro_f1", metrics, baseline, bounds.max_regression)
    return tuple(reasons)


def _where(cross_validation: CrossValidation | None) -> str:
    """Says which reviews the gate's minimums hold for."""
    return f"in {len(cross_validation.folds)} folds" if cross_validation else "on the test split"


def _significantly_worse(pairs: Pairs | None) -> list[str]:
    """Says that the last blessed model is right on more of the same reviews; nothing if by luck."""
    if pairs is None or pairs.p_worse >= SIGNIFICANCE:
        return []
    return [
        f"It is significantly worse than the last blessed model: {pairs.worse:,} reviews that one "
        f"judged right it does not, and {pairs.better:,} the other way round (McNemar's exact "
        f"test, one-sided, {p_text(pairs.p_worse)}; --gate)."
    ]


def _worse(
    name: str, metrics: Mapping[str, float], baseline: Mapping[str, float], max_regression: float
) -> list[str]:
    """Says that a metric fell behind the last blessed model's; nothing if it did not."""
    if name not in baseline or not metrics[name] - baseline[name] < -max_regression:
        return []
    title = {"macro_f1": "macro F1"}.get(name, name)
    return [
        f"Its {title}, {metrics[name]:.2%}, is {(baseline[name] - metrics[name]) * 100:.2f} points "
        f"below the last blessed model's {baseline[name]:.2%}; at most "
        f"{max_regression * 100:.2f} are allowed (--max-regression)."
    ]


def class_rows(confusion: Confusion, classes: Sequence[str]) -> list[ClassRow]:
    """Returns a row for each of more than two classes."""
    if confusion.classes <= 2:
        return []
    columns = zip(classes, confusion.sizes, confusion.precision, confusion.recall, strict=True)
    return [
        ClassRow(name, int(size), float(precision), float(recall))
        for name, size, precision, recall in columns
    ]


def mistakes(confusion: Confusion, classes: Sequence[str]) -> list[Mistake]:
    """Returns the most frequent mistakes of more than two classes."""
    if confusion.classes <= 2:
        return []
    return [
        Mistake(classes[label], classes[choice], count)
        for label, choice, count in confusion.mistakes()[:_MISTAKES]
    ]


def _no_lift(
    metrics: Mapping[str, float],
    confusion: Confusion,
    min_lift: float,
    classes: Sequence[str],
    where: str,
) -> list[str]:
    """Says that a model is not surely better than a constant answer; nothing if it is."""
    sizes = confusion.sizes.tolist()
    proven_lift = lift.lift_of(float(confusion.right.sum()), sizes)
    if proven_lift >= min_lift:
        return []
    accuracy, larger = metrics["accuracy"], lift.largest_class(sizes, classes)
    if not accuracy > larger.share:
        return [
            f"Its accuracy {where}, {accuracy:.2%}, is no better than "
            f"{larger.always}, {larger.share:.2%} (--min-lift)."
        ]
    proven = larger.share + proven_lift
    return [
        f"Its accuracy {where}, {accuracy:.2%}, is not significantly better than "
        f"{larger.always}, {larger.share:.2%}: {metrics['examples']:,.0f} reviews prove at least "
        f"{proven:.2%}, and {larger.share + min_lift:.2%} is required (--min-lift)."
    ]


def infra_refusals(outcome: Outcome | None) -> tuple[str, ...]:
    """Returns why a model that passed the gate was not blessed: at most one sentence."""
    if outcome is None or not outcome.refusal:
        return ()
    return (f"The infra validation ({outcome.engine}) refused it: {outcome.refusal}",)


def _question(source: ReviewSource) -> str:
    """Returns a text that the model may be asked about: as long as what it has learned from."""
    if source.name == IMDB:
        return "I loved it: excellent acting, a wonderful story, highly recommended."
    return "a great film" if source.name == SAMPLE else "a text of your own"


def next_commands(run: ResolvedRun, pushed_to: str | None) -> tuple[tuple[str, str], ...]:
    """Returns (description, command) pairs that can be pasted into a shell in this folder."""
    tensorboard: tuple[tuple[str, str], ...] = ()
    if viewer := beside_python("tensorboard"):
        trainer = shlex.quote(shown(run.pipeline_root / "Trainer"))
        tensorboard = (("See how training went", f"{viewer} --logdir {trainer}"),)
    if pushed_to is None:
        return tensorboard
    there = flags_of_pushed(run.root, run.config.serving_dir)
    default, folder = DEFAULT_MODEL_NAME, run.serving_directory.parent
    if run.model_name != default or set(pushed_models(folder)) - {default}:
        there += ["--model-name", run.model_name]
    return (
        ("Ask the model", f'{typed("predict", *there)} "{_question(run.source)}"'),
        (
            "Serve it, with a page to try it at http://localhost:8501/",
            typed("serve", *there),
        ),
        *tensorboard,
    )
