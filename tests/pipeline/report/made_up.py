"""A page's contents, made up: every part is there, and every number is known."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from components.evaluator.confusion import Confusion
from components.evaluator.lift import LargerClass
from components.infra_validator.outcome import Outcome
from components.models.training_record import CurvePoint
from pipeline.report.contents import (
    Contents,
    Mistakes,
    Piece,
    Quality,
    Setting,
    ShownMistake,
    Verdict,
)
from pipeline.results.insight import curves
from pipeline.results.insight.data_facts import DataFacts, TextStatistics, TokenFacts
from pipeline.results.insight.label_errors import DoubtedLabel, LabelErrors
from pipeline.results.insight.near_duplicates import Cluster, NearDuplicates
from pipeline.results.lineage import ArtifactNode, ExecutionNode, Lineage
from pipeline.results.run_info import RunInfo, StepInfo
from pipeline.results.summary import SliceRow

STARTED = datetime(2026, 11, 26, 19, 54, 3, tzinfo=timezone.utc)
HOSTILE = (
    '<script>alert("1")</script><img src=x onerror=alert(2)> '
    "\x1b[31mred\x1b[0m \u202e $x^$ & {{ 7*7 }}"
)
STEPS = (
    "ReviewExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "DataGate", "Transform",
    "Trainer", "LatestBlessedModel", "Evaluator", "InfraValidator", "Pusher",
)  # fmt: skip


def run_info(**changes) -> RunInfo:
    """Returns a run that was pushed, with changes."""
    fields = {
        "run_id": "20261126-195403",
        "pipeline_name": "films_sentiment",
        "model_name": "films_sentiment",
        "started": STARTED,
        "state": "complete",
        "seconds": 196.0,
        "settings": {"data": "films.csv", "model": "lstm", "seed": 7},
        "data_name": "films",
        "model": "lstm",
        "accuracy": 0.86,
        "interval": (0.8421, 0.8761),
        "is_blessed": True,
        "version": 1_795_723_039,
        "is_live": True,
        "versions": {"python": "3.10.13", "tfx": "1.16.0"},
        "commit": "0123456789abcdef",
        "fingerprints": {"Trainer": "514c889912"},
        "steps": tuple(
            StepInfo(name, number, "done", 2.5 * number, 300_000_000 + number, f"because {number}")
            for number, name in enumerate(STEPS, start=1)
        ),
    }
    return RunInfo(**{**fields, **changes})


def lineage() -> Lineage:
    """Returns a chain of steps, each of which reads what the one before it made."""
    executions = tuple(
        ExecutionNode(number, name, "done", STARTED + timedelta(seconds=number), 1.0, {})
        for number, name in enumerate(STEPS, start=1)
    )
    artifacts = tuple(
        ArtifactNode(number, f"output_{number}", "Examples", f"pipelines/{number}", number,
                     (number + 1,))
        for number in range(1, len(STEPS))
    )  # fmt: skip
    return Lineage("20261126-195403", executions, artifacts)


def quality() -> Quality:
    """Returns curves of 2,000 reviews."""
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 2_000)
    scores = 1 / (1 + np.exp(-generator.normal(2.4 * (labels - 0.5), 1.5)))
    chosen = labels == 1, scores.astype(np.float32)
    roc, precision_recall = curves.roc(*chosen), curves.precision_recall(*chosen)
    assert roc and precision_recall
    return Quality(
        roc, precision_recall, float(labels.mean()), curves.calibration(*chosen),
        curves.threshold_table(*chosen),
    )  # fmt: skip


def verdict(**changes) -> Verdict:
    """Returns that of a model that is better than the gate asks for."""
    fields = {
        "is_blessed": True,
        "refusals": (),
        "accuracy": 0.86,
        "low": 0.8441,
        "high": 0.8745,
        "reviews": 2_000,
        "judged_on": "test reviews",
        "min_accuracy": 0.8,
        "min_macro_f1": None,
        "macro_f1": 0.859,
        "max_regression": 0.005,
        "baseline_accuracy": 0.8551,
        "compared": "30 better, 20 worse: not told apart (p = 0.20)",
        "larger_class": LargerClass("negative", 0.515),
        "infra_validation": Outcome("embedded", answers=114),
        "pushed_to": "artifacts/serving_model/films_sentiment/1795723039",
    }
    return Verdict(**{**fields, **changes})


def of_the_reviews() -> dict:
    """Returns the parts that are about the data."""
    return {
        "data": DataFacts(
            {
                "test": {"negative": 1_030, "positive": 970},
                "train": {"negative": 4_000, "positive": 3_900},
            },
            12,
            3,
            {"no text": 2},
            {"labelled '3'": 51},
            {
                "train": TextStatistics(7_900, 7_890, 1_294.4),
                "test": TextStatistics(2_000, 1_999, 1_325.0),
            },
            {
                "train": TokenFacts(
                    7_900, (0, 100, 200, 300), (900, 5_000, 2_000), 174.0, 61, 4, 0.9234
                )
            },
        ),
        "anomalies": (),
        "duplicates": NearDuplicates(
            9_900,
            41,
            17,
            5,
            (Cluster(4, 2, {"train": 3, "test": 1}, {0: 4}, 0.9, ("a", "b"), ("Same text",)),),
            19,
            0,
            0.7,
        ),
        "doubts": LabelErrors(
            9_900,
            (DoubtedLabel("train/pos/5_8", "train", 1, 0, 0.97, True, "Awful."),),
            33,
            0.9,
            5,
            (),
        ),
        "doubts_file": "artifacts/reports/films_sentiment/20261126-195403-labels.csv",
    }


def contents(**changes) -> Contents:
    """Returns all of a page, with changes."""
    fields = {
        "run": run_info(),
        "parameters": 213_301,
        "classes": ("negative", "positive"),
        "verdict": verdict(),
        "metrics": {
            "accuracy": 0.86, "macro_f1": 0.859, "auc": 0.93, "precision": 0.8722,
            "recall": 0.8411, "log_loss": 0.3344, "calibration": 1.01, "examples": 2_000.0,
        },
        "training": tuple(
            CurvePoint(step, 1 + step // 60, 0.7 / (1 + step / 40), 0.5 + step / 400,
                       *((0.6 / (1 + step / 50), 0.5 + step / 420) if step % 20 == 0 else ()))
            for step in range(5, 165, 5)
        ),
        "confusion": Confusion(2, {(0, 0): 905, (0, 1): 125, (1, 0): 155, (1, 1): 815}),
        "quality": quality(),
        "slices": (
            *(SliceRow("rating", str(stars), 200 + stars, 0.8 + stars / 100)
              for stars in range(1, 11)),
            SliceRow("unknown_words", "under 5 %", 1_400, 0.88),
            SliceRow("unknown_words", "5-10 %", 600, 0.81),
        ),
        "mistakes": Mistakes(
            (
                ShownMistake("test/pos/7_9", "positive", "negative", 0.9912,
                             (Piece("Not "), Piece("bad", -2.5), Piece(" at "), Piece("all", 0.75)),
                             start=-0.1, end=-1.85, is_cut=True),
                ShownMistake("test/neg/3_1", "negative", "positive", 0.9777, (Piece("So so"),)),
            ),
            total=280,
        ),
        **of_the_reviews(),
        "lineage": lineage(),
        "hyperparameters": (Setting("epochs", "3", True), Setting("lstm_units", "64")),
        "history": (
            run_info(),
            run_info(run_id="20261125-101112", started=STARTED - timedelta(days=1),
                     accuracy=0.8551, version=None, is_live=False, is_blessed=False),
        ),
        "commands": (("Run it again:", "sentiment run --data films.csv --seed 7"),),
    }  # fmt: skip
    return Contents(**{**fields, **changes})


def hostile() -> Contents:
    """Returns contents in which every text that others wrote attacks the page."""
    made = contents()
    return contents(
        run=run_info(
            error=HOSTILE, state="failed", failed_step=HOSTILE, data_name=HOSTILE, model=HOSTILE,
            settings={"data": HOSTILE}, versions={HOSTILE: HOSTILE}, commit=HOSTILE,
            fingerprints={HOSTILE: HOSTILE}, steps=(StepInfo(HOSTILE, 1, "done", 1.0, 1, HOSTILE),),
        ),
        classes=(HOSTILE, f"2{HOSTILE}"),
        chosen_because=HOSTILE,
        verdict=verdict(refusals=(HOSTILE,), larger_class=LargerClass(HOSTILE, 0.5),
                        pushed_to=HOSTILE, infra_validation=Outcome(HOSTILE, 1),
                        compared=HOSTILE),
        slices=(SliceRow(HOSTILE, HOSTILE, 100, 0.9), SliceRow(HOSTILE, "b", 100, 0.8)),
        mistakes=Mistakes(
            (ShownMistake(HOSTILE, HOSTILE, HOSTILE, 0.9,
                          (Piece(HOSTILE, 1.5), Piece("\ud800 </script>")), 0.0, 1.5),),
            1, HOSTILE,
        ),
        data=DataFacts({HOSTILE: {HOSTILE: 1}}, 0, 0, {HOSTILE: 1}, {HOSTILE: 1},
                       {HOSTILE: TextStatistics(1, 1, 1.0)},
                       {HOSTILE: TokenFacts(1, (0, 1), (1,), 1.0, 0, 0, 1.0)}),
        anomalies=(HOSTILE,),
        duplicates=NearDuplicates(2, 0, 1, 0, (
            Cluster(2, 2, {HOSTILE: 2}, {0: 2}, 0.9, (HOSTILE,), (HOSTILE,)),), 1, 0, 0.7),
        doubts=LabelErrors(
            2, (DoubtedLabel(HOSTILE, HOSTILE, 1, 0, 0.9, True, HOSTILE),), 1, 0.5, 2, (HOSTILE,)
        ),
        doubts_file=HOSTILE,
        lineage=Lineage("1", (ExecutionNode(1, HOSTILE, "done", STARTED, 1.0, {}),),
                        (ArtifactNode(1, HOSTILE, HOSTILE, HOSTILE, 1, ()),)),
        hyperparameters=(Setting(HOSTILE, HOSTILE),),
        history=(run_info(run_id=HOSTILE, model=HOSTILE), *made.history),
        commands=((HOSTILE, HOSTILE),),
    )  # fmt: skip
