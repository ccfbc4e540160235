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


def test_a_third_label_is_listed_with_the_others():
    """With one label named, the other must be one, too."""
    report = ReadingReport(reviews=GOOD, labels={"bad": 5, "good": 6, "meh": 1})
    assert list(objections_to_reading(report, 0.0, positive_label="good")) == [
        "Only `positive_label` is named, and 2 other labels occur: 'good' (6), 'bad' (5), "
        "'meh' (1). Name the other side as well, e.g. `positive_label='good'` "
        "`negative_label='bad,meh'`, or with fewer of them. Labels that are named "
        "on neither side are left out."
    ]
    assert list(objections_to_reading(report, 0.0, "good", "bad")) == []


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
        "The labels are '0' (50), '1' (50), '2' (30); they do not tell which are positive. Name "
        "both sides, e.g. `positive_label='2'` `negative_label='0'`."
    )
    assert list(objections_to_reading(report, 0.5)) == []


def test_rare_labels_that_were_not_kept_are_no_proof_of_absence():
    """Beyond the 1,000 most frequent, a label that is named may be among the others."""
    counts = {"0": 5, "1": 5}
    for labels, objections in ((counts, 1), (counts | {"": 9}, 0)):
        report = ReadingReport(reviews=GOOD, labels=labels)
        assert len(list(objections_to_reading(report, 0.0, "5", "0"))) == objections


def test_an_empty_split_and_a_split_of_one_class_are_named():
    """Both with their counts."""
    report = ReadingReport(
        reviews={"train": {"0": 0, "1": 12}, "test": {"0": 0, "1": 0}},
    )
    assert list(objections_to_splits(report)) == [
        "Split 'train' has one class only in feature 'label': 0 negative, 12 positive.",
        "Split 'test' is empty: 0 reviews.",
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
        {"max_bad_records": max_bad_records, "positive_label": "", "negative_label": ""},
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
