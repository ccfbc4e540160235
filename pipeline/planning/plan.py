"""`plan`: which steps of a run would be executed, and why; nothing is."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.resolution import ResolvedRun

NEVER_RAN = "it never ran"
LOOKS_ANEW = "it looks anew"
CACHE_OFF = "the cache is off (--no-cache)"
DELETED = "its outputs were deleted"
FAILED = "its last run failed"
INTERRUPTED = "its last run was interrupted"
OUTPUT_OF = "the output of "
# The line of a step in a run of 80 columns has room for 13 characters.
_IN_BRIEF = {
    NEVER_RAN: "never ran",
    CACHE_OFF: "cache is off",
    DELETED: "was deleted",
    FAILED: "failed before",
    INTERRUPTED: "interrupted",
}


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


def in_brief(reason: str) -> str:
    """Returns a reason as it stands behind the time of a step that was executed.

    >>> in_brief("the output of Trainer is new"), in_brief("it never ran")
    ('new input', 'never ran')
    >>> in_brief("--epochs is 5, was 3")
    'because --epochs is 5, was 3'
    """
    if reason.startswith(OUTPUT_OF) and ";" not in reason:
        return "new input"
    return _IN_BRIEF.get(reason, f"because {reason}")


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
