"""The model that the servers of the tests serve: the protocol is real, the model a small function.

It lets a test decide what a server does next: fail, be slow, answer nonsense.
"""

from __future__ import annotations

import struct
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from serving.status import Code

MODEL = "imdb_sentiment"
CERTIFIED_HOST = "localhost"


class PlannedError(Exception):
    """What a server answers instead."""

    def __init__(self, code: Code, message: str = "because the test says so"):
        """Takes the status and its message."""
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class Backend:
    """What the servers know, and what the test tells them to do.

    Attributes:
      versions: The loaded versions, with the states of a status.
      labels: The version of each label.
      failures: What the next requests are answered with, one each.
      delay: Seconds that every answer takes.
      outputs: Takes the place of a prediction's outputs.
      asked: What arrived: (method, rows or None, version or None).
    """

    versions: dict[int, str] = field(default_factory=lambda: {7: "AVAILABLE"})
    labels: dict[str, int] = field(default_factory=dict)
    failures: deque[PlannedError] = field(default_factory=deque)
    delay: float = 0.0
    outputs: dict[str, Any] | None = None
    asked: list[tuple[str, int | None, int | None]] = field(default_factory=list)

    def begin(self, method: str, rows: int | None, version: int | None) -> None:
        """Notes a request; fails or waits as the test wants it."""
        self.asked.append((method, rows, version))
        time.sleep(self.delay)
        if self.failures:
            raise self.failures.popleft()

    def loaded(self, name: str, version: int | None, label: str | None) -> int:
        """Returns the version that answers, or fails as TF-Serving does."""
        if label is not None:
            if label not in self.labels:
                raise PlannedError(
                    Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}"
                )
            version = self.labels[label]
        available = [number for number, state in self.versions.items() if state == "AVAILABLE"]
        if name == MODEL and version is None and available:
            return max(available)
        if name == MODEL and version in available:
            return version
        which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise PlannedError(Code.NOT_FOUND, f"Servable not found for request: {which}")

    def predict(self, signature: str, inputs: dict[str, list[bytes]]) -> dict[str, Any]:
        """Returns a signature's outputs: nested lists of floats or bytes."""
        if self.outputs is not None:
            return self.outputs
        if signature not in SIGNATURES:
            raise PlannedError(
                Code.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.'
            )
        values = inputs[next(iter(SIGNATURES[signature][0]))]
        if signature == "serving_default":
            values = [text_of(value) for value in values]
        if signature == "trace_text":
            words = [text.split()[-LENGTH:] for text in values]
            return {
                "tokens": [[b""] * (LENGTH - len(row)) + row for row in words],
                "probability": [
                    [0.5] * (LENGTH - len(row))
                    + [probability_of(b" ".join(row[: end + 1])) for end in range(len(row))]
                    for row in words
                ],
            }
        probabilities = [probability_of(value) for value in values]
        return {
            "probability": probabilities,
            "sentiment": [b"positive" if one >= 0.5 else b"negative" for one in probabilities],
        }

    def classes(self, texts: list[bytes]) -> list[list[tuple[str, float]]]:
        """Returns label and score of each class of each text."""
        probabilities = [probability_of(text) for text in texts]
        return [[("negative", float32(1 - one)), ("positive", one)] for one in probabilities]


# Words that a trace has room for.
LENGTH = 6
SIGNATURES = {
    "serving_default": ({"examples": [-1]}, {"probability": [-1], "sentiment": [-1]}),
    "predict_text": ({"text": [-1]}, {"probability": [-1], "sentiment": [-1]}),
    "trace_text": ({"text": [-1]}, {"tokens": [-1, LENGTH], "probability": [-1, LENGTH]}),
}


def float32(number: float) -> float:
    return struct.unpack("f", struct.pack("f", number))[0]


def probability_of(text: bytes) -> float:
    """A probability that differs from text to text: the share of its bytes that are even."""
    return float32(sum(byte % 2 == 0 for byte in text) / max(len(text), 1))


def example_of(text: str) -> bytes:
    """The text as a serialized tf.Example."""
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
    return tf.train.Example(
        features=tf.train.Features(feature={"text": feature})
    ).SerializeToString()


def text_of(example: bytes) -> bytes:
    try:
        parsed = tf.train.Example.FromString(example)
    except Exception as error:
        raise PlannedError(Code.INVALID_ARGUMENT, "Could not parse example input") from error
    return parsed.features.feature["text"].bytes_list.value[0]


def dtype_of(output: str) -> str:
    return "DT_FLOAT" if output == "probability" else "DT_STRING"


def statuses(backend: Backend, name: str, version: int | None) -> list[tuple[int, str, str, str]]:
    """The versions as (number, state, error code, error message), the newest first."""
    if name != MODEL or not backend.versions:
        raise PlannedError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
    if version is not None and version not in backend.versions:
        raise PlannedError(Code.NOT_FOUND, f"Could not find version {version} of model {name}")
    return [
        (number, state, *(("UNKNOWN", "it is broken") if state == "END" else ("OK", "")))
        for number, state in sorted(backend.versions.items(), reverse=True)
        if version in (None, number)
    ]
