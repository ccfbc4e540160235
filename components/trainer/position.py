"""Where in a training a step is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """How far a training is.

    Attributes:
      epoch: The pass over the training reviews, from 0.
      step: Batches of it that are done.
    """

    epoch: int = 0
    step: int = 0

    def steps_done_in(self, epoch: int) -> int:
        """Returns how many batches of an epoch are done already when training starts from here."""
        return self.step if epoch == self.epoch else 0


BEGIN = Position()
