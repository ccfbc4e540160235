"""A model that no trainer of this project made."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components import features


def save_other_model(directory: Path, *, bias: float = 0.0, takes_text: bool = False) -> Path:
    """Writes a plain Keras export: one signature, one output of its own name, <float32>[batch, 1].

    Args:
      directory: Where to.
      bias: Of its one layer.
      takes_text: Whether the signature takes texts; else serialized tf.Examples.
    """
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, "sigmoid")])
    model.set_weights([np.array([[0.01]]), np.array([bias])])

    def serve(strings: tf.Tensor) -> dict[str, tf.Tensor]:
        if not takes_text:
            specification = {features.TEXT: tf.io.FixedLenFeature([], tf.string)}
            strings = tf.io.parse_example(strings, specification)[features.TEXT]
        lengths = tf.cast(tf.strings.length(strings), tf.float32)
        return {"score": model(lengths[:, None])}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serve, [tf.TensorSpec([None], tf.string, "strings")])
    archive.write_out(str(directory), verbose=False)
    return directory
