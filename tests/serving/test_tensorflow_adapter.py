"""TensorFlow's private names are there, and a run by them is Session.run's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from serving.server import tensorflow_adapter
from tests.canary import canary


@pytest.mark.parametrize("options", [None, tf.compat.v1.RunOptions(timeout_in_ms=60_000)])
def test_the_runtime_is_called_as_session_run_calls_it(options):
    """With a time limit and without; what the runtime refuses arrives as TensorFlow's error."""
    with canary(tensorflow_adapter.LIBRARY, tensorflow_adapter.__name__):
        graph = tf.Graph()
        with graph.as_default():
            x = tf.compat.v1.placeholder(tf.float32, [None])
            y = x / 2.0 + 2.0
        with tf.compat.v1.Session(graph=graph) as session:
            fed, fetched = map(tensorflow_adapter.runtime_output, (x, y))
            (values,) = tensorflow_adapter.run(
                session, {fed: np.float32([2, 4])}, [fetched], options
            )
            np.testing.assert_array_equal(values, session.run(y, {x: [2, 4]}))
            with pytest.raises(tf.errors.InvalidArgumentError):
                tensorflow_adapter.run(session, {fed: np.float64([2])}, [fetched], options)
