"""Writes a model that costs nothing, so that what is measured is the server.

    python -m benchmarks.free_model FOLDER

It has the pushed model's signature `predict_text`: `text` string [batch] -> `probability` float32
[batch], always 0.5, and `sentiment` string [batch].
"""

from __future__ import annotations

import sys

import tensorflow as tf

from serving.signature_names import PREDICT_TEXT


def write(folder: str) -> None:
    """Writes the SavedModel."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")], autograph=False)
    def predict_text(text: tf.Tensor) -> dict[str, tf.Tensor]:
        batch = tf.size(text)
        return {"probability": tf.fill([batch], 0.5), "sentiment": tf.fill([batch], "positive")}

    module.predict_text = predict_text
    tf.saved_model.save(module, folder, signatures={PREDICT_TEXT: predict_text})


if __name__ == "__main__":
    write(sys.argv[1])
