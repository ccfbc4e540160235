"""ReadingReport: what ReviewExampleGen found, put together and kept."""

from __future__ import annotations

import pytest

from components.example_gen.reading_report import ReadingReport


def test_findings_become_a_report_in_any_order():
    """A split or a label that never occurred counts 0."""
    findings = [
        [["problems", "empty_text"], 2],
        [["reviews", "test", "0"], 3],
        [["leaks"], 4],
        [["problem_examples", "empty_text"], ["r.csv, record 1: the text is blank"]],
        [["reviews", "train", "1"], 7],
        [["labels", "good"], 7],
        [["left_out", "labelled '3'"], 6],
        [["dropped_leaks"], 5],
        [["fatal"], ["r.csv: cut"]],
    ]
    expected = ReadingReport(
        reviews={"train": {"0": 0, "1": 7}, "test": {"0": 3, "1": 0}},
        problems={"empty_text": 2},
        problem_examples={"empty_text": ["r.csv, record 1: the text is blank"]},
        fatal=["r.csv: cut"],
        labels={"good": 7},
        left_out={"labelled '3'": 6},
        leaks=4,
        dropped_leaks=5,
    )
    assert ReadingReport.from_findings(findings, ["train", "test"]) == expected
    assert ReadingReport.from_findings(reversed(findings), ["train", "test"]) == expected


def test_nothing_found_is_a_report_of_empty_splits():
    """Without problems, the share of bad records is 0."""
    report = ReadingReport.from_findings([], ["train", "eval", "test"])
    assert report == ReadingReport(
        reviews={split: {"0": 0, "1": 0} for split in ("train", "eval", "test")}
    )
    assert report.split_sizes == {"train": 0, "eval": 0, "test": 0}
    assert report.bad_record_share == 0.0


def test_the_share_of_bad_records_is_of_all_that_was_in_the_source():
    """Leaks that were dropped had been read, and so had what was left out."""
    report = ReadingReport(
        reviews={"train": {"0": 30, "1": 30}, "test": {"0": 10, "1": 10}},
        problems={"empty_text": 3, "not_utf8": 2},
        left_out={"labelled '3'": 7, "labelled '?'": 3},
        dropped_leaks=5,
    )
    assert report.split_sizes == {"train": 60, "test": 20}
    assert report.bad_record_share == pytest.approx(0.05)


def test_a_source_without_a_single_review_is_bad_altogether():
    """The share is of records, not of reviews."""
    assert ReadingReport(reviews={}, problems={"not_utf8": 2}).bad_record_share == 1.0


def test_a_report_is_read_as_it_was_written(tmp_path):
    """Whatever characters its examples hold."""
    report = ReadingReport(
        reviews={"train": {"0": 1, "1": 0}},
        problems={"unknown_label": 1},
        problem_examples={"unknown_label": ["r.csv, record 1: label 'très “bien” 🎬'"]},
        labels={"très": 1},
        leaks=2,
    )
    report.write(str(tmp_path / "not" / "there" / "yet"))
    assert ReadingReport.read(str(tmp_path / "not" / "there" / "yet")) == report
