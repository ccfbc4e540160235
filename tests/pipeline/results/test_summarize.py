"""The summary of a run: why a model is refused, slices in order, commands to try."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.cross_validator.figures import CrossValidation
from components.errors import ConfigurationError
from components.evaluator.bounds import GateBounds
from components.evaluator.confusion import Confusion
from components.evaluator.results import EvaluationResults
from components.evaluator.significance import Pairs
from components.infra_validator.outcome import Outcome
from pipeline.config import PipelineConfig
from pipeline.loading import EnvironmentSettings
from pipeline.resolution import resolve
from pipeline.results.advice import before_training, for_few_reviews, for_no_lift
from pipeline.results.run_record import RunRecord
from pipeline.results.slice_rows import slice_rows
from pipeline.results.summarize import infra_refusals, next_commands, refusals, worth_little
from pipeline.results.summary import SliceRow


def measured(accuracy, positives=0.5, reviews=10_000):
    """Returns metrics of a model that is as right on both classes, in whole reviews."""
    of_class = {1: positives * reviews, 0: (1 - positives) * reviews}
    return {
        "accuracy": accuracy,
        "examples": float(reviews),
        "true_positives": accuracy * of_class[1],
        "false_negatives": (1 - accuracy) * of_class[1],
        "true_negatives": accuracy * of_class[0],
        "false_positives": (1 - accuracy) * of_class[0],
    }


def why_not(metrics, config, baseline):
    """Returns the refusals of a model of two classes; `baseline` is the last one's accuracy."""
    bounds = GateBounds.of(
        config.min_accuracy, config.min_macro_f1, config.max_regression, config.min_lift, 2
    )
    of_baseline = {} if baseline is None else {"accuracy": baseline}
    confusion = Confusion.of_two(metrics)
    return refusals(metrics, confusion, bounds, of_baseline, ("negative", "positive"))


@pytest.mark.parametrize(
    ("accuracy", "baseline", "count"),
    [
        (0.80, None, 0),
        (0.7999, None, 1),
        (0.8551, 0.86, 0),
        (0.8549, 0.86, 1),
        (0.86, 0.80, 0),
        (0.70, 0.86, 2),
    ],
)
def test_a_model_is_refused_below_either_bound(accuracy, baseline, count):
    """The minimum itself passes; each bound that is missed has its sentence."""
    config = PipelineConfig(min_accuracy=0.80, max_regression=0.005)
    assert len(why_not(measured(accuracy), config, baseline)) == count


def test_a_refusal_says_by_how_much_and_which_setting_decides():
    """In percentage points."""
    config = PipelineConfig(min_accuracy=0.80, max_regression=0.005, min_lift=0.0)
    below, worse = why_not(measured(0.5012), config, 0.86)
    assert below == (
        "Its accuracy on the test split, 50.12%, is below the gate's 80.00% (--min-accuracy)."
    )
    assert worse == (
        "Its accuracy, 50.12%, is 35.88 points below the last blessed model's 86.00%; at most "
        "0.50 are allowed (--max-regression)."
    )


def test_a_refusal_for_the_larger_class_gives_both_numbers():
    """And which class it is."""
    config = PipelineConfig(min_accuracy=0.80)
    never_positive = {
        "accuracy": 0.975, "examples": 200.0, "true_positives": 0.0, "false_negatives": 5.0,
        "true_negatives": 195.0, "false_positives": 0.0,
    }  # fmt: skip
    assert why_not(never_positive, config, None) == (
        "Its accuracy on the test split, 97.50%, is no better than always saying negative, 97.50% "
        "(--min-lift).",
    )
    worse = never_positive | {"accuracy": 0.965, "true_negatives": 193.0, "false_positives": 2.0}
    assert why_not(worse, config, None) == (
        "Its accuracy on the test split, 96.50%, is no better than always saying negative, 97.50% "
        "(--min-lift).",
    )
    assert why_not(never_positive, PipelineConfig(min_lift=0.0), None) == ()


def test_a_refusal_for_too_few_reviews_says_what_they_prove():
    """A better accuracy by three reviews may be luck."""
    lucky = {
        "accuracy": 0.985, "examples": 200.0, "true_positives": 3.0, "false_negatives": 3.0,
        "true_negatives": 194.0, "false_positives": 0.0,
    }  # fmt: skip
    assert why_not(lucky, PipelineConfig(), None) == (
        "Its accuracy on the test split, 98.50%, is not significantly better than always saying "
        "negative, 97.00%: 200 reviews prove at least 96.17%, and 97.10% is required (--min-lift).",
    )


def test_a_refusal_of_many_classes_names_metric_and_largest_class():
    """Macro F1 has its own bound; the lift is over the class with the most reviews."""
    confusion = Confusion(3, {(0, 0): 60, (1, 0): 25, (2, 0): 15})
    metrics = {"accuracy": 0.6, "macro_f1": confusion.macro_f1, "examples": 100.0}
    bounds = GateBounds.of(None, 0.5, 0.005, 0.001, classes=3)
    names = ("billing", "delivery", "other")
    assert refusals(metrics, confusion, bounds, {"accuracy": 0.9, "macro_f1": 0.4}, names) == (
        "Its macro F1 on the test split, 0.250, is below the gate's 0.500 (--min-macro-f1).",
        "Its accuracy on the test split, 60.00%, is no better than always saying billing, 60.00% "
        "(--min-lift).",
        "Its macro F1, 25.00%, is 15.00 points below the last blessed model's 40.00%; at most "
        "0.50 are allowed (--max-regression).",
    )
    nothing_set = GateBounds.of(None, None, 0.005, 0.0, classes=3)
    assert refusals(metrics, confusion, nothing_set, {}, names) == ()


def test_with_folds_a_refusal_is_about_them():
    """The minimums hold for all reviews; against the last blessed model, test decides as ever."""
    folds = [[(0, 0)] * 30 + [(0, 1)] * 10 + [(1, 1)] * 30 + [(1, 0)] * 10] * 5
    found = CrossValidation.of_decisions(folds, classes=2)
    bounds = GateBounds.of(0.8, 0.78, 0.005, 0.001, 2)
    metrics = measured(0.95) | {"macro_f1": 0.95}
    baseline = {"accuracy": 0.96, "macro_f1": 0.9}
    reasons = refusals(metrics, Confusion.of_two(metrics), bounds, baseline, ("bad", "good"), found)
    assert reasons == (
        "Its accuracy in 5 folds, 75.00%, is below the gate's 80.00% (--min-accuracy).",
        "Its macro F1 in 5 folds, 0.750, is below the gate's 0.780 (--min-macro-f1).",
        "Its accuracy, 95.00%, is 1.00 points below the last blessed model's 96.00%; at most 0.50 "
        "are allowed (--max-regression).",
    )


def test_what_few_test_reviews_tell_is_said_before_training(tmp_path):
    """With the folds that would tell more; of folds on many reviews, what they cost."""
    (tmp_path / "films.csv").write_text("text,label\na,1\nb,0\n")

    def told(train, test, **settings):
        config = PipelineConfig(data=str(tmp_path / "films.csv"), model="auto", **settings)
        run = resolve(config, EnvironmentSettings(None, tmp_path), print)
        return list(before_training(run, {"train": train, "test": test}))

    assert told(800, 200) == [
        "200 test reviews tell an accuracy of 85% to 4.9 points either way (95 %), a macro F1 less "
        "exactly; --folds 5 judges all 1,000."
    ]
    assert told(800, 200, folds=5) == told(1_600, 400) == []
    assert told(8_000, 2_000, folds=5) == [
        "--folds 5 trains 5 models more, on 10,000 reviews; 2,000 test reviews tell an accuracy of "
        "85% to 1.6 points either way (95 %)."
    ]


def test_a_model_that_a_server_refused_has_its_own_sentence():
    """None where no server was asked, or where it answered well."""
    assert infra_refusals(None) == infra_refusals(Outcome("embedded", answers=3)) == ()
    assert infra_refusals(Outcome("binary", refusal="The server did not load it: no op.")) == (
        "The infra validation (binary) refused it: The server did not load it: no op.",
    )


def test_slices_stand_in_the_order_that_people_count_in():
    """2 before 10, short before long; slices that do not occur are left out."""
    metrics = {"examples": 30.0, "accuracy": 0.9}
    keys = [("rating", "10"), ("length", "truncated"), ("rating", "2"), ("length", "1-100")]
    results = EvaluationResults(overall={}, slices={(key,): metrics for key in keys})
    assert slice_rows(results) == [
        SliceRow(feature, value, 30, 0.9)
        for feature, value in [
            ("rating", "2"),
            ("rating", "10"),
            ("length", "1-100"),
            ("length", "truncated"),
        ]
    ]


@pytest.fixture
def run(tmp_path):
    """A run on the sample, below a folder whose name has a space."""
    return resolve(
        PipelineConfig(data="sample", root=str(tmp_path / "my root")),
        EnvironmentSettings(None, tmp_path),
        print,
    )


def test_few_reviews_are_told_with_what_to_try(tmp_path):
    """Not of the sample, of variants that hold a solution, nor where there are enough."""
    (tmp_path / "films.csv").write_text("text,label\na,1\nb,0\n")

    def advice(reviews, **settings):
        settings = {"data": str(tmp_path / "films.csv"), **settings}
        run = resolve(PipelineConfig(**settings), EnvironmentSettings(None, tmp_path), print)
        return for_few_reviews(run, reviews)

    assert advice(240).startswith("240 training reviews are few for lstm; try --model linear.")
    assert advice(4_999, model="cnn_lstm")
    for reviews, settings in (
        (0, {}),
        (5_000, {}),
        (240, {"model": "linear"}),
        (240, {"model": "cnn_bilstm_linear"}),
        (240, {"model": "auto"}),
        (240, {"data": "sample"}),
    ):
        assert advice(reviews, **settings) == ""


def test_who_is_to_look_at_the_data_is_told_the_whole_command(tmp_path):
    """With how the table is read."""
    data = tmp_path / "my films.csv"
    data.write_text("words;stars\na;1\nb;0\n")
    config = PipelineConfig(
        data=str(data), model="linear", text_column="words", label_column="stars", delimiter=";"
    )
    run = resolve(config, EnvironmentSettings(None, tmp_path), print)
    assert for_no_lift(run, 240).endswith(
        f"see `sentiment inspect '{data}' --text-column words --label-column stars "
        "--delimiter ';'`."
    )


def test_a_pushed_model_has_three_commands_to_try(run, tmp_path):
    """Each can be pasted from anywhere: paths with spaces are quoted."""
    commands = dict(next_commands(run, str(run.serving_directory / "1")))
    assert list(commands) == [
        "Ask the model",
        "Serve it, with a page to try it at http://localhost:8501/",
        "See how training went",
    ]
    assert f"--root '{tmp_path}/my root' --model-name sample_sentiment" in commands["Ask the model"]
    assert commands["Serve it, with a page to try it at http://localhost:8501/"] == (
        f"sentiment serve --root '{tmp_path}/my root' --model-name sample_sentiment"
    )


def test_commands_are_short_where_the_defaults_hold(monkeypatch, tmp_path):
    """In the folder of the run, for IMDB's own names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imdb.csv").write_text("text,label\na,1\nb,0\n")
    run = resolve(PipelineConfig(data="imdb.csv"), EnvironmentSettings(None, tmp_path), print)
    commands = dict(next_commands(run, str(run.serving_directory / "1")))
    asked = "I loved it: excellent acting, a wonderful story, highly recommended."
    assert commands["Ask the model"] == f'sentiment predict "{asked}"'
    assert commands["Serve it, with a page to try it at http://localhost:8501/"] == (
        "sentiment serve"
    )
    assert commands["See how training went"].endswith(
        "--logdir artifacts/pipelines/imdb_sentiment/Trainer"
    )


def test_only_a_model_of_imdb_is_asked_about_a_film(tmp_path):
    """Whoever has tickets is to put in a text of their own."""
    rows = "".join(f"a {n},bug\nb {n},question\n" for n in range(20))
    (tmp_path / "tickets.csv").write_text(f"text,label\n{rows}")
    run = resolve(
        PipelineConfig(data=str(tmp_path / "tickets.csv")),
        EnvironmentSettings(None, tmp_path),
        lambda _: None,
    )
    commands = dict(next_commands(run, str(run.serving_directory / "1")))
    assert commands["Ask the model"].endswith('"a text of your own"')


def test_a_model_that_was_not_pushed_cannot_be_asked(run):
    """Only its training can be looked at."""
    assert [purpose for purpose, _ in next_commands(run, None)] == ["See how training went"]


def test_a_pipeline_that_never_ran_has_no_record(tmp_path):
    """The message names pipeline and file."""
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    path = Path(tmp_path / "metadata.db")
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(path)
    MetadataStore(connection)
    with pytest.raises(LookupError, match="Pipeline 'films' has no run in"):
        RunRecord(path, "films")


@pytest.mark.parametrize(
    ("pairs", "count"),
    [(Pairs(12, 30), 1), (Pairs(30, 12), 0), (Pairs(0, 0), 0), (Pairs(0, 4), 0), (None, 0)],
)
def test_a_gate_by_significance_refuses_only_what_is_surely_worse(pairs, count):
    """However many points there are between the two."""
    bounds = GateBounds.of(0.8, None, 0.005, 0.0, 2, by_significance=True)
    metrics = measured(0.85)
    names = ("negative", "positive")
    why = refusals(
        metrics, Confusion.of_two(metrics), bounds, {"accuracy": 0.9}, names, pairs=pairs
    )
    assert len(why) == count
    if count:
        assert why[0] == (
            "It is significantly worse than the last blessed model: 30 reviews that one judged "
            "right it does not, and 12 the other way round (McNemar's exact test, one-sided, "
            "p = 0.004; --gate)."
        )


def test_a_gate_by_significance_takes_no_points():
    """One of the two has to be meant."""
    with pytest.raises(ConfigurationError, match=r"takes no --max-regression, which is 0\.1"):
        PipelineConfig(gate="significant", max_regression=0.1)


@pytest.mark.parametrize(
    ("model", "accuracy", "min_lift", "words"),
    [
        ("lstm", 0.5, 0.001, ["300 training reviews are few for lstm; try --model linear."]),
        ("lstm", 0.5, 0.0, ["It is no better than always saying the same, 50.00%.", "300 train"]),
        ("linear", 0.5, 0.001, ["What these texts say may not tell the classes apart"]),
        ("linear", 0.51, 0.001, []),
    ],
)
def test_a_model_worth_nothing_is_told_with_what_to_try(tmp_path, model, accuracy, min_lift, words):
    """Whether the gate lets it pass or not."""
    data = tmp_path / "texts.csv"
    data.write_text("text,label\n" + "good,1\nbad,0\n" * 50)
    config = PipelineConfig(
        data=str(data), root=str(tmp_path / "root"), model=model, min_lift=min_lift
    )
    run = resolve(config, EnvironmentSettings(None, tmp_path), notify=lambda _: None)
    metrics = measured(accuracy)
    told = worth_little(run, metrics, Confusion.of_two(metrics), 300)
    assert len(told) == len(words)
    assert all(said.startswith(start) for said, start in zip(told, words, strict=True))
