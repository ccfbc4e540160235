"""The requests and responses of a client, the same over every transport.

Tensors are nested lists: a <float32>[batch] output is a list of floats, a <string>[batch, n] a
list of lists of str.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class UnreadableAnswerError(Exception):
    """An answer is not what the protocol promises; the message says how."""


@dataclass(frozen=True)
class Model:
    """Which model is asked: its newest version, unless a version or a label says otherwise."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        """The name, with the version or the label."""
        if self.version is not None:
            return f"{self.name}, version {self.version}"
        return self.name if self.label is None else f"{self.name}, label {self.label}"

    @property
    def problem(self) -> str:
        """Why no model can be meant, or an empty string."""
        if not self.name:
            return "the model's name is empty"
        if self.version is not None and self.label is not None:
            return "give a version or a label, not both"
        if self.version is not None and not 0 <= self.version < 2**63:
            return f"version is {self.version}; give a number from 0 to 2**63 - 1"
        return ""


@dataclass(frozen=True)
class ModelRequest:
    """A question to one model."""

    model: Model


@dataclass(frozen=True)
class PredictRequest(ModelRequest):
    """Rows for the one input of a signature.

    Attributes:
      values: Texts, or bytes such as serialized tf.Examples; <string>[batch].
      outputs: The outputs to answer with; empty for all of them.
    """

    signature: str
    input: str
    values: Sequence[str | bytes]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class PredictResponse:
    """What the model answered.

    Attributes:
      version: The version that answered; None if the transport cannot tell.
      outputs: A nested list by output name.
    """

    version: int | None
    outputs: Mapping[str, list[Any]]


@dataclass(frozen=True)
class ClassifyRequest(ModelRequest):
    """Texts for TF-Serving's Classify API, each the `feature` of one tf.Example."""

    signature: str
    feature: str
    texts: Sequence[str]


@dataclass(frozen=True)
class ClassifyResponse:
    """For each text its classes, as pairs of label and score."""

    version: int | None
    classes: Sequence[Sequence[tuple[str, float]]]


@dataclass(frozen=True)
class StatusRequest(ModelRequest):
    """Asks which versions of the model there are, and in which state."""


@dataclass(frozen=True)
class VersionStatus:
    """One version of a model, as the server sees it.

    Attributes:
      state: "START", "LOADING", "AVAILABLE", "UNLOADING" or "END".
      error_code: "OK", or why the version ended.
      error_message: The same in words.
    """

    version: int
    state: str
    error_code: str = "OK"
    error_message: str = ""


@dataclass(frozen=True)
class StatusResponse:
    """The versions, the newest first."""

    versions: tuple[VersionStatus, ...]


@dataclass(frozen=True)
class MetadataRequest(ModelRequest):
    """Asks which signatures the model has."""


@dataclass(frozen=True)
class TensorSpec:
    """The type of an input or output.

    Attributes:
      dtype: TensorFlow's name, such as "DT_STRING".
      shape: -1 where a size is unknown; None if the rank is.
    """

    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Signature:
    """What a signature takes and gives, by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    method_name: str = ""


@dataclass(frozen=True)
class Metadata:
    """The signatures of a version, by name; also the answer to a MetadataRequest."""

    model_version: int
    signatures: Mapping[str, Signature] = field(default_factory=dict)


Request = PredictRequest | ClassifyRequest | StatusRequest | MetadataRequest
Response = PredictResponse | ClassifyResponse | StatusResponse | Metadata
