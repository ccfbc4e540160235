"""One hostile client after the other: what they cost in memory, and the others in time.

The same attacks in full, on a pushed model: python -m benchmarks.hostile_bytes.
"""

from __future__ import annotations

import statistics
from functools import partial

import pytest

from benchmarks import attacks
from benchmarks.attacks import Target
from benchmarks.hostile_bytes import Memory, Polite

from . import models
from .process import Process

# (attack, what it is answered). Unbounded, `long_batches` alone would take over 600 MB.
ATTACKS = {
    "filled": (partial(attacks.filled, clients=4), {"RESOURCE_EXHAUSTED"}),
    "long batches": (partial(attacks.long_batches, clients=2), {"OK"}),
    "tiny fields": (
        partial(attacks.tiny_fields, clients=2, size=12 * 2**20), {"RESOURCE_EXHAUSTED"},
    ),
    "examples": (
        partial(attacks.examples, clients=4, count=2**21), {"RESOURCE_EXHAUSTED"},
    ),
    "left out": (
        partial(attacks.left_out, clients=2, count=2**21), {"RESOURCE_EXHAUSTED"},
    ),
    "gone": (partial(attacks.gone, clients=2, seconds=1.0), {"none"}),
    "connections": (partial(attacks.connections, clients=2, count=700), {"none"}),
    "undecodable": (partial(attacks.undecodable, count=1000), {"INTERNAL"}),
    "streams": (partial(attacks.streams, count=150, seconds=1.0), {"OK"}),
    "instances": (partial(attacks.instances, clients=4), {"429"}),
    "empty objects": (
        partial(attacks.empty_objects, clients=2, size=16 * 2**20), {"429"},
    ),
    "zipped": (partial(attacks.zipped, clients=4, size=24 * 2**20), {"429"}),
    "chunks": (partial(attacks.chunks, count=40_000, clients=4), {"400"}),
    "large bodies": (partial(attacks.large_bodies, clients=2, size=24 * 2**20), {"200"}),
    "unread": (partial(attacks.unread, count=5000, seconds=1.0), set()),
}  # fmt: skip
_MEGABYTES = 350
_SECONDS = 1.0


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """A server of a model that makes much of a text, in a process of its own."""
    folder = models.save_wide(tmp_path_factory.mktemp("hostile") / "wide" / "1")
    process = Process("--model_name=wide", f"--model_base_path={folder.parent}")
    yield process
    process.kill()


@pytest.mark.slow
def test_hostile_clients_cost_a_bounded_amount_of_memory_and_nobody_else_a_second(process):
    """The peak over what it used before, and the 99th percentile of a client that asks on."""
    target = Target(process.grpc_port, process.rest_port, "wide")
    memory = Memory(process.process.pid)
    attacks.long_batches(target, clients=1, rows=256)
    idle, peaks, answers = memory.now, {}, {}
    polite = Polite(target)
    for name, (attack, _) in ATTACKS.items():
        memory.forget()
        answers[name] = {answer.partition(" ")[0] for answer in attack(target)}
        peaks[name] = memory.peak - idle
    polite.stop()
    assert answers == {name: expected for name, (_, expected) in ATTACKS.items()}
    assert max(peaks.values()) < _MEGABYTES, peaks
    assert memory.now - idle < _MEGABYTES / 2
    assert statistics.quantiles(polite.times, n=100)[98] < 1e3 * _SECONDS, sorted(polite.times)[-9:]
