"""What the ends of a blessed and of a refused run are told from, and how a console prints them."""

import dataclasses
import math

from components.evaluator.lift import LargerClass
from components.evaluator.significance import Pairs
from components.infra_validator.outcome import Outcome
from components.progress import Progress
from pipeline.console.terminal import Console
from pipeline.results.summary import ClassRow, Mistake, RunSummary, SliceRow

STEPS = (
    "ReviewExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "DataGate", "Transform",
    "Trainer", "LatestBlessedModel", "Evaluator", "InfraValidator", "Pusher",
)  # fmt: skip


STARS = tuple(
    SliceRow("rating", stars, 3_000, accuracy)
    for stars, accuracy in {
        "1": 0.93, "2": 0.91, "3": 0.88, "4": 0.80, "7": 0.78, "8": 0.85, "9": 0.88, "10": 0.92,
    }.items()
)  # fmt: skip


LENGTHS = (
    SliceRow("length", "no words", 1, 0.0),
    SliceRow("length", "1-100", 4_000, 0.88),
    SliceRow("length", "truncated", 2_000, 0.8123),
)


UNKNOWN = (
    SliceRow("unknown_words", "under 5 %", 9_000, 0.87),
    SliceRow("unknown_words", "20 % or more", 100, 0.8),
)


BLESSED = RunSummary(
    pipeline_name="imdb_sentiment",
    model="lstm",
    data_name="imdb",
    counts={"test": 25_000, "train": 25_000},
    leaks=123,
    dropped_leaks=0,
    bad_records=0,
    left_out={},
    metrics={
        "accuracy": 0.8591,
        "auc": 0.9312,
        "precision": 0.8587,
        "recall": 0.8602,
        "log_loss": 0.3391,
        "calibration": 1.0021,
        "examples": 25_000.0,
        "true_positives": 10_753.0,
        "false_negatives": 1_747.0,
        "true_negatives": 10_724.0,
        "false_positives": 1_776.0,
    },
    min_accuracy=0.8,
    baseline_accuracy=0.861,
    max_regression=0.005,
    larger_class=LargerClass("", 0.5),
    margin=0.0043,
    passed_gate=True,
    refusals=(),
    infra_validation=Outcome("embedded", answers=114),
    slices=STARS + LENGTHS + UNKNOWN,
    pushed_to="/home/someone/artifacts/serving_model/imdb_sentiment/1764000000",
    executed=STEPS,
    cached=(),
    seconds=552.3,
    log_path="/home/someone/artifacts/logs/run.log",
    pairs=Pairs(better=12, worse=30),
    next_commands=(
        (
            "Ask the model",
            'sentiment predict --model-name imdb_sentiment "a great [and long] film"',
        ),
        ("Serve it", "docker run --rm " + "-p 8500:8500 " * 12 + "tensorflow/serving"),
        ("See how training went", "tensorboard --logdir '/home/some one/Trainer'"),
    ),
)


REFUSED = dataclasses.replace(
    BLESSED,
    passed_gate=False,
    refusals=("Its accuracy on the test split, 50.12%, is below the gate's 80.00%.",),
    infra_validation=None,
    baseline_accuracy=None,
    pairs=None,
    pushed_to=None,
)


def text_of(stream) -> str:
    return stream.buffer.getvalue().decode(stream.encoding)


def words_of_summary(stream, summary: RunSummary) -> str:
    """Returns what a console prints of a run's end, with one blank between words."""
    with Console(stream) as console:
        console.summary(summary)
    return " ".join(text_of(stream).split())


def whole_run(console: Console, summary: RunSummary = BLESSED) -> None:
    console.run_started("imdb_sentiment", "lstm", "imdb", "/home/someone/artifacts", "/x/run.log")
    for step in STEPS:
        console.component_started(step)
        if step == "Trainer":
            for done in range(0, 1_000, 10):
                console.progress(Progress(done, 1_000, "steps", "epoch 1/3", {"loss": 0.5}))
        console.component_finished(step, 4.2)
    console.summary(summary)


OF_MANY = dataclasses.replace(
    BLESSED,
    metrics={"accuracy": 0.412, "macro_f1": 0.3314, "log_loss": 1.4321, "examples": 25_000.0},
    min_accuracy=None,
    baseline_accuracy=None,
    larger_class=LargerClass("10", 0.2),
    classes=("1", "2", "9", "10", "never"),
    class_rows=(
        ClassRow("1", 5_022, 0.5, 0.7),
        ClassRow("2", 2_302, math.nan, 0.0),
        ClassRow("9", 2_344, 0.3, 0.125),
        ClassRow("10", 4_999, 0.5, 0.65),
        ClassRow("never", 0, math.nan, math.nan),
    ),
    mistakes=(Mistake("9", "10", 1_203), Mistake("2", "1", 1_100), Mistake("1", "10", 9)),
)
