"""DataGate: what stops a run before Transform, and in which words."""

from __future__ import annotations

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.data_gate.component import DataBlessing
from components.data_gate.executor import Executor
from components.data_gate.objections import (
    objections_to_anomalies,
    objections_to_reading,
    objections_to_splits,
)
from components.errors import DataGateError
from components.example_gen.reading_report import ReadingReport, ReadingReportArtifact

GOOD = {"train": {"0": 40, "1": 40}, "test": {"0": 10, "1": 10}}


def test_bad_records_are_counted_by_kind_with_an_example():
    """Four of 104 records are 3.85 %."""
    report = ReadingReport(
        reviews=GOOD,
        problems={"empty_text": 3, "not_utf8": 1},
        problem_examples={
            "empty_text": ["r.csv, record 3: the text is blank"],
            "not_utf8": ["r.csv, record 9: byte 0xff"],
        },
    )
    assert list(objections_to_reading(report, 0.0)) == [
        "4 records could not be read, 3.85% where `max_bad_records` allows 0.00%: "
        "empty text: 3 (e.g. r.csv, record 3: the text is blank), "
        "not utf8: 1 (e.g. r.csv, record 9: byte 0xff)."
    ]


def test_bad_records_up_to_the_share_that_is_allowed_pass():
    """The bound itself is allowed."""
    report = ReadingReport(
        reviews=GOOD, problems={"empty_text": 25}, problem_examples={"empty_text": ["x"]}
    )
    assert list(objections_to_reading(report, 0.2)) == []
    assert len(list(objections_to_reading(report, 0.19))) == 1


def test_a_label_that_was_not_there_to_learn_from_is_named_with_the_way_to_leave_it_out():
    """As long as such records are few enough, they pass."""
    report = ReadingReport(
        reviews=GOOD,
        problems={"unknown_label": 1},
        problem_examples={"unknown_label": ["r.csv, record 2: label 'meh'"]},
        labels={"bad": 5, "good": 6, "meh": 1},
        classes=["bad", "good"],
        label_classes=[["bad", "bad"], ["good", "good"]],
    )
    _, labels = objections_to_reading(report, 0.0)
    assert labels == (
        "'meh' (1) means none of the classes of train ('bad', 'good'). To leave such labels out, "
        "name the classes: `labels='bad,good'`."
    )
    assert list(objections_to_reading(report, 0.1)) == []


def test_the_labels_are_listed_when_too_many_are_unknown():
    """All of them with their counts, behind the bad records; as long as they pass, they do."""
    report = ReadingReport(
        reviews=GOOD,
        problems={"unknown_label": 30},
        problem_examples={"unknown_label": ["r.csv, record 2: label '2'"]},
        labels={"1": 50, "2": 30, "0": 50},
    )
    bad_records, labels = objections_to_reading(report, 0.0)
    assert bad_records.startswith("30 records could not be read, 23.08%")
    assert labels.startswith(
        "The labels are '0' (50), '1' (50), '2' (30). Name the classes: `labels='0,1,2'`, or as "
        "two sides, e.g. `positive_label='2'` `negative_label='0'`."
    )
    assert list(objections_to_reading(report, 0.5)) == []


def test_an_empty_split_and_a_split_of_one_class_are_named():
    """Both with their counts."""
    report = ReadingReport(
        reviews={"train": {"0": 0, "1": 12}, "test": {"0": 0, "1": 0}},
    )
    assert list(objections_to_splits(report)) == [
        "Split 'train' has one class only in feature 'label': 0 negative, 12 positive.",
        "Split 'test' is empty: 0 reviews.",
    ]


def test_classes_with_too_few_reviews_in_a_split_are_named_with_their_counts():
    """And what to type to leave them out."""
    classes = ["a", "b", "c"]
    report = ReadingReport(
        reviews={"train": {"0": 9, "1": 9, "2": 2}, "test": {"0": 3, "1": 2, "2": 1}},
        classes=classes,
    )
    assert list(objections_to_splits(report, 2)) == [
        "Split 'test' has fewer than 2 reviews of 'c' (1), which `min_class_size` asks of each "
        "class. Give more of them, or leave them out by naming the others, e.g. `labels='a,b'`, "
        "or let them be: `min_class_size=1`."
    ]
    assert list(objections_to_splits(report, 1)) == []
    (train, test) = objections_to_splits(report, 3)
    assert train.startswith("Split 'train' has fewer than 3 reviews of 'c' (2), which")
    assert test == (
        "Split 'test' has fewer than 3 reviews of 'b' (2), 'c' (1), which `min_class_size` asks "
        "of each class. Give more of them, or count them to other classes by `map_labels`, or let "
        "them be: `min_class_size=1`."
    )


def test_of_many_small_classes_the_largest_and_smallest_are_named():
    """A column of texts makes as many classes as there are rows: that is asked as well."""
    names = [f"text {number:02}" for number in range(60)]
    counts = {str(label): int(label != 7) for label in range(60)}
    (sentence,) = objections_to_splits(ReadingReport({"train": counts}, classes=names), 2)
    assert sentence == (
        "Split 'train' has fewer than 2 reviews of the largest 'text 00' (1), 'text 01' (1), "
        "'text 02' (1), 'text 03' (1), 'text 04' (1), the smallest 'text 56' (1), 'text 57' (1), "
        "'text 58' (1), 'text 59' (1), 'text 07' (0), and 50 more, which `min_class_size` asks of "
        "each class. Give more of them, or count them to other classes by `map_labels`. Is that "
        "the label's column? `label_column` names another."
    )
    only = {str(label): 5 * (label == 7) for label in range(60)}
    assert list(objections_to_splits(ReadingReport({"test": only}, classes=names), 2)) == [
        "Split 'test' has one class only in feature 'label': 5 text 07."
    ]


def test_an_anomaly_names_feature_and_split():
    """In TFDV's own description."""
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["label"].description = "Out-of-range values: 7."
    assert list(objections_to_anomalies("train", anomalies)) == [
        "Feature 'label' in split 'train': Out-of-range values: 7."
    ]


def gate(tmp_path, report, anomalies_by_split, max_bad_records=0.0):
    """Runs the executor over artifacts on disk."""
    report_artifact = ReadingReportArtifact()
    report_artifact.uri = str(tmp_path / "report")
    report.write(report_artifact.uri)
    anomalies_artifact = standard_artifacts.ExampleAnomalies()
    anomalies_artifact.uri = str(tmp_path / "anomalies")
    anomalies_artifact.split_names = artifact_utils.encode_split_names(list(anomalies_by_split))
    for split, anomalies in anomalies_by_split.items():
        directory = tmp_path / "anomalies" / f"Split-{split}"
        directory.mkdir(parents=True)
        (directory / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    Executor().Do(
        {"report": [report_artifact], "anomalies": [anomalies_artifact]},
        {"blessing": [DataBlessing()]},
        {"max_bad_records": max_bad_records, "min_class_size": 2},
    )


def test_good_data_passes(tmp_path):
    """No objection, no error."""
    clean = anomalies_pb2.Anomalies()
    gate(tmp_path, ReadingReport(reviews=GOOD), {"train": clean, "test": clean})


def test_all_objections_are_raised_together(tmp_path):
    """One run tells all that has to be mended."""
    bad = anomalies_pb2.Anomalies()
    bad.anomaly_info["text"].description = "The feature was missing."
    report = ReadingReport(reviews=GOOD | {"test": {"0": 3, "1": 0}})
    with pytest.raises(DataGateError) as error:
        gate(tmp_path, report, {"train": bad, "test": anomalies_pb2.Anomalies()})
    assert str(error.value) == (
        "The data gate stopped the run. Split 'test' has one class only in feature 'label': "
        "3 negative, 0 positive. Feature 'text' in split 'train': The feature was missing."
    )


def test_the_anomalies_of_an_empty_split_are_not_news(tmp_path):
    """That a split is empty says it all."""
    missing = anomalies_pb2.Anomalies()
    missing.anomaly_info["text"].description = "Column dropped"
    report = ReadingReport(reviews=GOOD | {"test": {"0": 0, "1": 0}})
    with pytest.raises(DataGateError) as error:
        gate(tmp_path, report, {"train": anomalies_pb2.Anomalies(), "test": missing})
    assert "Column dropped" not in str(error.value)


def test_two_classes_with_too_few_reviews_cannot_be_left_out():
    """There would be one left, or none."""
    report = ReadingReport({"train": {"0": 9, "1": 1}})
    assert list(objections_to_splits(report, 2)) == [
        "Split 'train' has fewer than 2 reviews of 'positive' (1), which `min_class_size` asks of "
        "each class. Give more of them, or let them be: `min_class_size=1`."
    ]
