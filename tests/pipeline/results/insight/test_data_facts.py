"""What is told of the data equals what the artifacts hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2

from components import features
from components.example_gen.reading_report import ReadingReport
from components.transform.token_settings import TokenSettings
from pipeline.results.insight.data_facts import data_facts, token_facts

SETTINGS = TokenSettings(max_length=6)


@pytest.fixture(scope="module")
def transformed(tmp_path_factory) -> str:
    """Four reviews of train: without tokens, of one, of three with one unknown, and a full one."""
    folder = tmp_path_factory.mktemp("transformed")
    rows = [[0] * 6, [0, 0, 0, 0, 0, 7], [0, 0, 0, 5, 1, 9], [2, 3, 4, 5, 6, 7]]
    (folder / "Split-train").mkdir()
    path = str(folder / "Split-train" / "transformed_examples-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for row in rows:
            values = tf.train.Feature(int64_list=tf.train.Int64List(value=row))
            example = tf.train.Features(feature={features.TOKEN_IDS: values})
            writer.write(tf.train.Example(features=example).SerializeToString())
    return str(folder)


@pytest.fixture(scope="module")
def statistics(tmp_path_factory) -> str:
    """Those of train, as StatisticsGen writes them: 40 reviews, of texts and labels."""
    folder = tmp_path_factory.mktemp("statistics")
    found = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = found.datasets.add(num_examples=40)
    dataset.features.add().path.step.append("label")
    text = dataset.features.add()
    text.path.step.append("text")
    text.bytes_stats.unique, text.bytes_stats.avg_num_bytes = 38, 120.5
    (folder / "Split-train").mkdir()
    (folder / "Split-train" / "FeatureStats.pb").write_bytes(found.SerializeToString())
    return str(folder)


def test_facts_are_those_of_the_artifacts(transformed, statistics):
    """Counts by name of the class, lengths and coverage in tokens, distinct texts."""
    report = ReadingReport(
        {"train": {"0": 30, "1": 10}, "test": {"0": 2}},
        leaks=3,
        problems={"bad_label": 1},
        classes=["ham", "spam"],
    )
    facts = data_facts(report, statistics, transformed, SETTINGS)
    assert facts.by_class == {"train": {"ham": 30, "spam": 10}, "test": {"ham": 2, "spam": 0}}
    assert (facts.leaks, facts.dropped_leaks, facts.bad_records) == (3, 0, {"bad_label": 1})
    assert list(facts.texts) == list(facts.tokens) == ["train"]
    texts, tokens = facts.texts["train"], facts.tokens["train"]
    assert (texts.reviews, texts.distinct, texts.mean_length) == (40, 38, 120.5)
    assert (tokens.edges, tokens.counts) == ((0, 1, 2, 3, 4, 5, 6), (1, 1, 0, 1, 0, 1))
    assert (tokens.reviews, tokens.median, tokens.full, tokens.empty) == (4, 2.0, 1, 1)
    assert tokens.known_share == pytest.approx(9 / 10)


def test_artifacts_that_are_gone_leave_their_part_out(tmp_path):
    """Deleted by hand, or never made."""
    report = ReadingReport({"train": {"0": 1}})
    for missing in (None, str(tmp_path / "gone")):
        facts = data_facts(report, missing, missing)
        assert (facts.texts, facts.tokens) == ({}, {})


def test_long_windows_have_twenty_bins():
    """And no review makes no error."""
    facts = token_facts(np.array([0, 24, 25, 499, 500]), 800, 500)
    assert facts.edges[:3] == (0, 25, 50)
    assert facts.edges[-1] == 500
    assert (len(facts.counts), facts.counts[0], facts.counts[1], facts.counts[-1]) == (20, 2, 1, 2)
    assert math.isnan(token_facts(np.zeros(0, np.int64), 0, 500).median)
