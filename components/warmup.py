"""Requests that TF-Serving replays on a version before the version is available.

https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_log_pb2

from components import features

# TF-Serving looks for this very file.
FILE = Path("assets.extra") / "tf_serving_warmup_requests"

# In words: empty, short, usual, as long as the model reads, and longer.
LENGTHS = (0, 5, 200, features.MAX_LENGTH, 2 * features.MAX_LENGTH)
_WORDS = "this film has a plot that i would call neither great nor bad".split()


def write(version: Path, model_name: str) -> None:
    """Writes the requests into a version's folder."""
    path = version / FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in requests(model_name):
            writer.write(log.SerializeToString())


def requests(model_name: str) -> list[prediction_log_pb2.PredictionLog]:
    """Returns requests to three signatures: each review alone, and all together."""
    reviews = [review(length) for length in LENGTHS]
    logs = []
    for texts in ([text] for text in reviews), [reviews]:
        for batch in texts:
            examples = [_example(text) for text in batch]
            serialized = [example.SerializeToString() for example in examples]
            logs += [
                _predict(model_name, "predict_text", "text", batch),
                _predict(model_name, "serving_default", "examples", serialized),
                _classify(model_name, examples),
            ]
    return logs


def review(length: int) -> str:
    """Returns a text of `length` words."""
    return " ".join(_WORDS[place % len(_WORDS)] for place in range(length))


def _predict(
    model_name: str, signature: str, alias: str, values: list[str] | list[bytes]
) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    request.inputs[alias].CopyFrom(tf.make_tensor_proto(values, tf.string))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )


def _classify(
    model_name: str, examples: list[tf.train.Example]
) -> prediction_log_pb2.PredictionLog:
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = "classify"
    request.input.example_list.examples.extend(examples)
    return prediction_log_pb2.PredictionLog(
        classify_log=prediction_log_pb2.ClassifyLog(request=request)
    )


def _example(text: str) -> tf.train.Example:
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
    return tf.train.Example(features=tf.train.Features(feature={features.TEXT: value}))
