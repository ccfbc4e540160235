"""Every number on the page of a run, computed anew from the artifacts by other means."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from components.evaluator import results
from components.models.training_record import TrainingRecord
from pipeline.report.pages import duration
from pipeline.results.insight.reviews import read_reviews
from pipeline.results.run_info import RunInfo
from tests.pipeline.report.test_run_page import Document

SPLITS = ("train", "eval", "test")


def check_numbers(page: Path, run: RunInfo, artifacts: Path) -> None:
    """Compares the page of a run of two classes with what lies below `artifacts`.

    It has to be the only run of its pipeline that came to its end.
    """
    text = page.read_text(encoding="utf-8")
    words = Document(text).words
    evaluation = _newest(artifacts / "Evaluator" / "evaluation")
    table = pyarrow.parquet.read_table(evaluation / "predictions")
    labels = np.array(table["label"])
    scores = np.array(table["scores"].to_pylist(), np.float32)[:, 1]
    told = [
        *_quality(labels, scores),
        *_slices(evaluation),
        *_training(_newest(artifacts / "Trainer" / "model")),
        *_data(_newest(artifacts / "ReviewExampleGen" / "examples")),
        *_labels(page.with_name(f"{page.stem}-labels.csv")),
        *_steps(run),
    ]
    missing = [number for number in told if number not in words]
    assert not missing, missing
    _check_thresholds(text, words, labels, scores)
    wrong = int((labels != (scores >= np.float32(0.5))).sum())
    counted = {0: "makes no mistake", 1: "The only wrong review"}.get(wrong, f"{wrong:,} wrong")
    assert counted in words, counted


def _newest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda path: int(path.name))


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _quality(labels: np.ndarray, scores: np.ndarray) -> list[str]:
    """The verdict, the figures, the confusion matrix, and the areas below the curves."""
    decided, count = scores >= np.float32(0.5), len(labels)
    right = int((decided == labels).sum())
    interval = binomtest(right, count).proportion_ci(0.95, method="wilson")
    tp, fp = int((decided & (labels == 1)).sum()), int((decided & (labels == 0)).sum())
    tn, fn = int((~decided & (labels == 0)).sum()), int((~decided & (labels == 1)).sum())
    margin = 50 * (interval.high - interval.low)
    return [
        f"It is right about {100 * right / count:.2f} % ± {margin:.2f} of {count:,} test reviews",
        f"{_percent(right / count)} accuracy",
        f"{_percent(tp / (tp + fp))} precision {_percent(tp / (tp + fn))} recall",
        f"{log_loss(labels, scores.astype(float)):.4f} log loss",
        f"{count:,} test reviews",
        f"negative {tn:,} {fp:,} positive {fn:,} {tp:,}",
        f"Area under the curve {roc_auc_score(labels, scores):.4f}.",
        f"Average precision {average_precision_score(labels, scores):.4f}.",
    ]


def _check_thresholds(text: str, words: str, labels: np.ndarray, scores: np.ndarray) -> None:
    """All that the slider can show, and each row of the table."""
    (found,) = re.findall(r'id="thresholds">(.*?)</script>', text, re.DOTALL)
    columns: dict[str, Any] = json.loads(found)
    assert len(columns["thresholds"]) > 100
    for at, threshold in enumerate(columns["thresholds"]):
        decided = scores >= np.float32(threshold)
        tp, fp = int((decided & (labels == 1)).sum()), int((decided & (labels == 0)).sum())
        tn, fn = int((~decided & (labels == 0)).sum()), int((~decided & (labels == 1)).sum())
        assert (tp, fp, tn, fn) == tuple(columns[name][at] for name in ("tp", "fp", "tn", "fn"))
        if round(threshold * 20, 6).is_integer():
            precision = _percent(tp / (tp + fp)) if tp + fp else "–"
            row = (
                f"{threshold:.2f} {precision} {_percent(tp / (tp + fn))} "
                f"{_percent((tp + tn) / len(labels))} {tp:,} {fp:,} {tn:,} {fn:,}"
            )
            assert row in words, row


def _slices(evaluation: Path) -> list[str]:
    found = {
        key[0]: metrics
        for key, metrics in results.load(str(evaluation)).slices.items()
        if len(key) == 1
    }
    parts = Counter(feature for feature, _ in found)
    return [
        f"{value}: {_percent(metrics['accuracy'])} of {metrics['examples']:,.0f} reviews"
        if parts[feature] > 1
        else f": all are {value}."
        for (feature, value), metrics in found.items()
    ]


def _training(model: Path) -> list[str]:
    """Of a model that is solved at once, the only point of its curve."""
    (point,) = TrainingRecord.read(str(model / "Format-Serving")).curve
    return [f"with a loss of {point.loss:.4f} and an accuracy of {point.accuracy:.2%} on train"]


def _data(examples: Path) -> list[str]:
    """Reviews by class and split, and exact copies."""
    reviews = [*read_reviews(str(examples), SPLITS)]
    splits = [split for split in SPLITS if any(each.split == split for each in reviews)]
    counts = Counter((each.label, each.split) for each in reviews)
    rows = [
        f"{name} {' '.join(f'{counts[label, split]:,}' for split in splits)}"
        for label, name in enumerate(("negative", "positive"))
    ]
    copies = len(reviews) - len({each.text for each in reviews})
    return [*rows, f"Of {len(reviews):,} reviews, {copies:,} are exact copies of another"]


def _labels(file: Path) -> list[str]:
    """The file of doubted labels begins as the page does."""
    if not file.exists():
        return ["Labels in doubt"]
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = [*csv.DictReader(stream)]
    return [
        f"{row['review_id']} {row['label']} {row['suggested_label']} "
        f"{_percent(float(row['probability']))}"
        for row in rows[:20]
        if not row["probability"].endswith("5")
    ]


def _steps(run: RunInfo) -> list[str]:
    assert run.seconds is not None
    timed = [step for step in run.steps if step.seconds is not None]
    assert len(timed) > 5
    return [
        f"{len(run.steps)} steps, {duration(run.seconds)} in all",
        *(f"{step.state} {duration(step.seconds)}" for step in timed if step.seconds is not None),
        *(
            f"{step.peak_memory / 1e6:,.0f} MB"
            for step in run.steps
            if step.peak_memory is not None
        ),
    ]
