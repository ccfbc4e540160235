"""Runs a session's graph with little overhead.

Session.run looks up, checks and sorts its feeds and fetches in each call: 110 of the 165
microseconds that a graph of three operations takes. This class calls the same private function as
Session.run, with tensors that are looked up once. TensorFlow has no public function that takes a
time limit for each run: Session.make_callable calls Session.run as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.client import pywrap_tf_session


class SessionRunner:
    """Runs the graph of a session. Threads may share it."""

    def __init__(self, session: tf.compat.v1.Session):
        """Takes a session whose graph is final."""
        self._session = session
        self._tensors: dict[str, Any] = {}

    def run(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        options: tf.compat.v1.RunOptions | None = None,
    ) -> list[Any]:
        """Returns an array for each fetch; numpy's scalar, or bytes, where it has no dimensions.

        Args:
          feeds: Arrays of the tensors' own types, by tensor name.
          fetches: Names of tensors.
          options: For this run.

        Raises:
          tf.errors.OpError: What the runtime, or an operation, refused.
          KeyError, ValueError: A name is no tensor of the graph.
        """
        buffer = None
        if options is not None:
            buffer = pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
        try:
            return pywrap_tf_session.TF_SessionRun_wrapper(
                self._session._session,
                buffer,
                {self._tensor(name): array for name, array in feeds.items()},
                [self._tensor(name) for name in fetches],
                [],
                None,
            )
        finally:
            if buffer is not None:
                pywrap_tf_session.TF_DeleteBuffer(buffer)

    def close(self) -> None:
        """Closes the session."""
        self._session.close()

    def _tensor(self, name: str) -> Any:
        tensor = self._tensors.get(name)
        if tensor is None:
            tensor = self._session.graph.get_tensor_by_name(name)._as_tf_output()
            self._tensors[name] = tensor
        return tensor
