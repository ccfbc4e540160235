"""What is done next about the versions of a model."""

from __future__ import annotations

import pytest

from serving.server.version_policy import (
    AVAILABLE,
    END,
    LOADING,
    START,
    UNLOADING,
    Kind,
    KnownVersion,
    decide,
)

LOAD, UNLOAD, ENDS = Kind.LOAD, Kind.UNLOAD, Kind.END


@pytest.mark.parametrize(
    ("wanted", "known", "actions"),
    [
        pytest.param([], {}, [], id="nothing to do"),
        pytest.param([1, 3, 2], {}, [(LOAD, 3), (LOAD, 2), (LOAD, 1)], id="largest first"),
        pytest.param([1], {1: KnownVersion(AVAILABLE)}, [], id="served"),
        pytest.param([1], {1: KnownVersion(LOADING, is_busy=True)}, [], id="being loaded"),
        pytest.param([1], {1: KnownVersion(START, is_busy=True)}, [], id="waits for a thread"),
        pytest.param([1], {1: KnownVersion(START)}, [(LOAD, 1)], id="was given up before it began"),
        pytest.param([1], {1: KnownVersion(LOADING)}, [(LOAD, 1)], id="a further attempt"),
        pytest.param([1], {1: KnownVersion(LOADING, is_due=False)}, [], id="pause after a failure"),
        pytest.param([1], {1: KnownVersion(END)}, [], id="failed for good"),
        pytest.param(
            [1], {1: KnownVersion(END, was_wanted=False)}, [(LOAD, 1)], id="wanted again after all"
        ),
        pytest.param(
            [1], {1: KnownVersion(UNLOADING, is_busy=True, was_wanted=False)}, [], id="too late"
        ),
        pytest.param(
            [2], {1: KnownVersion(AVAILABLE)}, [(LOAD, 2)], id="the old one serves until then"
        ),
        pytest.param(
            [2],
            {1: KnownVersion(AVAILABLE), 2: KnownVersion(LOADING, is_busy=True)},
            [],
            id="the old one serves meanwhile",
        ),
        pytest.param(
            [2],
            {1: KnownVersion(AVAILABLE), 2: KnownVersion(END)},
            [],
            id="the old one serves where the new one is broken",
        ),
        pytest.param(
            [2],
            {1: KnownVersion(AVAILABLE), 2: KnownVersion(AVAILABLE)},
            [(UNLOAD, 1)],
            id="swap",
        ),
        pytest.param(
            [2, 3],
            {1: KnownVersion(AVAILABLE), 2: KnownVersion(AVAILABLE)},
            [(UNLOAD, 1), (LOAD, 3)],
            id="memory is freed before more is loaded",
        ),
        pytest.param(
            [],
            {2: KnownVersion(AVAILABLE), 1: KnownVersion(AVAILABLE)},
            [(UNLOAD, 1), (UNLOAD, 2)],
            id="the model is removed",
        ),
        pytest.param(
            [], {1: KnownVersion(AVAILABLE, is_busy=True)}, [], id="a thread has it already"
        ),
        pytest.param(
            [],
            {1: KnownVersion(START), 2: KnownVersion(LOADING, is_due=False), 3: KnownVersion(END)},
            [(ENDS, 1), (ENDS, 2)],
            id="what was never loaded ends",
        ),
        pytest.param(
            [], {1: KnownVersion(LOADING, is_busy=True)}, [], id="a load cannot be stopped"
        ),
    ],
)
def test_a_decision_follows_from_what_is_wanted_and_known(wanted, known, actions):
    """A model stays available: what serves goes only when a wanted version serves, or none is."""
    assert decide(wanted, known) == actions
