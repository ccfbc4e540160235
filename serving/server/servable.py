"""One version of a model while it serves: its signatures, and the requests in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.saved_model import SavedModel, dtype_name


class Run(Protocol):
    """Runs a graph; see `SavedModel.run`."""

    def __call__(
        self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout: float | None
    ) -> list[np.ndarray]:
        """Returns the arrays of the fetches, in their order."""


@dataclass(frozen=True)
class Signature:
    """A SignatureDef as requests need it. The aliases are sorted.

    Attributes:
      inputs: (tensor name, DataType) by alias.
      outputs: Tensor name by alias.
      input_types: `DT_...` by alias.
      feed_order: The aliases, sorted by their tensors' names: the order of the runtime's arguments.
    """

    definition: meta_graph_pb2.SignatureDef
    inputs: Mapping[str, tuple[str, int]]
    outputs: Mapping[str, str]
    input_types: Mapping[str, str]
    feed_order: Sequence[str]

    @classmethod
    def of(cls, definition: meta_graph_pb2.SignatureDef) -> Signature:
        """Reads a SignatureDef."""
        inputs = {
            alias: (tensor_name(definition.inputs[alias]), definition.inputs[alias].dtype)
            for alias in sorted(definition.inputs)
        }
        return cls(
            definition,
            inputs,
            {alias: tensor_name(definition.outputs[alias]) for alias in sorted(definition.outputs)},
            {alias: dtype_name(dtype) for alias, (_, dtype) in inputs.items()},
            sorted(inputs, key=lambda alias: inputs[alias][0]),
        )


def tensor_name(info: meta_graph_pb2.TensorInfo) -> str:
    """Returns the name of a tensor, never of an operation.

    The signature of the initialisation names an operation: a session would run it and return None.
    """
    return info.name if ":" in info.name else f"{info.name}:0"


@dataclass(eq=False)
class Servable:
    """A loaded version. `acquire` and `release` count the requests that it is answering.

    Attributes:
      read_card: Returns its model card; None if it has none. Never asks a store.
    """

    name: str
    version: int
    read_card: Callable[[], dict[str, Any] | None]
    model: SavedModel
    run: Run
    signatures: Mapping[str, Signature] = field(init=False)

    def __post_init__(self) -> None:
        """Reads the signatures."""
        self.signatures = {
            name: Signature.of(definition) for name, definition in self.model.signatures.items()
        }
        self._in_flight = 0
        self._is_retired = False
        self._idle = threading.Condition()

    def acquire(self) -> bool:
        """Counts a request that begins; False when the version is retired and takes no more."""
        with self._idle:
            if self._is_retired:
                return False
            self._in_flight += 1
            return True

    def release(self) -> None:
        """Counts a request that ended."""
        with self._idle:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.notify_all()

    def retire(self) -> None:
        """Takes no more requests, waits for those in progress, and frees the model."""
        with self._idle:
            self._is_retired = True
            self._idle.wait_for(lambda: not self._in_flight)
        self.model.close()
