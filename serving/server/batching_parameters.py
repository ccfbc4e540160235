"""TF-Serving's batching parameters."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from serving.status import invalid_argument


@dataclass(frozen=True)
class BatchingParameters:
    """TF-Serving's batching parameters, by their names there."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0
    thread_pool_name: str = "batch_threads"

    @classmethod
    def of(cls, message: Message) -> BatchingParameters:
        """Reads the message of `--batching_parameters_file`; what is not set keeps its default.

        Raises:
          StatusError: A value cannot be used.
        """
        given: dict[str, Any] = {}
        for descriptor, value in message.ListFields():
            if descriptor.name == "allowed_batch_sizes":
                given[descriptor.name] = tuple(value)
            else:
                given[descriptor.name] = getattr(value, "value", value)
        parameters = cls(**given)
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(parameters, name) < 1:
                raise invalid_argument(f"{name} must be positive; was {getattr(parameters, name)}")
        sizes = parameters.allowed_batch_sizes
        largest = parameters.execution_size
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != largest):
            raise invalid_argument(
                "allowed_batch_sizes must be in increasing order, and the last one equal "
                f"max_batch_size ({largest}); were {list(sizes)}"
            )
        return parameters

    @property
    def execution_size(self) -> int:
        """The most rows that run at once."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size:
            return self.max_execution_batch_size
        return self.max_batch_size
