"""Pushing to an object store, which has no rename and may fail at any call."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from components.errors import PushError
from components.pusher import claim
from components.pusher.publish import publish
from components.pusher.pushed_data import data_of_newest
from tests.stores import no_permission, no_space

BASE = "mem://bucket/serving_model/films"
FILES = {
    "assets/vocabulary.txt": b"film\n",
    "model_card.json": b'{"data": {"name": "films"}}',
    "saved_model.pb": b"graph",
    "variables/variables.data-00000-of-00001": b"weights" * 1_000,
    "variables/variables.index": b"index",
}
# What is called before the version is whole.
OPERATIONS = ("mkdir", "open", "write", "close", "listdir", "exists", "isdir")


def made(folder, files):
    """Writes files below a folder and returns its path."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.fixture
def model(tmp_path):
    """A folder with the files of a SavedModel."""
    return made(tmp_path / "model", FILES)


@pytest.fixture
def store(mem_store, monkeypatch):
    """A store where a server looks at the versions before each call of the push."""
    call = mem_store.call

    def look(operation, path):
        for version, files in versions(mem_store).items():
            if version.isdecimal() and files.get("saved_model.pb") == FILES["saved_model.pb"]:
                assert files == FILES, f"{version} would be loaded half before {operation} {path}"
        call(operation, path)

    monkeypatch.setattr(mem_store, "call", look)
    return mem_store


def versions(store):
    """Returns the files of each version, whole or not, by its number."""
    found = {}
    for path in store.below(BASE):
        name, _, rest = path.removeprefix(f"{BASE}/").partition("/")
        if rest:
            found.setdefault(name, {})[rest] = store.objects[path]
    return found


def test_the_graph_is_written_last_and_nothing_else_is_left(store, model):
    """A server takes a folder without it for a copy in progress."""
    before = int(time.time())
    version = publish(model, BASE)
    number = int(version.removeprefix(f"{BASE}/"))
    assert before <= number <= time.time()
    assert versions(store) == {str(number): FILES}
    assert max(store.below(BASE), key=store.time_of) == f"{version}/saved_model.pb"
    assert len(store.below(BASE)) == len(FILES)
    assert store.count("rename") == 0
    assert data_of_newest(BASE).name == "films"


def test_a_later_push_has_a_larger_number(store, model):
    """Also than a version that is not whole, and than one that comes from a clock that is ahead."""
    store.put(f"{BASE}/99999999999/variables/variables.index", b"")
    assert [publish(model, BASE).rpartition("/")[2] for _ in range(2)] == [
        "100000000000",
        "100000000001",
    ]
    assert versions(store)["99999999999"] == {"variables/variables.index": b""}


def test_whichever_call_fails_nothing_is_left_and_the_next_push_completes(store, model):
    """The error is one line that names the place; what the push wrote is gone."""
    publish(model, BASE)
    calls = {operation: store.count(operation) for operation in OPERATIONS}
    assert calls["write"] == calls["close"] == len(FILES) + 1
    pushed = []
    for operation, nth in [(name, n) for name, count in calls.items() for n in range(1, count + 1)]:
        store.clear()
        store.fail(operation, nth)
        try:
            pushed.append((operation, publish(model, BASE)))
        except PushError as error:
            told = str(error)
            assert told.startswith(f"The model could not be pushed to {BASE}: Connection reset")
            assert "\n" not in told and "could not be removed" not in told
            assert store.below(BASE) == [], (operation, nth)
        version = publish(model, BASE)
        assert versions(store).pop(version.rpartition("/")[2]) == FILES
        assert all(files == FILES for files in versions(store).values())
        assert len(store.below(BASE)) == len(versions(store)) * len(FILES)
    # Once the version is whole, its push only looks whether it has left anything else.
    assert [operation for operation, _ in pushed] == ["exists"]


@pytest.mark.parametrize("nth", range(2, len(FILES) + 2))
def test_what_cannot_be_removed_is_named_and_taken_for_no_version(store, model, nth):
    """The store is gone from some write on. Once it is back, the next push removes it."""
    store.fail("write", nth, times=1_000)
    store.fail("remove", times=1_000)
    with pytest.raises(PushError) as failed:
        publish(model, BASE)
    ((left, _),) = versions(store).items()
    assert f"could not be removed either: {BASE}/{left}" in str(failed.value)
    assert "\n" not in str(failed.value)
    store.mend()
    version = publish(model, BASE).rpartition("/")[2]
    assert int(version) > int(left)
    assert versions(store) == {version: FILES}
    assert len(store.below(BASE)) == len(FILES)


def test_a_full_store_and_one_that_refuses_are_told_as_such(store, model):
    """With the size, or the path."""
    store.fail("close", 2, error=no_space)
    with pytest.raises(PushError, match=r"The store is full: the model needs 0\.0 MB in mem://"):
        publish(model, BASE)
    store.fail("open", error=no_permission)
    with pytest.raises(PushError, match=rf"Permission denied \({BASE}/\.pushing-"):
        publish(model, BASE)


def test_pushes_at_the_same_time_are_versions_of_their_own(mem_store, tmp_path):
    """Each is whole, and of one model."""
    mem_store.delay("close", 0.01)
    mem_store.delay("listdir", 0.01)
    models = {
        name: made(tmp_path / name, {file: name.encode() for file in FILES}) for name in "abcd"
    }
    pushed = {}

    def push(name):
        pushed[name] = publish(models[name], BASE).rpartition("/")[2]

    threads = [threading.Thread(target=push, args=name) for name in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pushed.values())) == 4
    assert versions(mem_store) == {
        version: {file: name.encode() for file in FILES} for name, version in pushed.items()
    }
    assert len(mem_store.below(BASE)) == 4 * len(FILES)


@pytest.mark.parametrize("content", ["", "[]", '{"host": 1}', "\\xff"])
def test_a_claim_that_cannot_be_understood_is_one_of_a_push_that_began_by_its_number(
    store, model, content
):
    """It may be half written; a day later it was left."""
    old, new = int(time.time() - claim.LONGEST_PUSH_SECONDS) - 5, int(time.time())
    for number in (old, new):
        store.put(f"{BASE}/.pushing-{number}-{'0' * 32}", content)
    version = publish(model, BASE)
    kept = set(store.below(BASE)) - set(store.below(version))
    assert kept == {f"{BASE}/.pushing-{new}-{'0' * 32}"}


def test_pushes_that_want_one_number_for_ever_end_with_an_error(store, model, monkeypatch):
    """Neither is written into the other."""
    monkeypatch.setattr(claim, "_next_number", lambda base, above: 7)
    monkeypatch.setattr(claim, "_MOST_PAUSE_SECONDS", 0.0)
    store.put(f"{BASE}/.pushing-7-{'0' * 32}", claim_of("elsewhere", 1))
    with pytest.raises(PushError, match="20 times, another push wanted the same number"):
        publish(model, BASE)
    assert versions(store) == {}


def claim_of(host, process, age=0.0):
    """Returns what a push writes of itself."""
    told = {"host": host, "process": process, "started": time.time() - age, "graph_bytes": 5}
    return json.dumps(told)


def dead_process():
    """Returns the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("host", "is_alive", "age", "is_removed"),
    [
        ("here", False, 0, True),
        ("here", True, 0, False),
        ("elsewhere", False, 0, False),
        ("elsewhere", False, claim.LONGEST_PUSH_SECONDS + 1, True),
    ],
)
def test_what_a_killed_push_left_is_removed_and_one_that_goes_on_is_let_be(
    store, model, host, is_alive, age, is_removed
):
    """A process of this machine is looked for; another machine's push has a day."""
    process = os.getppid() if is_alive else dead_process()
    host = socket.gethostname() if host == "here" else host
    left = {
        store.put(f"{BASE}/.pushing-41-{'0' * 32}", claim_of(host, process, age)),
        store.put(f"{BASE}/41/variables/variables.index", b"index"),
    }
    version = publish(model, BASE)
    kept = set(store.below(BASE)) - set(store.below(version))
    assert kept == (set() if is_removed else left)


def test_a_version_that_is_whole_outlives_the_claim_of_a_push_that_was_killed_at_its_end(
    store, model
):
    """Only the claim goes."""
    first = publish(model, BASE)
    number = first.rpartition("/")[2]
    store.put(
        f"{BASE}/.pushing-{number}-{'0' * 32}", claim_of(socket.gethostname(), dead_process())
    )
    second = publish(model, BASE)
    assert sorted(versions(store)) == [number, second.rpartition("/")[2]]
    assert len(store.below(BASE)) == 2 * len(FILES)


def test_a_push_that_was_taken_for_dead_writes_no_graph(store, model, monkeypatch):
    """What is left of its version would be loaded half."""
    call = store.call

    def remove_claim(operation, path):
        if operation == "open" and path.endswith("variables.index"):
            for name in [name for name in store.objects if "/.pushing-" in name]:
                del store.objects[name]
        call(operation, path)

    monkeypatch.setattr(store, "call", remove_claim)
    with pytest.raises(PushError, match="another push took this one, which had been going on"):
        publish(model, BASE)
    assert store.below(BASE) == []


def test_where_folders_can_be_renamed_the_version_appears_by_one_rename(store, model, monkeypatch):
    """As on a disk; `mem://` plays a store that has folders of its own."""
    renamed = []

    def rename(source, destination):
        renamed.append((source, destination))
        for path in store.below(source):
            store.put(destination + path.removeprefix(source), store.objects.pop(path))

    monkeypatch.setattr("components.storage.files.has_rename", lambda path: True)
    monkeypatch.setattr("components.storage.files.rename", rename)
    version = publish(model, BASE)
    ((source, destination),) = [pair for pair in renamed if "/.incoming-" in pair[0]]
    assert (destination, store.below(source)) == (version, [])
    assert versions(store) == {version.rpartition("/")[2]: FILES}
