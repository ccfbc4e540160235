import dataclasses
import io
import re

import pytest

from components.cross_validator.figures import CrossValidation
from components.evaluator.lift import LargerClass
from components.infra_validator.outcome import Outcome
from pipeline.console.terminal import Console
from tests.pipeline.console.summaries import (
    BLESSED,
    OF_MANY,
    REFUSED,
    text_of,
    words_of_summary,
)


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


def test_undefined_metrics(stream):
    """A metric that is not defined says so."""
    metrics = {**BLESSED.metrics, "precision": float("nan")}
    with Console(stream) as console:
        console.summary(dataclasses.replace(BLESSED, metrics=metrics))

    assert "precision undefined," in text_of(stream)
