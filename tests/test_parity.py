"""The same review has the same probability wherever it is asked: to 1e-6."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tensor_adapter, tf_example_record

from components import features
from components.dataset.archive import read_archive
from components.dataset.records import Review
from components.evaluator import extractors as extracting
from components.evaluator import gate
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from pipeline.pushed_versions import newest_version
from pipeline.root import serving_folder
from pipeline.scoring.pushed_model import PushedModel
from serving.client import Client
from serving.server.flags import Flags
from serving.server.server import Server
from tests.sharing import pushed_root

EDGE_CASES = (
    "",
    "zzyzx",
    "a great film",
    "Caf\u00e9 <br /> \u4e2d\u6587 5\u00bd \U0001f3ac",
    "not good. " * 400,
)
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def texts(sample_texts) -> list[str]:
    """Reviews of the sample, edge cases and, where the archive is named, real ones."""
    real: list[str] = []
    if archive := os.environ.get("IMDB_ARCHIVE"):
        found = (one for one in read_archive(archive) if isinstance(one, Review))
        real = [review.text.decode() for review in itertools.islice(found, 60)]
    return [*EDGE_CASES, *sample_texts[:25], *real]


@pytest.fixture(scope="module")
def root(exported_model, tmp_path_factory) -> Path:
    """A root with the export as version 3 of `reviews`."""
    return pushed_root(tmp_path_factory, exported_model, "reviews", 3)


@pytest.fixture(scope="module")
def expected(exported_model, transform_output, texts) -> np.ndarray:
    """What the model that was trained says, before any export: <float32>[texts]."""
    model = get_variant("lstm").build(Hyperparameters())
    model.load_weights(str(exported_model / "keras.weights.h5"))
    token_ids = transform_output.transform_features_layer()({features.TEXT: tf.constant(texts)})
    probability = model(token_ids[features.TOKEN_IDS], training=False).numpy()[:, 0]
    assert np.std(probability) > 1000 * TOLERANCE
    return probability


@pytest.fixture(scope="module")
def server(root):
    """The embedded server of that root."""
    base = root / "serving_model" / "reviews"
    server = Server(
        Flags(port=-1, rest_api_port=-1, model_name="reviews", model_base_path=str(base))
    )
    server.start()
    yield server
    server.stop()


def test_served_and_direct_answers_are_those_of_the_trained_model(root, server, texts, expected):
    """gRPC and REST, in batches and one by one; `sentiment predict` without a server."""
    addresses = (f"localhost:{server.grpc_port}", f"http://localhost:{server.rest_port}")
    version = newest_version(serving_folder(root), "reviews")
    answers_by_way = {"direct": PushedModel(version).predict(texts)}
    for address in addresses:
        with Client(address, model="reviews") as client:
            answers_by_way[address] = client.predict(texts)
            answers_by_way[f"{address}, one by one"] = [client.predict([text])[0] for text in texts]
    for way, answers in answers_by_way.items():
        probability = [answer.probability for answer in answers]
        np.testing.assert_allclose(probability, expected, rtol=0, atol=TOLERANCE, err_msg=way)
        assert [answer.sentiment for answer in answers] == [
            features.CLASSES[int(value >= features.DECISION_THRESHOLD)] for value in probability
        ]


def _example(text: str, number: int) -> bytes:
    """A review as ReviewExampleGen writes it."""
    example = tf.train.Example()
    feature = example.features.feature
    feature[features.TEXT].bytes_list.value.append(text.encode())
    feature["review_id"].bytes_list.value.append(str(number).encode())
    feature[features.LABEL].int64_list.value.append(number % 2)
    return example.SerializeToString()


def _as_lines(extracts: dict) -> list[str]:
    numbers = np.asarray(extracts[tfma.FEATURES_KEY]["review_id"]).reshape(-1)
    predictions = np.asarray(extracts[tfma.PREDICTIONS_KEY]["probability"]).reshape(-1)
    return [
        json.dumps([int(number), float(probability)])
        for number, probability in zip(numbers, predictions, strict=True)
    ]


def test_the_evaluator_judges_what_the_trained_model_says(
    exported_model, texts, expected, tmp_path
):
    """TFMA's own extractors, with ours, put together as the Evaluator puts them together."""
    config = tfma.utils.update_eval_config_with_defaults(
        gate.eval_config(0.8, 0.005), rubber_stamp=True
    )
    model = tfma.default_eval_shared_model(
        str(exported_model), eval_config=config, tags=[tf.saved_model.SERVING]
    )
    schema = text_format.Parse(Path(features.schema_file()).read_text(), schema_pb2.Schema())
    records = tf_example_record.TFExampleBeamRecord(
        "inmemory", schema=schema, raw_record_column_name=tfma.ARROW_INPUT_COLUMN
    )
    adapter = tensor_adapter.TensorAdapterConfig(
        records.ArrowSchema(), records.TensorRepresentations()
    )
    extractors = extracting.custom_extractors(model, config, adapter)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        extracts = (
            pipeline
            | beam.Create([_example(text, number) for number, text in enumerate(texts)])
            | records.BeamSource()
            | tfma.BatchedInputsToExtracts()
        )
        for extractor in extractors:
            if extractor.stage_name == "ExtractSliceKeys":
                break
            extracts = extracts | extractor.stage_name >> extractor.ptransform
        _ = (
            extracts
            | beam.FlatMap(_as_lines)
            | beam.io.WriteToText(str(tmp_path / "predictions"), num_shards=1)
        )
    (file,) = tmp_path.glob("predictions*")
    answers = dict(json.loads(line) for line in file.read_text().splitlines())
    assert sorted(answers) == list(range(len(texts)))
    np.testing.assert_allclose(
        [answers[number] for number in range(len(texts))], expected, rtol=0, atol=TOLERANCE
    )
