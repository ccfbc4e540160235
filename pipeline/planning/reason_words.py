"""The reasons for which a step runs, in words, and in few words."""

from __future__ import annotations

NEVER_RAN = "it never ran"
RUNS_EVERY_TIME = "it runs every time"
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
