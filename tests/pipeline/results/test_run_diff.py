"""What differs between two runs, and whether it holds."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from scipy.stats import binomtest

from components.dataset.records import Review
from components.evaluator import predictions
from components.example_gen.examples import to_example
from pipeline.report.diff_page import diff_page
from pipeline.results import run_properties as names
from pipeline.results.code_diff import FunctionChange
from pipeline.results.diff_lines import sections
from pipeline.results.difference_of_shares import newcombe
from pipeline.results.run_diff import Change, RunDiff, diff
from pipeline.results.runs import find_run, list_runs

from .stored import DONE, METRICS, properties_of, store_run

REVIEWS = 60
A, B = "20261126-210857", "20261126-211623"


def predict(root, run_id, wrong, order=(0, 1)):
    """Writes a run's predictions, of which those on the reviews in `wrong` are wrong.

    The class of a review stands at the place that `order` has for it.
    """
    folder = root / "pipelines/Evaluator/evaluation" / run_id / predictions.FOLDER
    folder.mkdir(parents=True)
    labels = np.arange(REVIEWS) % 2
    choices = np.where(np.isin(np.arange(REVIEWS), wrong), 1 - labels, labels)
    labels, choices = np.array(order)[labels], np.array(order)[choices]
    scores = [[0.9 - 0.8 * choice, 0.1 + 0.8 * choice] for choice in choices]
    table = {
        predictions.REVIEW_ID: [f"reviews:{number}" for number in range(REVIEWS)],
        predictions.LABEL: labels,
        predictions.SCORES: scores,
        predictions.CHOICE: choices,
    }
    schema = predictions.schema(has_baseline=False)
    pq.write_table(pa.table(table, schema=schema), folder / "part-00000-of-00001.parquet")


def write_examples(root, run_id):
    """Writes the test reviews as ReviewExampleGen does."""
    folder = root / "pipelines/ReviewExampleGen/examples" / run_id / "Split-test"
    folder.mkdir(parents=True)
    path = str(folder / "data_tfrecord-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for number in range(REVIEWS):
            review_id = f"reviews:{number}".encode()
            text = f"text <b>of</b> {number}\x1b[2J".encode()
            writer.write(to_example(Review(text, number % 2, review_id, "test", None)))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A root with two runs of the same data; B is better on 12 reviews, and worse on 30."""
    root = tmp_path_factory.mktemp("stored")
    slices = [[[["length", "1-100"]], 50, 0.9], [[["length", "101-200"]], 10, 0.5]]
    store_run(root, A, properties_of(slices=slices), version=5)
    slices = [[[["length", "1-100"]], 50, 0.4], [[["length", "101-200"]], 10, 0.4]]
    data = {**properties_of()[names.DATA], "leaks": 3}
    changed = properties_of(
        settings={"model": "lstm", "seed": 7},
        metrics={**METRICS, "accuracy": 0.45},
        versions={"python": "3.10.13", "tfx": "1.21.0"},
        model="lstm",
        slices=slices,
        data=data,
    )
    store_run(root, B, changed, blessed=False)
    predict(root, A, range(12))
    predict(root, B, range(12, 42))
    write_examples(root, A)
    return root


@pytest.fixture
def root(stored, tmp_path):
    """A copy of that root, to spoil."""
    return shutil.copytree(stored, tmp_path / "artifacts")


def of(root, first=A, second=B):
    """Returns what differs."""
    return diff(root, find_run(root, first), find_run(root, second))


def test_only_what_differs_is_in_it(stored):
    """Settings with None for the default, versions, counts and figures; a version is a name."""
    found = of(stored)
    assert found.settings == (Change("model", "linear", "lstm"),)
    assert found.versions == (Change("tfx", "1.16.0", "1.21.0"),)
    assert found.data == (Change("leaks", None, 3),)
    assert found.metrics == (Change("accuracy", 0.75, 0.45),)
    assert [change.name for change in found.outcome] == ["model", "is_blessed", "version"]
    assert found.outcome[-1] == Change("version", "5", None)
    assert (found.functions, found.code, found.notes) == ((), (), ())
    assert not found.is_identical


def test_accuracies_are_compared_on_the_same_reviews(stored):
    """McNemar's exact test on those that changed sides: 12 better, 30 worse."""
    found = of(stored).significance
    assert (found.method, found.holds) == ("McNemar", True)
    assert found.p == pytest.approx(binomtest(12, 42).pvalue, abs=1e-12)
    assert found.text == (
        "of the same 60 test reviews, 12 better, 30 worse: significantly worse (p = 0.008), "
        "McNemar's exact test"
    )
    assert of(stored, B, A).significance.text.startswith(
        "of the same 60 test reviews, 30 better, 12 worse: significantly better"
    )


def test_reviews_that_changed_sides_are_told_with_their_texts(stored):
    """At most ten of each side; the labels have their names."""
    sides = of(stored).sides
    assert (sides.reviews, sides.better, sides.worse, sides.texts_missing) == (60, 12, 30, "")
    assert len(sides.shown) == 20
    first = sides.shown[0]
    assert (first.review_id, first.text) == ("reviews:0", "text <b>of</b> 0\x1b[2J")
    assert (first.label, first.before, first.after) == ("negative", "positive", "negative")
    assert (first.score_before, first.score_after) == pytest.approx((0.1, 0.9))
    assert [review.after == review.label for review in sides.shown] == [True] * 10 + [False] * 10


def test_sides_are_told_by_the_names_of_the_classes(root):
    """`--labels positive,negative` turns the labels round, and no review."""
    swapped, other = "20261126-220000", "20261126-230000"
    data = {**properties_of()[names.DATA], "classes": ["positive", "negative"]}
    store_run(root, swapped, properties_of(data=data))
    predict(root, swapped, range(12, 42), order=(1, 0))
    found = of(root, A, swapped)
    assert (found.sides.reviews, found.sides.better, found.sides.worse) == (60, 12, 30)
    first = found.sides.shown[0]
    assert (first.label, first.before, first.after) == ("negative", "positive", "negative")
    assert (first.score_before, first.score_after) == pytest.approx((0.1, 0.9))
    assert "of the same 60 test reviews, 12 better, 30 worse" in found.significance.text
    (told,) = [lines for title, lines in sections(found) if title == "data"]
    assert told[0] == "classes: the same 2 in another order"
    data = {**properties_of()[names.DATA], "classes": ["bad", "positive"]}
    store_run(root, other, properties_of(data=data))
    predict(root, other, range(12))
    found = of(root, A, other)
    assert found.sides.reviews == 30
    assert found.notes == (
        f"30 test reviews have another class in {other}: their sides are not compared.",
        "They tell other classes apart: their accuracies answer different questions.",
    )
    assert found.significance is None
    assert "Two runs that tell other classes apart" in diff_page(found)
    assert of(root, swapped, A).sides.relabelled == 0


def test_many_classes_make_few_lines(stored):
    """Those that only one run has are named; of their counts there are no thousands of lines."""
    first, second = find_run(stored, A), find_run(stored, B)
    many = [f"class {number}" for number in range(1_000)]
    counts = {"train": {str(number): 5 for number in range(1_000)}}
    first = replace(first, data={"classes": many, "reviews": counts})
    counts = {"train": {str(number): 6 for number in range(1_000)}}
    second = replace(second, data={"classes": [*many[:-1], "new"], "reviews": counts})
    (lines,) = [lines for title, lines in sections(diff(stored, first, second)) if title == "data"]
    assert lines[0] == "classes: 1,000 -> 1,000; only in A class 999; only in B new"
    assert (len(lines), lines[-1]) == (31, "and 972 more; --json has all")


def test_slices_that_one_run_did_not_measure_are_no_slices_without_reviews(stored):
    """They are named by their columns, once."""
    first, second = find_run(stored, A), find_run(stored, B)
    by_shop = {(("shop", str(number)),): (5, 0.8) for number in range(40)}
    first = replace(first, slices={**first.slices, **by_shop})
    gone = {(("length", "1-100"),): (50, 0.4)}
    (lines,) = [
        lines
        for title, lines in sections(diff(stored, first, replace(second, slices=gone)))
        if title == "slices"
    ]
    assert lines == [
        "length 1-100: 90.0% of 50 -> 40.0% of 50, told apart",
        "length 101-200: 50.0% of 10 -> no reviews",
        "only A was sliced by shop",
    ]


def test_the_page_says_at_its_top_whether_the_difference_holds(stored):
    """And 0 points are not more."""
    found = of(stored)
    assert "B is 30.00 points less accurate than A, and the difference holds" in diff_page(found)
    chance = replace(found, significance=replace(found.significance, holds=False))
    assert "B is 30.00 points less accurate than A, which may be chance" in diff_page(chance)
    same = replace(found, second=replace(found.second, accuracy=found.first.accuracy))
    assert "B is as accurate as A" in diff_page(same)


def test_a_slice_says_whether_its_difference_holds(stored):
    """Fifty reviews tell 90 % from 40 %, ten do not tell 50 % from 40 %."""
    large, small = of(stored).slices
    assert (large.key, large.before, large.after) == ((("length", "1-100"),), (50, 0.9), (50, 0.4))
    assert (large.holds, small.holds) == (True, False)


def test_a_difference_of_shares_has_newcombes_interval():
    """The example of his paper, 56/70 and 48/80, in the order of this function."""
    low, high = newcombe(48 / 80, 80, 56 / 70, 70)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe(0.5, 0, 0.5, 10) is None


def test_a_run_and_itself_are_identical(stored):
    """So are two runs that did the same."""
    run = find_run(stored, A)
    assert diff(stored, run, run) == RunDiff(run, run)
    again = replace(run, run_id="again")
    assert diff(stored, run, again).is_identical
    assert diff(stored, run, again).significance is None


def test_other_data_has_other_reviews(stored):
    """No review changes sides; the accuracies are compared as of different reviews."""
    first, second = find_run(stored, A), find_run(stored, B)
    second = replace(second, data={**second.data, "digest": "d2"})
    found = diff(stored, first, second)
    assert found.sides is None
    assert "test reviews are not the same" in found.notes[0]
    assert found.significance.method == "Newcombe"
    assert "told apart as if measured on different reviews" in found.significance.text
    assert found.significance.interval[1] < 0


@pytest.mark.parametrize(
    ("removed", "note"),
    [
        (f"Evaluator/evaluation/{B}", f"somebody removed .*{B}, the evaluation of {B}"),
        (f"Evaluator/evaluation/{A}/predictions", f"{A} was evaluated by a release that kept no"),
    ],
)
def test_predictions_that_somebody_deleted_are_told(root, removed, note):
    """The figures are still compared: they are recorded."""
    shutil.rmtree(root / "pipelines" / removed)
    found = of(root)
    assert found.sides is None
    (told,) = found.notes
    assert told.startswith("Which reviews changed sides is not known: ")
    assert re.search(note, told)
    assert found.metrics == (Change("accuracy", 0.75, 0.45),)
    assert found.significance.method == "Newcombe"


def cut(file):
    """Ends a file in the middle."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def other(file):
    """Puts something else in its place."""
    file.write_bytes(gzip.compress(b"\x09" + b"\0" * 11 + b"reviews:1" + b"\0" * 4))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: shutil.rmtree(file.parent), "somebody removed"),
        (lambda file: file.unlink(), "some of them are not in"),
        (cut, "cannot be read whole"),
        (other, "holds something else than reviews"),
        (lambda file: file.write_bytes(b"no gzip"), "cannot be read whole"),
    ],
)
def test_texts_that_are_gone_are_told_beside_the_reviews(root, spoil, why):
    """Which reviews changed sides is still known."""
    spoil(next((root / "pipelines/ReviewExampleGen/examples" / A).rglob("*.gz")))
    sides = of(root).sides
    assert (sides.better, sides.worse) == (12, 30)
    assert why in sides.texts_missing
    assert None in {review.text for review in sides.shown}


def record(root, fingerprint, functions):
    """Writes what a fingerprint was made of, as a run does."""
    (root / "functions").mkdir(exist_ok=True)
    code = {"functions": functions, "libraries": {}, "python": "3.10"}
    path = root / "functions" / f"{fingerprint}.json.gz"
    path.write_bytes(gzip.compress(json.dumps(code).encode()))


def test_code_differs_by_the_names_of_functions(tmp_path):
    """In the steps that ran; without a record of them, by the steps."""
    marks = {"Trainer": "0" * 16, "Evaluator": "1" * 16, "Tuner": "2" * 16}
    later = {"Trainer": "3" * 16, "Evaluator": "4" * 16, "Tuner": "5" * 16}
    store_run(tmp_path, A, properties_of(fingerprints=marks))
    store_run(tmp_path, B, properties_of(fingerprints=later))
    found = of(tmp_path)
    assert (found.functions, found.code) == ((), ("Trainer", "Evaluator"))
    assert "Which functions were edited is not known" in found.notes[0]
    before = {"components.fit.fit": "a", "components.fit.stop": "b", "components.fit.gone": "c"}
    after = {"components.fit.fit": "x", "components.fit.stop": "b", "components.fit.new": "d"}
    for fingerprints, functions in ((marks, before), (later, after)):
        for each in fingerprints.values():
            record(tmp_path, each, functions)
    found = of(tmp_path)
    steps = ("Trainer", "Evaluator")
    assert found.functions == (
        FunctionChange("components.fit.fit", "edited", steps),
        FunctionChange("components.fit.gone", "removed", steps),
        FunctionChange("components.fit.new", "added", steps),
    )
    assert found.code == ()


def test_a_run_without_figures_says_why(tmp_path):
    """It failed before, or an earlier release ran it."""
    store_run(tmp_path, "2026-11-26T19:34:29.367794", {})
    failed = properties_of(state=names.FAILED, failed_step="Trainer", metrics={}, error="Oh.")
    store_run(tmp_path, A, failed, {"ReviewExampleGen": DONE})
    first, second = list_runs(tmp_path)
    notes = diff(tmp_path, first, second).notes
    assert f"{A} has no figures: it failed before the Evaluator was done." in notes
    assert (
        "2026-11-26T19:34:29.367794 has no figures: an earlier release ran it, and did not record "
        "them." in notes
    )


def test_json_holds_all_of_it(stored):
    """It can be read back; the texts are as they are."""
    found = json.loads(json.dumps(of(stored).as_json(), allow_nan=False))
    assert found["settings"] == [{"name": "model", "before": "linear", "after": "lstm"}]
    assert found["sides"]["worse"] == 30
    assert found["sides"]["shown"][0]["text"] == "text <b>of</b> 0\x1b[2J"
    assert found["slices"][0]["key"] == [["length", "1-100"]]
    assert found["significance"]["p"] == pytest.approx(0.0079, abs=5e-5)
