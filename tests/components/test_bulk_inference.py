"""TFX's own BulkInferrer over an export."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.components.bulk_inferrer import executor
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import bulk_inferrer_pb2
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.dataset.sample import generate_review
from components.example_gen.examples import to_example

REVIEWS = 20


@pytest.fixture
def examples(tmp_path):
    """Some of the sample's reviews, as ReviewExampleGen writes them."""
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    artifact.split_names = artifact_utils.encode_split_names([features.TEST_SPLIT])
    folder = tmp_path / "examples" / f"Split-{features.TEST_SPLIT}"
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "reviews.gz"), "GZIP") as writer:
        for index in range(REVIEWS):
            writer.write(to_example(generate_review(index)))
    return artifact


def infer(model, examples, columns, folder):
    """Returns the examples that BulkInferrer writes, parsed.

    Args:
      model: Folder of the export.
      examples: The artifact.
      columns: The columns to be added, by the output that they come from.
      folder: Where to.
    """
    trained = standard_artifacts.Model()
    trained.uri = str(folder / "trained")
    (folder / "trained").mkdir()
    (folder / "trained" / "Format-Serving").symlink_to(model, target_is_directory=True)
    scored = standard_artifacts.Examples()
    scored.uri = str(folder / "scored")
    wanted = bulk_inferrer_pb2.OutputExampleSpec()
    for output, column in columns.items():
        if not wanted.output_columns_spec:
            wanted.output_columns_spec.add()
        wanted.output_columns_spec[0].predict_output.output_columns.add(
            output_key=output, output_column=column
        )
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=none"],
        tmp_dir=str(folder),
        unique_id="1",
    )
    executor.Executor(context).Do(
        {"examples": [examples], "model": [trained]},
        {"output_examples": [scored]},
        {
            "model_spec": json_format.MessageToJson(
                bulk_inferrer_pb2.ModelSpec(model_signature_name=["bulk_inference"])
            ),
            "data_spec": json_format.MessageToJson(bulk_inferrer_pb2.DataSpec()),
            "output_example_spec": json_format.MessageToJson(
                wanted, preserving_proto_field_name=True
            ),
        },
    )
    files = tf.io.gfile.glob(f"{scored.uri}/Split-{features.TEST_SPLIT}/*.gz")
    records = tf.data.TFRecordDataset(files, "GZIP")
    return [tf.train.Example.FromString(record.numpy()) for record in records]


def test_the_bulk_inferrer_adds_what_the_model_says(exported_model, examples, tmp_path):
    """To each review, beside its own features."""
    columns = {"probability": "score", "sentiment": "verdict"}
    scored = infer(exported_model, examples, columns, tmp_path)
    predict_text = tf.saved_model.load(str(exported_model)).signatures["predict_text"]
    texts = [example.features.feature[features.TEXT].bytes_list.value[0] for example in scored]
    assert sorted(texts) == sorted(generate_review(index).text for index in range(REVIEWS))
    expected = predict_text(text=tf.constant(texts))
    added = [example.features.feature for example in scored]
    np.testing.assert_allclose(
        [each["score"].float_list.value[0] for each in added], expected["probability"], atol=1e-6
    )
    verdicts = [each["verdict"].bytes_list.value[0] for each in added]
    assert verdicts == expected["sentiment"].numpy().tolist()
