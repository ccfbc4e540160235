import dataclasses
import io
import math
import os
import pty
import re
import subprocess
import sys
import textwrap

import pytest
from rich.cells import cell_len

from components.cross_validator.figures import CrossValidation
from components.evaluator.lift import LargerClass
from components.evaluator.significance import Pairs
from components.infra_validator.outcome import Outcome
from components.progress import Progress
from pipeline.console.duration import duration
from pipeline.console.live_line import LiveLine
from pipeline.console.printable_console import PrintableConsole
from pipeline.console.slice_chart import slice_chart
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


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def stream():
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


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


def test_the_panel_says_what_was_left_out_and_why(stream):
    """The most frequent reasons by name, the rest by its number."""
    left_out = {f"labelled '{n}'": n for n in range(1, 8)} | {"in split 'unsup'": 50_000, "": 3}
    with Console(stream) as console:
        console.summary(dataclasses.replace(BLESSED, left_out=left_out))
    assert (
        "left out: 50,000 reviews in split 'unsup', 7 reviews labelled '7', 6 reviews labelled "
        "'6', 5 reviews labelled '5', 4 reviews labelled '4' and 9 others"
    ) in " ".join(text_of(stream).split())


def test_the_page_is_the_last_that_the_panel_names(stream):
    """Where there is one, on a line of its own."""
    page = "artifacts/reports/imdb_sentiment/20261126-195403.html"
    with Console(stream) as console:
        console.summary(dataclasses.replace(BLESSED, page=page))
    *_, steps, last = text_of(stream).splitlines()
    assert steps == "  11 steps ran, 0 came from the cache, in 9 min 12 s; page:"
    assert last == f"    {page}"


def test_folds_are_told_before_the_test_split_and_the_choice_with_its_reason(stream):
    """The gate's minimums stand beside the figures that they hold for, and nowhere else."""
    folds = [[(0, 0)] * 30 + [(0, 1)] * 10 + [(1, 1)] * 30 + [(1, 0)] * 10] * 5
    summary = dataclasses.replace(
        BLESSED,
        model="linear",
        chosen_because="linear: 704 reviews to train on; a network needs some 10,000",
        cross_validation=CrossValidation.of_decisions(folds, classes=2),
        min_accuracy=0.7,
        min_macro_f1=0.6,
        metrics={**BLESSED.metrics, "macro_f1": 0.8591},
        margin=0.043,
        macro_f1_margin=0.0512,
    )
    words = words_of_summary(stream, summary)
    assert (
        "infra validation linear: 704 reviews to train on; a network needs some 10,000 "
        "5 folds, each of 400 reviews judged by a model that did not see it: accuracy 75.00% "
        "± 4.2 (95 %), gate 70.00% (+5.00 points); always saying the same 50.00% "
        "macro F1 0.750 ± 0.04"
    ) in words
    assert "gate 0.600 (+0.150); accuracy by fold 75.0%, 75.0%, 75.0%, 75.0%, 75.0%" in words
    assert (
        "accuracy 85.91 % ± 0.43 (95 %, Wilson) on the test split, last blessed 86.10 % "
        "(-0.19), 12 better, 30 worse: significantly worse (p = 0.008)" in words
    )
    assert words.count("gate 0.600") == 1
    assert "25,000 test reviews: ± 4 points, macro F1 ± 0.051" in words


def test_a_run_on_the_sample_says_what_its_figures_are_worth(stream):
    """In one line; a run on real reviews has none."""
    sentence = "  generated reviews: these figures mean nothing about real ones"
    with Console(stream) as console:
        console.summary(BLESSED)
        assert sentence not in text_of(stream).splitlines()
        console.summary(dataclasses.replace(BLESSED, is_sample=True))
    assert sentence in text_of(stream).splitlines()


def test_a_run_without_a_terminal_is_plain_and_short(stream):
    """A whole run, warned of, takes at most 44 lines, without control characters or bars."""
    with Console(stream) as console:
        console.notice("This is the sample. " * 18)
        whole_run(console)

    lines = text_of(stream).splitlines()
    assert len(lines) <= 44
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text_of(stream))
    assert not any("epoch" in line for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert [line for line in lines if "Trainer" in line] == [
        "✓ done    Train the model      Trainer                    4.2 s",
        "  tensorboard --logdir '/home/some one/Trainer'",
    ]


@pytest.mark.parametrize(
    ("ended", "step", "why", "line"),
    [
        (
            Console.component_cached,
            "Transform",
            "from [24 Nov] 11:28",
            "↺ cached  Turn text into ids   Transform           from [24 Nov] 11:28\n",
        ),
        (
            Console.component_skipped,
            "Pusher",
            "the model is not blessed",
            "– skipped Push the model       Pusher              the model is not blessed\n",
        ),
    ],
)
def test_a_step_that_did_not_run_says_why(stream, ended, step, why, line):
    """From the cache, or with nothing to do: it is not called done, in the same columns."""
    with Console(stream) as console:
        console.component_started(step)
        ended(console, step, why)

    assert text_of(stream) == line
    assert console.unfinished_step == ""


def test_failed_step(stream):
    """A failed step is one short line: the whole message comes at the end of the run."""
    with Console(stream) as console:
        console.component_started("DataGate")
        console.component_failed("DataGate", "Split [test] is empty, which is bad.\nMore\nlines")

    assert text_of(stream) == ("✗ FAILED  Gate the data        DataGate                   0.0 s\n")
    assert console.unfinished_step == "DataGate"


def test_failed_step_where_there_is_room(stream, monkeypatch):
    """A wide terminal shows the beginning of the message."""
    monkeypatch.setenv("COLUMNS", "100")
    with Console(stream) as console:
        console.component_started("DataGate")
        console.component_failed("DataGate", "Split [test] is empty, which is bad.\nMore\nlines")

    assert text_of(stream) == (
        "✗ FAILED  Gate the data        DataGate                   0.0 s  "
        "Split [test] is empty, which is ...\n"
    )


def test_interrupted_step(stream):
    """Ctrl-C is no failure: it has a word of its own, and the step stays named."""
    with Console(stream) as console:
        console.component_started("Trainer")
        console.component_interrupted("Trainer")

    assert text_of(stream) == (
        "■ halted  Train the model      Trainer                    0.0 s  interrupted\n"
    )
    assert console.unfinished_step == "Trainer"


def test_unknown_step_keeps_its_name(stream):
    """A step that we have no words for is shown as TFX calls it."""
    with Console(stream) as console:
        console.component_finished("Baker", 75.0, "12 trials")

    assert text_of(stream) == (
        "✓ done    Baker                Baker                 1 min 15 s  12 trials\n"
    )


def test_narrow_terminal_leaves_out_the_names_of_components(stream, monkeypatch):
    """At 50 columns a step still fits a line."""
    monkeypatch.setenv("COLUMNS", "50")
    with Console(stream) as console:
        console.component_finished("Trainer", 161.0)

    assert text_of(stream) == "✓ done    Train the model        2 min 41 s\n"


def test_ascii_only(monkeypatch):
    """A stream that is not UTF-8 gets no other character than ASCII."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    with Console(stream) as console:
        console.notice("The sample")
        whole_run(console)

    assert "done    Train the model" in text_of(stream)


def test_notice_marks_each_line(stream):
    """What must not be missed is wrapped, with a mark on every line."""
    with Console(stream) as console:
        console.notice("word " * 30 + "[end]")

    lines = text_of(stream).splitlines()
    assert all(line.startswith("!! ") and len(line) <= 80 for line in lines)
    assert " ".join(line[3:] for line in lines) == "word " * 30 + "[end]"


def test_note_is_told_apart_from_a_notice(stream):
    """What is good to know alarms nobody: one word in front, further lines below it."""
    with Console(stream) as console:
        console.note("word " * 30 + "[end]")

    first, *others = text_of(stream).splitlines()
    assert first.startswith("note: word") and all(len(line) <= 80 for line in (first, *others))
    assert others and all(line.startswith("      ") for line in others)


def test_download_without_a_terminal_is_announced_once(stream):
    """A download is told of before the first step, in a line."""
    with Console(stream) as console:
        for done in (10, 20, 30):
            console.progress(Progress(done, 84_100_000, "bytes", "download"))

    assert text_of(stream) == "download of 84.1 MB ...\n"


def test_summary_of_a_blessed_model(stream):
    """The panel holds accuracy against gate and baseline, counts, slices and where it went."""
    with Console(stream) as console:
        console.summary(BLESSED)

    text = text_of(stream)
    words = " ".join(text.split())
    assert "✓ BLESSED model lstm of imdb_sentiment passed the gate" in words
    assert (
        "accuracy 85.91 % ± 0.43 (95 %, Wilson), gate 80.00 % (+5.91), last blessed "
        "86.10 % (-0.19), 12 better, 30 worse: significantly worse (p = 0.008)" in words
    )
    assert "always saying" not in text
    assert "AUC 0.931, precision 0.859, recall 0.860, log loss 0.339, calibration 1.002" in text
    assert "positives 10,753 right, 1,747 wrong; negatives 10,724 right, 1,776 wrong" in text
    assert "25,000 train, 25,000 test; 123 texts in both train and test" in text
    assert f"pushed to {BLESSED.pushed_to}\n" in text
    assert "  11 steps ran, 0 came from the cache, in 9 min 12 s\n" in text
    assert "  log: /home/someone/artifacts/logs/run.log\n" in text


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "±"), ("ascii", "+-")])
def test_a_small_test_split_shows_how_sure_its_accuracy_is(encoding, sign):
    """In points to both sides, beside what the larger class alone would give."""
    small = dataclasses.replace(
        BLESSED,
        metrics={**BLESSED.metrics, "accuracy": 0.807, "examples": 57.0},
        larger_class=LargerClass("negative", 0.6),
        margin=0.1005,
    )
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    words = words_of_summary(stream, small)
    assert (
        "always saying negative 60.00 % (+20.70 points); 57 test reviews: "
        f"{sign} 10 points; they do not tell it from the gate's 80.00 %; a --max-regression of "
        "0.50 points means nothing with so few, --gate significant does" in words
    )
    assert f"accuracy 80.70 % {sign} 10.10 (95 %, Wilson), gate 80.00 % (+0.70), last" in words


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


def test_summary_of_many_classes(stream):
    """Beside always saying the largest; which are known worst, and what they are taken for."""
    words = words_of_summary(stream, OF_MANY)
    assert (
        "accuracy 41.20 % ± 0.61 (95 %, Wilson), no least accuracy is set, none before "
        "always saying 10 20.00 % (+21.20 points) macro F1 0.331, log loss 1.432 5 "
        "classes; least often right: 2 0.0% of 2,302, 9 12.5% of 2,344, 10 65.0% of 4,999; 1 have "
        "no test reviews most often mistaken: 9 for 10 (1,203), 2 for 1 (1,100), 1 for 10 (9) data "
        "imdb" in words
    )
    assert "positives" not in words and "AUC" not in words


def test_the_gate_of_many_classes_is_told_where_no_bound_is_set(stream):
    """It asks for more than always saying the largest class."""
    words = words_of_summary(stream, dataclasses.replace(OF_MANY, min_lift=0.001))
    assert (
        "accuracy 41.20 % ± 0.61 (95 %, Wilson), gate: proven better than always saying 10, "
        "none before" in words
    )


def test_summary_of_a_gate_on_macro_f1(stream):
    """In its own line, of two classes too; those have the names that the data gives them."""
    summary = dataclasses.replace(
        BLESSED,
        metrics={**BLESSED.metrics, "macro_f1": 0.8591},
        min_accuracy=None,
        min_macro_f1=0.8,
        baseline_macro_f1=0.86,
        classes=("ham", "spam"),
    )
    words = words_of_summary(stream, summary)
    assert "macro F1 0.859, gate 0.800 (+0.059), last blessed 0.860 (-0.001)" in words
    with Console(stream) as console:
        console.summary(dataclasses.replace(OF_MANY, min_macro_f1=0.3))
    assert text_of(stream).count("macro F1 0.331") == 1
    assert "no least accuracy is set, last blessed 86.10 % (-0.19), 12 better" in words
    assert "spam 10,753 right, 1,747 wrong; ham 10,724 right, 1,776 wrong" in words


def test_summary_of_a_model_that_was_tried_in_no_server(stream):
    """Infra validation is named where there was one."""
    with Console(stream) as console:
        console.summary(dataclasses.replace(BLESSED, infra_validation=None))
    assert "model lstm of imdb_sentiment passed the gate\n" in text_of(stream)


def test_summary_of_a_model_that_failed_in_a_server(stream):
    """It passed the gate; the reason is told, and who keeps it back."""
    refusal = "The infra validation (binary) refused it: The server did not load it: UNKNOWN."
    failed = dataclasses.replace(
        BLESSED,
        infra_validation=Outcome("binary", refusal="The server did not load it: UNKNOWN."),
        refusals=(refusal,),
        pushed_to=None,
    )
    words = words_of_summary(stream, failed)
    assert (
        "✗ NOT BLESSED model lstm of imdb_sentiment passed the gate, not infra validation" in words
    )
    assert refusal in words
    assert "not pushed: the infra validation refused this model; the served model" in words


def test_summary_of_a_refused_model(stream):
    """A model that is held back says why, and that nothing was pushed."""
    with Console(stream) as console:
        console.summary(REFUSED)

    text = text_of(stream)
    assert "✗ NOT BLESSED" in text
    assert "\n  Its accuracy on the test split, 50.12%, is below the gate's 80.00%.\n" in text
    assert "accuracy 85.91 % ± 0.43 (95 %, Wilson), gate 80.00 % (+5.91), none before" in " ".join(
        text.split()
    )
    assert "not pushed: the gate refused this model; the served model does not change" in text
    assert "pushed to" not in text


@pytest.mark.parametrize("columns", ["30", "80", "200"])
def test_commands_can_be_pasted(stream, monkeypatch, columns):
    """Each begins a line of its own; where one is too long for a line, a shell joins it again."""
    monkeypatch.setenv("COLUMNS", columns)
    with Console(stream) as console:
        console.summary(BLESSED)

    lines = [line.strip() for line in re.sub(r" \\\n +", " ", text_of(stream)).splitlines()]
    assert all(command in lines for _, command in BLESSED.next_commands)


# What has no place to be broken at: paths, and a quoted word of a command.
UNBREAKABLE = re.compile(r"\S*/\S*|'.*'|\".*\"")


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_every_line_holds(stream, monkeypatch, columns):
    """Steps, notices, verdicts, charts and commands, at any width; longer are paths alone."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with Console(stream) as console:
        console.notice(f"No reviews at {BLESSED.pushed_to}/{'x' * 200}, said the server. " * 2)
        console.notice("word" * 100)
        whole_run(console)
        console.component_cached("LatestBlessedModel", "from 26 Nov 11:28")
        console.component_failed("LatestBlessedModel", "It failed for a reason. " * 20)
        console.component_interrupted("LatestBlessedModel")
        console.comparison_started("imdb_comparison", "imdb", 27, "artifacts/comparisons/imdb")
        console.attempt_started("cnn_lstm_dropout:reference, seed 7")
        console.attempt_ended("FAILED", "Its process ended with code 3 and without a result. " * 3)
        console.scoring_started("artifacts/serving_model/m/1", "2 files", "scored", "x.log")
        console.summary(REFUSED)

    long = [line for line in text_of(stream).splitlines() if len(line) > columns]
    assert [line for line in long if not UNBREAKABLE.search(line)] == []
    assert all(len(UNBREAKABLE.search(line)[0]) > columns - 16 for line in long)


def test_undefined_metrics(stream):
    """A metric that is not defined says so."""
    metrics = {**BLESSED.metrics, "precision": float("nan")}
    with Console(stream) as console:
        console.summary(dataclasses.replace(BLESSED, metrics=metrics))

    assert "precision undefined," in text_of(stream)


def test_slice_chart_side_by_side():
    """At 76 columns the charts stand side by side, and the lowest slice of each is marked."""
    assert list(slice_chart(STARS[3:6] + LENGTHS, width=76)) == [
        "accuracy by stars  length in words (< lowest)",
        "4 ████▊   80.0%     no words few      0.0%",
        "7 ████▋   78.0% <      1-100 █████▎  88.0%",
        "8 █████▏  85.0%    truncated ████▉   81.2% <",
    ]


def test_slice_chart_names_what_the_model_reads():
    """A length in characters is none in words."""
    title, *_ = slice_chart(LENGTHS, width=76, tokens="character pairs")
    assert title.strip() == "accuracy by length in character pairs (< lowest)"


def test_slice_chart_in_a_narrow_terminal():
    """Charts that do not fit beside each other stand below each other."""
    assert list(slice_chart(STARS[3:5] + UNKNOWN, width=40, is_plain=True)) == [
        "accuracy by stars",
        "4 #####   80.0%",
        "7 #####   78.0% <",
        "unknown words (< lowest)",
        "   under 5 % #####   87.0%",
        "20 % or more #####   80.0% <",
    ]


def test_slice_chart_of_many_values_shows_the_least_accurate():
    """In the order of the rows; wide characters take two columns, and long values are cut."""
    rows = [SliceRow("product", f"p{number}", 100, number / 100) for number in range(60, 80)]
    rows += [SliceRow("product", "很好看", 100, 0.5), SliceRow("product", "x" * 80, 100, 0.4)]
    title, *lines, last = slice_chart(rows, width=76, is_plain=True)
    assert title == "accuracy by product (< lowest)"
    assert [line.split()[0] for line in lines] == [
        *(f"p{number}" for number in range(60, 68)), "很好看", f"{'x' * 27}...",
    ]  # fmt: skip
    assert last.strip() == "12 more are left out"
    assert {cell_len(line.removesuffix(" <").rstrip()) for line in lines} == {44}


def test_slice_chart_of_nothing():
    """Without slices there is no chart, nor a title for one."""
    assert list(slice_chart((), width=76)) == []


def live_line(title, seconds, report, *, width, is_plain=False) -> str:
    """Returns what the live line shows after so many seconds, and a report."""
    console = PrintableConsole(file=io.StringIO(), width=width)
    line = LiveLine(console, title, since=0.0, is_plain=is_plain, get_time=lambda: seconds)
    line.show(report)
    return line.get_renderable().plain


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "| Train 1:05  ######......  epoch 2/3  loss 0.311  accuracy 0.871"),
        (50, "| Train 1:05  ######......  epoch 2/3  loss 0.311"),
        (20, "| Train 1:05"),
        (6, "| Trai"),
    ],
)
def test_live_line_fits_the_terminal(width, line):
    """What does not fit is left out from the right."""
    report = Progress(500, 1_000, "steps", "epoch 2/3", {"loss": 0.3111, "accuracy": 0.8712})

    assert live_line("Train", 65.0, report, width=width, is_plain=True) == line


@pytest.mark.parametrize(
    ("report", "rest"),
    [
        (None, ""),
        (Progress(8_000_000, 16_000_000, "bytes"), "  ━━━━━━╌╌╌╌╌╌  8.0 of 16.0 MB"),
        (Progress(8_000_000, None, "bytes"), "  8.0 MB"),
        (Progress(20, 10, "steps"), "  ━━━━━━━━━━━━"),
    ],
)
def test_live_line_of_other_reports(report, rest):
    """Bytes are shown in MB, and there is a bar only where the end is known."""
    assert live_line("Read", 0.0, report, width=80) == f"⠋ Read 0:00{rest}"


def test_live_line_is_safe_and_counts_columns():
    """Control characters are shown by escapes, and a wide character takes two columns."""
    report = Progress(1, 2, "steps", "\x1b[2Jepoch", {})
    assert (
        live_line("映画\n", 0.0, report, width=80) == "⠋ 映画\\n 0:00  ━━━━━━╌╌╌╌╌╌  \\x1b[2Jepoch"
    )
    assert live_line("映画映画", 0.0, None, width=7) == "⠋ 映画 "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (187.4, "3 min 07 s")],
)
def test_duration(seconds, text):
    """Durations are in seconds, from a minute on in minutes and seconds."""
    assert duration(seconds) == text


LIVE_RUN = """
    import sys, time
    from components.progress import Progress
    from pipeline.console.terminal import Console

    with Console(sys.stdout) as console:
        console.component_started("Trainer")
        console.progress(Progress(5, 10, "steps", "epoch 1/3", {"loss": 0.25}))
        time.sleep(0.4)
        raise KeyboardInterrupt
"""


def in_a_terminal(code: str, keeps_errors: bool = False, **environment: str) -> str:
    """Runs Python code in a pseudo-terminal and returns all that it draws."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal if keeps_errors else subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
    )
    os.close(terminal)
    drawn = b""
    try:
        while chunk := os.read(controller, 4_096):
            drawn += chunk
    except OSError:
        pass  # Linux ends a pseudo-terminal with EIO.
    process.wait()
    os.close(controller)
    return drawn.decode()


def test_live_line_in_a_terminal():
    """A terminal shows the bar, and has its cursor back after an interruption."""
    drawn = in_a_terminal(LIVE_RUN)

    assert re.search(r"Train the model 0:00  ━━━━━━╌╌╌╌╌╌  epoch 1/3  loss 0\.250", drawn)
    assert drawn.count("\x1b[?25l") == drawn.count("\x1b[?25h") == 1
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_dumb_terminal_has_no_live_line():
    """A terminal that cannot move its cursor is treated as a pipe."""
    assert in_a_terminal(LIVE_RUN, TERM="dumb") == ""


def test_a_live_line_without_a_console():
    """A terminal shows it and it is taken away; a dumb one, or a pipe, gets nothing."""
    code = """
        import sys, time
        from components.progress import Progress
        from pipeline.console.live_line import live_line

        with live_line(sys.stdout, "Predicting") as show:
            show(Progress(5, 10, "texts", "5 of 10 texts"))
            time.sleep(0.3)
    """
    drawn = in_a_terminal(code)
    assert "Predicting 0:00  ━━━━━━╌╌╌╌╌╌  5 of 10 texts" in drawn
    assert drawn.endswith("\x1b[2K")
    assert in_a_terminal(code, TERM="dumb") == ""


def test_no_color():
    """NO_COLOR takes the colours away and leaves the words."""
    code = """
        import sys
        from pipeline.console.terminal import Console
        with Console(sys.stdout) as console:
            console.component_finished("Trainer", 1.0)
    """
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]m")

    assert colour.search(in_a_terminal(code))
    without = in_a_terminal(code, NO_COLOR="1")
    assert "done" in without and not colour.search(without)


def test_rich_is_imported_only_for_a_run():
    """The module is imported without Rich, which takes a tenth of a second."""
    code = "import sys, pipeline.console.terminal; sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_plan_shows_what_would_run_and_why():
    """Two lines of a step fit 80 columns; the last line sums up; nothing to run is a sentence."""
    console = Console(stream := io.StringIO())
    console.plan_started("imdb_sentiment", "lstm", "imdb", "artifacts")
    console.step_planned("SchemaGen", False, "nothing changed", 0.2)
    console.step_planned("Transform", True, "components.transform.preprocessing.f was edited", 61.0)
    console.step_planned("Tuner", True, "it never ran", None)
    console.plan_ended(running=2, steps=3, seconds=61.0, unknown=1)
    console.plan_ended(running=0, steps=3, seconds=0.0, unknown=0)
    assert stream.getvalue().splitlines() == [
        "plan of imdb_sentiment: model lstm, data imdb, root artifacts",
        "cached  Import the schema    SchemaGen           nothing changed",
        "to run  Turn text into ids   Transform             1 min 01 s",
        "  components.transform.preprocessing.f was edited",
        "to run  Tune the model       Tuner                             it never ran",
        "2 of 3 steps would run; last time they took 1 min 01 s (1 never ended well).",
        "  Nothing was run.",
        "Nothing changed: every step would come from the cache.",
    ]


def test_a_reason_stands_behind_the_time_of_a_step():
    """Folded like any other line."""
    console = Console(stream := io.StringIO())
    console.component_started("Transform")
    console.component_finished("Transform", 19.8, "because components.a.tokenize was edited")
    assert stream.getvalue().splitlines() == [
        "done    Turn text into ids   Transform                 19.8 s  because",
        "  components.a.tokenize was edited",
    ]
