"""The Beam pipeline over a real export: its numbers are predict's and the Evaluator's."""

from __future__ import annotations

import json
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tfx_bsl.tfxio import tf_example_record

from components import features
from components.dataset.records import Review
from components.errors import ScoringError, causes, raised_in_worker, summary_of
from components.evaluator import gate
from components.example_gen.examples import to_example
from pipeline.engine_choice import choose_engine
from pipeline.resolution import beam_arguments_for
from pipeline.scoring import model, rows
from pipeline.scoring.model import answers
from pipeline.scoring.plan import make_plan
from pipeline.scoring.pushed_model import PushedModel
from pipeline.scoring.rows import check_rows
from pipeline.scoring.scoring import score_files
from serving.predictions import Prediction
from tests.sharing import pushed_root


@pytest.fixture(scope="module")
def root(exported_model, tmp_path_factory) -> Path:
    """A root with the export as its version 12."""
    return pushed_root(tmp_path_factory, exported_model, "films", 12)


@pytest.fixture(scope="module")
def texts(sample_texts) -> list[str]:
    """Reviews of very different lengths, one longer than the model reads."""
    return ["fine", *sample_texts[:40], "a dull film . " * 300, "Amélie! <br /> ça va"]


@pytest.fixture(scope="module")
def scored(root, texts, tmp_path_factory) -> list[list[dict]]:
    """Two files, scored in chunks of seven rows and batches of three."""
    folder = tmp_path_factory.mktemp("scoring")
    for name, part in (("a.jsonl", texts[::2]), ("b.jsonl", texts[1::2])):
        (folder / name).write_text("".join(f"{json.dumps({'text': text})}\n" for text in part))
    plan = make_plan([str(folder / "*.jsonl")], folder / "out")
    (folder / "out").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "ROWS_PER_CHUNK", 7)
        patch.setattr(model, "BATCH_SIZE", 3)
        version = root / "serving_model" / "films" / "12"
        arguments = beam_arguments_for(choose_engine("local"), "in_memory")
        score_files(plan, check_rows(plan), version, folder / "out", arguments)
    return [
        [json.loads(line) for line in (folder / "out" / name).read_text().splitlines()]
        for name in ("a.jsonl", "b.jsonl")
    ]


def evaluated(version: Path, texts: list[str], folder: Path) -> list[float]:
    """What the Evaluator's extractors say of texts, as TFX wires them."""
    config = gate.eval_config(min_accuracy=0.8, max_regression=0.005)
    # The gate asks for a blessed model beside this one; predictions do not depend on it.
    del config.metrics_specs[:]
    shared = tfma.default_eval_shared_model(
        str(version), tags=[tf.saved_model.SERVING], eval_config=config
    )
    source = tf_example_record.TFExampleBeamRecord(
        physical_format="inline", raw_record_column_name=constants.ARROW_INPUT_COLUMN
    ).BeamSource()
    extractors = tfma.default_extractors(eval_shared_model=shared, eval_config=config)
    stages = [extractor.stage_name for extractor in extractors]
    review = {"label": 1, "review_id": b"", "split": "", "rating": None}
    examples = [to_example(Review(text=text.encode(), **review)) for text in texts]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        extracts = (
            pipeline
            | beam.Create(examples, reshuffle=False)
            | source
            | tfma.BatchedInputsToExtracts()
        )
        for extractor in extractors[: stages.index("ExtractPredictions") + 1]:
            extracts |= extractor.stage_name >> extractor.ptransform
        _ = (
            extracts
            | beam.FlatMap(_text_and_probability)
            | beam.Map(json.dumps)
            | beam.io.WriteToText(str(folder / "evaluated"), shard_name_template="")
        )
    found = dict(map(json.loads, (folder / "evaluated").read_text().splitlines()))
    return [found[text] for text in texts]


def _text_and_probability(extracts):
    batch = extracts[constants.FEATURES_KEY][features.TEXT].reshape(-1)
    probabilities = extracts[constants.PREDICTIONS_KEY]["probability"].reshape(-1)
    return [
        (text.decode(), float(probability))
        for text, probability in zip(batch, probabilities, strict=True)
    ]


def test_rows_keep_their_order_and_the_version_is_told(scored, texts):
    """In each file."""
    assert [[row["text"] for row in file] for file in scored] == [texts[::2], texts[1::2]]
    assert {row["model_version"] for file in scored for row in file} == {12}
    for row in scored[0]:
        assert row["sentiment"] == ("positive" if row["probability"] >= 0.5 else "negative")


def test_probabilities_are_those_of_predict(scored, root):
    """To 1e-6, though predict asks one by one."""
    pushed = PushedModel(root / "serving_model" / "films" / "12")
    for row in (*scored[0], *scored[1]):
        (verdict,) = pushed.predict([row["text"]])
        assert row["probability"] == pytest.approx(verdict.probability, abs=1e-6)
    assert len({round(row["probability"], 6) for file in scored for row in file}) > 20


def test_probabilities_are_those_of_the_evaluator(scored, root, tmp_path):
    """To 1e-6, through TFMA's own extractors."""
    file = scored[0]
    texts = [row["text"] for row in file]
    expected = evaluated(root / "serving_model" / "films" / "12", texts, tmp_path)
    assert [row["probability"] for row in file] == pytest.approx(expected, abs=1e-6)


def test_texts_are_answered_in_their_order_in_batches_of_like_length(exported_model, monkeypatch):
    """By number and by bytes; each text once."""
    asked: list[list[bytes]] = []
    pushed = PushedModel(exported_model)
    predict = pushed.predict
    monkeypatch.setattr(pushed, "predict", lambda batch: asked.append(batch) or predict(batch))
    monkeypatch.setattr(model, "BATCH_SIZE", 2)
    monkeypatch.setattr(model, "BATCH_BYTES", 12)
    texts = [b"long and dull", b"a", b"good film", b"bad"]
    assert len(answers(texts, pushed)) == 4
    assert asked == [[b"a", b"bad"], [b"good film"], [b"long and dull"]]
    assert answers([], pushed) == []


def test_an_error_of_ours_keeps_its_type_on_the_way_from_a_worker_process():
    """Beam passes its traceback on, as text; other errors are not ours."""
    lines = ("Traceback ...", "components.errors.ScoringError: No. [while running 'Ask']", "")
    error = raised_in_worker(RuntimeError("\n".join(lines)))
    assert isinstance(error, ScoringError) and summary_of(error) == "No."
    assert raised_in_worker(RuntimeError("Traceback ...\nKeyError: 'x'")) is None
    assert raised_in_worker(RuntimeError("components.errors.annotations: x")) is None
    wrapped = ValueError("the step failed")
    wrapped.__cause__ = RuntimeError("\n".join(lines))
    assert [type(cause) for cause in causes(wrapped)] == [ValueError, RuntimeError, ScoringError]
    assert summary_of(wrapped) == "No."


def test_a_model_that_answers_no_number_is_refused(exported_model, monkeypatch):
    """The review is named."""
    pushed = PushedModel(exported_model)
    monkeypatch.setattr(pushed, "predict", lambda batch: [Prediction(float("nan"), "negative")])
    with pytest.raises(ScoringError, match="answers nan to the review that begins 'a film'"):
        answers([b"a film"], pushed)
