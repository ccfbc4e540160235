"""What became of a run, in a word."""

from __future__ import annotations

from pipeline.results import run_properties as names
from pipeline.results.run_info import RunInfo

LIVE, PUSHED, BLESSED, REFUSED, MEASURED = "live", "pushed", "blessed", "refused", "measured"
MEANINGS = {
    LIVE: "servers of this root answer by its model",
    PUSHED: "a later version, or none, is served now",
    BLESSED: "passed the gate, and was not pushed",
    REFUSED: "did not pass the gate or the infra validation",
    MEASURED: "of a comparison, which pushes nothing",
    names.STOPPED: "its process was killed, or the machine stopped",
    names.UNKNOWN: "an earlier release ran it, and did not say",
}
"""What the words mean that need it."""


def outcome(run: RunInfo) -> str:
    """Returns `live`, `pushed`, `blessed`, `refused` or `measured`; else the run's state."""
    if run.state not in (names.COMPLETE, names.UNKNOWN):
        return run.state
    if run.is_live:
        return LIVE
    if run.version is not None:
        return PUSHED
    if run.is_blessed and not run.is_comparison:
        return BLESSED
    if run.is_blessed is False and not run.is_comparison:
        return REFUSED
    return MEASURED if run.accuracy is not None else run.state
