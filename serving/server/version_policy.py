"""Decides what to do next with the versions of one model: a pure function, without threads.

It has the rule of TF-Serving's AvailabilityPreservingPolicy: the version that serves stays until
another one is ready.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import NamedTuple

from tensorflow_serving.apis import get_model_status_pb2

State = get_model_status_pb2.ModelVersionStatus.State
START, LOADING, AVAILABLE = State.Value("START"), State.Value("LOADING"), State.Value("AVAILABLE")
UNLOADING, END = State.Value("UNLOADING"), State.Value("END")


class Kind(enum.Enum):
    """What can be done with a version."""

    LOAD = "load"  # for the first time, again after a failure, or anew after it had ended
    UNLOAD = "unload"
    END = "end"  # it is not wanted any more and was never loaded


class Action(NamedTuple):
    """One thing to do."""

    kind: Kind
    version: int


class KnownVersion(NamedTuple):
    """What is known of a version that was wanted at some time.

    Attributes:
      state: One of TF-Serving's `ModelVersionStatus.State`.
      is_busy: A thread is loading or unloading it, or is about to.
      is_due: The pause after a failed attempt is over.
      was_wanted: At the decision before. A version that ended and is wanted again is a new one; a
        version that ended because it could not be loaded, and was wanted all the time, is not.
    """

    state: int
    is_busy: bool = False
    is_due: bool = True
    was_wanted: bool = True


def decide(wanted: Collection[int], known: Mapping[int, KnownVersion]) -> list[Action]:
    """Returns what to do now: first what frees memory, then loads, the largest number first.

    Args:
      wanted: The versions that are to be served.
      known: Every version that was wanted at some time, by number.
    """
    is_one_ready = any(known[n].state == AVAILABLE for n in wanted if n in known)
    may_unload = is_one_ready or not wanted
    actions = []
    for number in sorted(known):
        version = known[number]
        if version.is_busy or number in wanted:
            continue
        if version.state in (START, LOADING):
            actions.append(Action(Kind.END, number))
        elif version.state == AVAILABLE and may_unload:
            actions.append(Action(Kind.UNLOAD, number))
    loads = (number for number in sorted(wanted, reverse=True) if _is_to_load(known.get(number)))
    return actions + [Action(Kind.LOAD, number) for number in loads]


def is_new(version: KnownVersion | None) -> bool:
    """Returns whether a version that is wanted starts anew, with all its attempts."""
    return version is None or (version.state == END and not version.was_wanted)


def _is_to_load(version: KnownVersion | None) -> bool:
    if version is None or is_new(version):
        return True
    return version.state in (START, LOADING) and version.is_due and not version.is_busy
