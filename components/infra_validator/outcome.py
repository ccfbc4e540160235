"""What the infra validation found, as it stands in the blessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The console shows outcomes before there is any need for TFX, which takes seconds to import.
    from ml_metadata.proto import metadata_store_pb2
    from tfx import types

_ENGINE, _ANSWERS, _REFUSAL = "engine", "answers", "refusal"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
      engine: Which engine served the candidate.
      answers: How many of its answers were those of the model itself.
      refusal: Why the candidate is refused, a sentence; empty if it is not.
    """

    engine: str
    answers: int = 0
    refusal: str = ""

    def write(self, blessing: types.Artifact) -> None:
        """Notes the outcome in an InfraBlessing."""
        blessing.set_string_custom_property(_ENGINE, self.engine)
        blessing.set_int_custom_property(_ANSWERS, self.answers)
        blessing.set_string_custom_property(_REFUSAL, self.refusal)

    @classmethod
    def of(cls, blessing: types.Artifact) -> Outcome | None:
        """Reads an InfraBlessing that a step takes; None if the model was not tried.

        Its properties may have travelled as JSON, as Kubeflow's do: TFX's own methods know how.
        """
        if not blessing.has_custom_property(_ENGINE):
            return None
        return cls(
            blessing.get_string_custom_property(_ENGINE),
            blessing.get_int_custom_property(_ANSWERS),
            blessing.get_string_custom_property(_REFUSAL),
        )

    @classmethod
    def read(cls, blessing: metadata_store_pb2.Artifact) -> Outcome | None:
        """Reads an InfraBlessing; None if the model was not tried, as the gate had refused it."""
        properties = blessing.custom_properties
        if _ENGINE not in properties:
            return None
        return cls(
            properties[_ENGINE].string_value,
            properties[_ANSWERS].int_value,
            properties[_REFUSAL].string_value,
        )
