"""What is used of TensorFlow beyond its public names: a session's call into the runtime.

Another release may change it without notice. TensorFlow has no public way past Session.run that
takes a time limit for each run: Session.make_callable ends in Session.run as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.client import pywrap_tf_session

LIBRARY = "tensorflow"


def runtime_output(tensor: tf.Tensor) -> Any:
    """Returns what the runtime calls a graph's tensor."""
    return tensor._as_tf_output()


def run(
    session: tf.compat.v1.Session,
    feeds: Mapping[Any, np.ndarray],
    fetches: Sequence[Any],
    options: tf.compat.v1.RunOptions | None = None,
) -> list[Any]:
    """Runs a session's graph; nothing is checked before the runtime does.

    Args:
      session: Its graph is final.
      feeds: Arrays of the tensors' own types, by `runtime_output`.
      fetches: By `runtime_output`.
      options: For this run.

    Raises:
      tf.errors.OpError: What the runtime, or an operation, refused.
    """
    buffer = None
    if options is not None:
        buffer = pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
    try:
        return pywrap_tf_session.TF_SessionRun_wrapper(
            session._session, buffer, feeds, fetches, [], None
        )
    finally:
        if buffer is not None:
            pywrap_tf_session.TF_DeleteBuffer(buffer)
