"""`plan`: which steps of a run would be executed, and why; nothing is."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.resolution import ResolvedRun


@dataclass(frozen=True)
class PlannedStep:
    """What a run would do with one step.

    Attributes:
      step: Its id in the pipeline.
      will_run: Whether it would be executed; its outputs come from the cache otherwise. A step that
        fails, or a data gate that refuses the data, ends a run before the steps behind it.
      reason: Why, in a few words that may stand behind "because".
      seconds_last: How long it took when it was last executed and ended well; None if it never was.
    """

    step: str
    will_run: bool
    reason: str
    seconds_last: float | None


def plan(run: ResolvedRun) -> tuple[PlannedStep, ...]:
    """Returns the steps in the order in which they would run.

    Runs nothing, takes no lock and writes nothing below the root, which need not be there.

    Raises:
      ConfigurationError: The root's metadata is damaged.
      RootBusyError: It cannot be read now.
    """
    # TensorFlow and TFX take ten seconds to import.
    from pipeline.planning.reasons import reason_for
    from pipeline.planning.rehearsal import rehearse

    return tuple(
        PlannedStep(each.step, not each.is_cached, reason_for(each, run), each.seconds_last)
        for each in rehearse(run)
    )
