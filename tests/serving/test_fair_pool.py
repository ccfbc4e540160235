"""Threads that connections share: in turns, and not all of them for one."""

from __future__ import annotations

import threading

import pytest

from serving.server.fair_pool import FairPool, lend_thread


@pytest.fixture
def gate() -> threading.Event:
    """What tasks wait for; open in the end, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


def _wait(gate: threading.Event) -> None:
    assert gate.wait(10)


def test_connections_take_turns(gate):
    """Whoever has a hundred tasks waiting is one of two; each one's own order is kept."""
    pool, order, started = FairPool(1, "test"), [], threading.Event()
    first = pool.submit_for("busy", lambda: (started.set(), _wait(gate)))
    assert started.wait(10)
    tasks = [pool.submit_for("busy", order.append, ("busy", number)) for number in range(100)]
    tasks += [pool.submit_for("other", order.append, ("other", number)) for number in range(3)]
    gate.set()
    for task in [first, *tasks]:
        task.result(10)
    assert order[:6] == [
        ("busy", 0), ("other", 0), ("busy", 1), ("other", 1), ("busy", 2), ("other", 2),
    ]  # fmt: skip
    assert order[6:] == [("busy", number) for number in range(3, 100)]
    pool.shutdown()


def test_one_connection_never_has_all_threads(gate):
    """Three of four: the fourth answers others, whatever the first do."""
    pool = FairPool(4, "test")
    started = threading.Semaphore(0)

    def stuck():
        started.release()
        _wait(gate)

    tasks = [pool.submit_for("stuck", stuck) for _ in range(20)]
    for _ in range(3):
        assert started.acquire(timeout=10)
    assert pool.submit_for("other", lambda: "answered").result(10) == "answered"
    assert not started.acquire(timeout=0.1)
    gate.set()
    for task in tasks:
        task.result(10)
    pool.shutdown()


def test_a_thread_that_waits_is_lent(gate):
    """While a task waits its turn elsewhere, the only thread there is works for others."""
    pool = FairPool(1, "test")

    def patient():
        with lend_thread():
            _wait(gate)
        return "done"

    waiting = pool.submit_for("a", patient)
    assert pool.submit_for("b", lambda: "answered").result(10) == "answered"
    gate.set()
    assert waiting.result(10) == "done"
    pool.shutdown()


def test_an_error_is_the_futures(gate):
    """And the thread goes on; what was cancelled does not run."""
    pool = FairPool(1, "test")
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result(10)
    held = pool.submit(_wait, gate)
    never = pool.submit(lambda: pytest.fail("it was cancelled"))
    assert never.cancel()
    gate.set()
    held.result(10)
    assert pool.submit(lambda: 1).result(10) == 1
    pool.shutdown()
    with pytest.raises(RuntimeError, match="stopped"):
        pool.submit(lambda: 1)


def test_thousands_of_tasks_from_many_threads_all_run():
    """No wake is lost between a thread that goes to sleep and a task that comes."""
    pool, lock, total = FairPool(3, "test"), threading.Lock(), [0]

    def add():
        with lock:
            total[0] += 1

    def submit(connection: int) -> list:
        return [pool.submit_for(connection, add) for _ in range(500)]

    futures: list = []
    threads = [
        threading.Thread(target=lambda n=number: futures.extend(submit(n))) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for future in futures:
        future.result(30)
    assert total == [4000]
    pool.shutdown()


def test_busy_threads_are_not_called(gate):
    """A thousand tasks that threads find by themselves leave nothing behind."""
    pool = FairPool(2, "test")
    held = [pool.submit_for(name, _wait, gate) for name in ("a", "b")]
    tasks = [pool.submit_for(number % 7, int) for number in range(1000)]
    assert pool._wakes.qsize() == 0
    gate.set()
    for task in [*held, *tasks]:
        task.result(10)
    assert pool._wakes.qsize() <= 2
    assert pool.submit(lambda: "answered").result(10) == "answered"
    pool.shutdown()


def test_what_may_wait_comes_after_all_others(gate):
    """It is asked when it is its turn, and runs once nothing else does."""
    pool, order, started = FairPool(1, "test"), [], threading.Event()
    first = pool.submit_for("busy", lambda: (started.set(), _wait(gate)))
    assert started.wait(10)
    tasks = [
        pool.submit_for(("gone", number), order.append, "gone", may_wait=lambda: True)
        for number in range(3)
    ]
    tasks.append(pool.submit_for("here", order.append, "here", may_wait=lambda: False))
    tasks.append(pool.submit_for("other", order.append, "other"))
    gate.set()
    for task in [first, *tasks]:
        task.result(10)
    assert order == ["here", "other", "gone", "gone", "gone"]
    pool.shutdown()
