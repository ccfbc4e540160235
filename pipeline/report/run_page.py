"""The page of a run: its contents as HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from components import features
from components.evaluator.significance import wilson_interval
from pipeline.report import charts, lineage_chart
from pipeline.report.class_tables import MOST_CLASSES, class_table, confused, matrix
from pipeline.report.contents import (
    Contents,
    Missing,
    Quality,
    ShownMistake,
    T,
    Verdict,
    decided_at,
)
from pipeline.report.headline import headline
from pipeline.report.pages import drawn, environment, json_safe, percent, render
from pipeline.report.slice_charts import slice_charts, slice_gate, slice_notes
from pipeline.report.svg import drawing, label
from pipeline.results.metric_names import METRIC_NAMES
from pipeline.results.run_info import RunInfo
from pipeline.results.step_titles import TITLES

if TYPE_CHECKING:
    from pipeline.results.insight.data_facts import DataFacts, TokenFacts

SECTIONS = (
    ("quality", "Quality"),
    ("training", "Training"),
    ("slices", "Slices"),
    ("mistakes", "Mistakes"),
    ("data", "Data"),
    ("steps", "Steps"),
    ("lineage", "Lineage"),
    ("settings", "Settings"),
    ("again", "Reproduce"),
    ("history", "History"),
)
_FIGURES = {"accuracy": "accuracy", **METRIC_NAMES}
_SHARES = ("accuracy", "precision", "recall")
_MOST_RUNS = 20
_THRESHOLDS = 21
_SPLITS = (features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT)
# Log odds from which on a word has the strongest colour.
_STRONGEST = 2.0


def run_page(page: Contents) -> str:
    """Returns the page."""
    environment().filters |= {
        "accuracy": _accuracy,
        "outcome": _outcome,
        "strength": _strength,
        "strongest": _strongest,
    }
    unmade = _unmade(page)
    thresholds = _threshold_values(page.quality) if isinstance(page.quality, Quality) else {}
    return render(
        "run.html.j2",
        page=page,
        headline=headline(page),
        sections=[(key, name) for key, name in SECTIONS if key not in unmade],
        keys={key for key, _ in SECTIONS} - unmade.keys(),
        unmade=list(unmade.values()),
        mistakes_shown=_mistakes_shown(page),
        charts=_charts(page),
        figures=_figures(page),
        matrix=matrix(page),
        class_table=class_table(page),
        confused=confused(page),
        slice_notes=slice_notes(page),
        slice_gate=slice_gate(page),
        data_table=_data(page),
        titles=TITLES,
        has_memory=any(step.peak_memory is not None for step in page.run.steps),
        has_reasons=any(step.reason for step in page.run.steps),
        longest_step=max((step.seconds or 0.0 for step in page.run.steps), default=0.0) or 1.0,
        **thresholds,
    )


def _unmade(page: Contents) -> dict[str, str]:
    """Returns the sections, by key, of which the run ended too early for any part."""
    parts = {
        "quality": (page.metrics, page.confusion, page.quality),
        "training": (page.training,),
        "slices": (page.slices,),
        "mistakes": (page.mistakes,),
        "data": (page.data, page.anomalies, page.duplicates, page.doubts),
    }
    return {
        key: name
        for key, name in SECTIONS
        if key in parts and all(isinstance(e, Missing) and e.is_unmade for e in parts[key])
    }


def _mistakes_shown(page: Contents) -> str:
    """Says which mistakes are shown."""
    if isinstance(page.mistakes, Missing):
        return ""
    total, shown = page.mistakes.total, len(page.mistakes.shown)
    if shown < total:
        return f"The {shown} of {total:,} wrong reviews that the model is surest about."
    return "The only wrong review." if total == 1 else f"All {total} wrong reviews, surest first."


def _charts(page: Contents) -> dict[str, Any]:
    made: dict[str, Any] = {"history": None, "folds": None}
    with drawing():
        if not isinstance(page.verdict, Missing):
            verdict = page.verdict
            made["accuracy"] = drawn(lambda: charts.accuracy(verdict))
            made["folds"] = _folds_chart(verdict) if verdict.by_fold else None
        if isinstance(page.quality, Quality):
            quality = page.quality
            made["roc"] = drawn(lambda: charts.roc(quality))
            made["precision_recall"] = drawn(lambda: charts.precision_recall(quality))
            made["calibration"] = drawn(
                lambda: charts.calibration(quality.calibration, page.classes[1])
            )
        if not isinstance(page.training, Missing):
            points = page.training
            made["training"] = drawn(lambda: charts.training(points))
        made["slices"] = slice_charts(page)
        made["lengths"] = _lengths_charts(page)
        if not isinstance(page.lineage, Missing):
            lineage = page.lineage
            states = {step.execution_id: step.state for step in page.run.steps}
            made["lineage"] = drawn(lambda: lineage_chart.lineage_chart(lineage, states))
        else:
            made["lineage"] = page.lineage
        if not isinstance(page.history, Missing):
            made["history"] = _history_chart(page.history, page.run.run_id)
    return made


def _folds_chart(verdict: Verdict) -> Any:
    bars = [
        charts.Bar(
            f"fold {number}",
            accuracy,
            *wilson_interval(accuracy * reviews, reviews),
            note=percent(accuracy),
            is_main=True,
        )
        for number, (accuracy, reviews) in enumerate(verdict.by_fold, start=1)
    ]
    words = "; ".join(f"{bar.name}: {bar.note}" for bar in bars)
    lines = [charts.Line(verdict.accuracy, "all")]
    return drawn(_bound(bars, "folds", "Accuracy by fold", words, lines))


def _lengths_charts(page: Contents) -> list[tuple[str, Any]]:
    """Returns (split, chart) of the lengths of texts."""
    if isinstance(page.data, Missing):
        return []
    return [
        (split, drawn(_bound_lengths(facts, split, _unit(page))))
        for split, facts in _in_order(page.data.tokens)
        if facts.reviews
    ]


def _bound_lengths(facts: TokenFacts, split: str, unit: str) -> Any:
    name = f"lengths-{_place(split)}"
    return lambda: charts.lengths(facts.edges, facts.counts, name, split, unit)


def _bound(*arguments: Any) -> Any:
    return lambda: charts.shares(*arguments)


def _history_chart(runs: Sequence[RunInfo], run_id: str) -> Any:
    bars = [
        charts.Bar(
            f"{run.started:%-d %b %H:%M}",
            run.accuracy,
            *(run.interval or (math.nan, math.nan)),
            percent(run.accuracy),
            run.run_id == run_id,
        )
        for run in runs[:_MOST_RUNS]
        if run.accuracy is not None
    ]
    if len(bars) < 2:
        return None
    words = "; ".join(f"{bar.name}: {bar.note}" for bar in bars)
    return drawn(_bound(bars, "runs", "Accuracy of the runs", words))


def _figures(page: Contents) -> list[tuple[str, str]]:
    if isinstance(page.metrics, Missing):
        return []
    return [
        (name, percent(page.metrics[key]) if key in _SHARES else _decimal(page.metrics[key]))
        for key, name in _FIGURES.items()
        if key in page.metrics
    ] + [("test reviews", f"{page.metrics.get('examples', 0):,.0f}")]


def _decimal(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _data(page: Contents) -> dict[str, Any]:
    """Returns the table of the reviews, and what else there is to say of them."""
    if isinstance(page.data, Missing):
        return {}
    counts = page.data.by_class
    splits = sorted(counts, key=_place)
    names = list(next(iter(counts.values()), {}))
    sizes = {name: sum(counts[split][name] for split in splits) for name in names}
    largest = sorted(names, key=lambda name: -sizes[name])[:MOST_CLASSES]
    rows = [(name, [counts[split][name] for split in splits]) for name in names if name in largest]
    if others := [name for name in names if name not in largest]:
        summed = [sum(counts[split][name] for name in others) for split in splits]
        rows.append((f"{len(others):,} other classes", summed))
    if len(rows) > 1:
        rows.append(("all", [sum(counts[split].values()) for split in splits]))
    return {"splits": splits, "rows": rows, "notes": _data_notes(page, page.data)}


def _data_notes(page: Contents, data: DataFacts) -> list[str]:
    notes = [f"{data.leaks:,} texts are in both train and test."]
    if data.dropped_leaks:
        notes[0] += f" For it, {data.dropped_leaks:,} reviews were taken out of train."
    if data.bad_records:
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in data.bad_records.items())
        notes.append(f"{sum(data.bad_records.values()):,} records could not be read: {kinds}.")
    if data.left_out:
        reasons = ", ".join(
            f"{count:,} {reason or 'others'}" for reason, count in data.left_out.items()
        )
        notes.append(f"Left out by the settings: {reasons}.")
    if data.texts:
        lengths = ", ".join(
            f"{split} {data.texts[split].mean_length:,.0f}"
            for split in sorted(data.texts, key=_place)
        )
        notes.append(f"Mean length of a text in bytes: {lengths}.")
    unit = _unit(page)
    for split, facts in _in_order(data.tokens):
        notes.append(
            f"Of all {unit} of {split}, {percent(facts.known_share)} are in the vocabulary; the "
            f"median text has {facts.median:,.0f} {unit}, {facts.full:,} texts fill the model's "
            f"window, and {facts.empty:,} have none."
        )
    if not isinstance(page.slices, Missing):
        known = [row for row in page.slices if row.feature == "unknown_words"]
        if known:
            parts = ", ".join(f"{row.value}: {row.examples:,}" for row in known)
            notes.append(f"Test reviews by their share of {unit} outside the vocabulary: {parts}.")
    return notes


def _threshold_values(quality: Quality) -> dict[str, Any]:
    """Returns what the slider and the table of thresholds show."""
    table = quality.table
    decided = decided_at(quality)
    known = np.asarray(table.thresholds)
    wanted = np.linspace(0.0, 1.0, _THRESHOLDS)
    places = sorted({int(np.abs(known - each).argmin()) for each in wanted})
    columns = {
        "thresholds": table.thresholds,
        "tp": table.true_positives,
        "fp": table.false_positives,
        "tn": table.true_negatives,
        "fn": table.false_negatives,
    }
    return {
        "decided": decided,
        "decided_index": table.thresholds.index(decided.threshold),
        "thresholds": [_threshold_row(columns, at) for at in places],
        "threshold_data": json_safe(columns),
    }


def _threshold_row(columns: dict[str, Any], at: int) -> dict[str, Any]:
    tp, fp, tn, fn = (columns[name][at] for name in ("tp", "fp", "tn", "fn"))
    return {
        "threshold": columns["thresholds"][at],
        "precision": tp / (tp + fp) if tp + fp else math.nan,
        "recall": tp / (tp + fn) if tp + fn else math.nan,
        "accuracy": (tp + tn) / max(tp + fp + tn + fn, 1),
        "counts": (tp, fp, tn, fn),
    }


def _accuracy(run: RunInfo) -> str:
    if run.accuracy is None:
        return "–"
    if run.interval is None:
        return percent(run.accuracy)
    low, high = run.interval
    return f"{100 * run.accuracy:.2f} % ± {50 * (high - low):.2f}"


def _outcome(run: RunInfo) -> str:
    if run.state != "complete" or run.is_blessed is None:
        return run.state
    words = "blessed" if run.is_blessed else "not blessed"
    if run.is_live:
        return f"{words}, live"
    return f"{words}, pushed" if run.version else words


def _strength(log_odds: float) -> str:
    """Returns how strong a word's colour is; "" below what can be seen."""
    strength = min(abs(log_odds) / _STRONGEST, 1.0) * 0.6
    return f"{strength:.2f}" if strength >= 0.05 else ""


def _strongest(mistake: ShownMistake) -> str:
    moving = [piece for piece in mistake.pieces if piece.log_odds]
    pieces = sorted(moving, key=lambda piece: -abs(piece.log_odds))[:5]
    return ", ".join(f"{label(piece.text)} {piece.log_odds:+.2f}" for piece in pieces)


def _unit(page: Contents) -> str:
    """Returns what the model reads of a text, in the plural."""
    return page.tokens.replace("_", " ")


def _in_order(by_split: Mapping[str, T]) -> list[tuple[str, T]]:
    return sorted(by_split.items(), key=lambda each: _place(each[0]))


def _place(split: str) -> int:
    """Returns where a split stands; one that is not ours comes last."""
    return _SPLITS.index(split) if split in _SPLITS else len(_SPLITS)
