"""Reviews as tf.Examples."""

from __future__ import annotations

import tensorflow as tf

from components import features


def serialized_example(text: str) -> bytes:
    """Returns a tf.Example with a text and nothing more."""
    values = tf.train.BytesList(value=[text.encode()])
    feature = {features.TEXT: tf.train.Feature(bytes_list=values)}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
