"""The embedded server on a base path in a store; TensorFlow's `ram://` is one of one process."""

from __future__ import annotations

import json
import shutil
import threading
import time
import uuid
from pathlib import Path

import pytest
import tensorflow as tf

from serving import folders, model_cards
from serving.server import loading, model_manager
from serving.server.flags import Flags
from serving.server.load_turns import LoadTurns
from serving.server.server import Server
from serving.server.store_looks import StoreLooks
from serving.status import StatusError
from serving.versions import VersionFolders, look_up

from .calling import ask, predict, wait_until

FAST = {
    "file_system_poll_wait_seconds": 0.05,
    "load_retry_interval_micros": 100_000,
    "max_num_load_retries": 1,
}


@pytest.fixture
def base():
    """A base path of its own: `ram://` takes one name for the beginning of another."""
    path = f"ram://{uuid.uuid4().hex}/m"
    yield path
    if tf.io.gfile.exists(path):
        tf.io.gfile.rmtree(path)


@pytest.fixture
def put(model_directory):
    """Copies a version to a store, saved_model.pb last."""

    def copy(source, version):
        paths = [path for path in (model_directory / source).rglob("*") if path.is_file()]
        for path in sorted(paths, key=lambda path: path.name == "saved_model.pb"):
            target = f"{version}/{path.relative_to(model_directory / source)}"
            tf.io.gfile.makedirs(target.rpartition("/")[0])
            tf.io.gfile.copy(str(path), target, overwrite=True)
        return version

    return copy


def states(server, model="m"):
    """Returns the state of each version."""
    status = ask(server.rest_port, "GET", f"/v1/models/{model}").json["model_version_status"]
    return {int(one["version"]): one["state"] for one in status}


def answer(server, model="m"):
    """What the served version makes of 0: 2 or, by `half/00000123`, 3."""
    return predict(server.rest_port, model, {"instances": [0]}).json["predictions"][0]


def test_versions_in_a_store_come_and_go_as_on_a_disk(base, put, serve):
    """Half copied, whole, removed; loaded by TensorFlow from where they are."""
    put("half/1", f"{base}/1")
    server = serve(model_name="m", model_base_path=base, **FAST)
    assert (states(server), answer(server)) == ({1: "AVAILABLE"}, 2.0)
    put("half/00000123", f"{base}/2")
    wait_until(lambda: states(server) == {2: "AVAILABLE", 1: "END"})
    assert answer(server) == 3.0
    tf.io.gfile.makedirs(f"{base}/3")
    with tf.io.gfile.GFile(f"{base}/3/model_card.json", "wb") as file:
        file.write(b"{}")
    wait_until(lambda: look_up(base).incomplete == [3])
    tf.io.gfile.rmtree(f"{base}/2")
    wait_until(lambda: states(server) == {2: "END", 1: "AVAILABLE"})
    assert answer(server) == 2.0


def test_a_version_without_its_weights_or_with_a_broken_graph_is_refused_as_on_a_disk(
    base, put, serve
):
    """The one before serves on; the status says what is wrong, in TF-Serving's words."""
    put("half/1", f"{base}/1")
    server = serve(model_name="m", model_base_path=base, **FAST)
    tf.io.gfile.makedirs(f"{base}/2")
    with tf.io.gfile.GFile(f"{base}/2/saved_model.pb", "wb") as file:
        file.write(b"no model")
    wait_until(lambda: states(server).get(2) == "END")
    assert states(server)[1] == "AVAILABLE"
    (version,) = ask(server.rest_port, "GET", "/v1/models/m/versions/2").json[
        "model_version_status"
    ]
    assert version["status"]["error_code"] == "DATA_LOSS"
    assert f"Can't parse {base}/2/saved_model.pb" in version["status"]["error_message"]
    tf.io.gfile.copy(f"{base}/1/saved_model.pb", f"{base}/2/saved_model.pb", overwrite=True)
    put("half/00000123", f"{base}/3")
    wait_until(lambda: states(server).get(3) == "AVAILABLE")


def test_a_configuration_names_models_on_a_disk_and_in_stores(
    base, put, serve, model_directory, tmp_path
):
    """In a file that is in a store itself."""
    put("half/00000123", f"{base}/7")
    config = f"ram://{uuid.uuid4().hex}/models"
    with tf.io.gfile.GFile(config, "wb") as file:
        file.write(
            "model_config_list {"
            f' config {{ name: "disk" base_path: "{model_directory / "half"}"'
            '  model_platform: "tensorflow" model_version_policy { specific { versions: 1 } } }'
            f' config {{ name: "store" base_path: "{base}" model_platform: "tensorflow" }} }}'
        )
    server = serve(model_config_file=config, **FAST)
    assert (answer(server, "disk"), answer(server, "store")) == (2.0, 3.0)


def test_the_page_shows_a_card_that_is_in_a_store(base, put, serve):
    """It was read when the version was loaded."""
    put("half/1", f"{base}/1")
    card = {"variant": "gru", "test_metrics": {"accuracy": 0.75}}
    with tf.io.gfile.GFile(f"{base}/1/model_card.json", "wb") as file:
        file.write(json.dumps(card))
    assert model_cards.read(f"{base}/1") == card
    server = serve(model_name="m", model_base_path=base, page=True, **FAST)
    tf.io.gfile.remove(f"{base}/1/model_card.json")
    assert server.servables.available()["m"][1].read_card() == card


def test_a_scheme_that_tensorflow_does_not_know_is_refused_at_once():
    """With those that it knows."""
    server = Server(Flags(port=-1, rest_api_port=-1, model_name="m", model_base_path="s4://b/m"))
    with pytest.raises(StatusError, match=r"no file system for s4:// here; it has .*gs://, ram://"):
        server.start()
    server.stop()


@pytest.fixture
def silent(monkeypatch):
    """Has stores answer nothing until the event is set, or the test ends."""
    speak = threading.Event()

    def wait(base_path):
        if folders.is_remote(str(base_path)):
            speak.wait(60)
        return look_up(base_path)

    monkeypatch.setattr(model_manager, "look_up", wait)
    yield speak
    speak.set()


def test_a_store_that_does_not_answer_holds_up_no_other_model_and_no_stop(
    base, put, serve, silent, tmp_path, copy_version
):
    """Another model is asked, gets a new version, and the server ends at once."""
    copy_version("half/1", tmp_path / "disk" / "1")
    put("half/1", f"{base}/1")
    config = tmp_path / "models"
    of_disk = f'name: "disk" base_path: "{tmp_path / "disk"}" model_platform: "tensorflow"'
    of_store = f'name: "store" base_path: "{base}" model_platform: "tensorflow"'
    config.write_text(f"model_config_list {{ config {{ {of_disk} }} }}")
    server = serve(model_config_file=str(config), model_config_file_poll_wait_seconds=0.05, **FAST)
    both = f"model_config_list {{ config {{ {of_disk} }} config {{ {of_store} }} }}"
    config.write_text(both)
    time.sleep(0.3)
    copy_version("half/00000123", tmp_path / "disk" / "2")
    wait_until(lambda: states(server, "disk") == {2: "AVAILABLE", 1: "END"})
    assert answer(server, "disk") == 3.0
    assert [thread.name for thread in threading.enumerate()].count(f"look at {base}") == 1
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 5


def test_a_store_that_falls_silent_keeps_its_versions_and_is_followed_again(
    base, put, serve, monkeypatch
):
    """No answer is no wish to unload."""
    put("half/1", f"{base}/1")
    speaks = threading.Event()
    speaks.set()

    def wait(base_path):
        speaks.wait(60)
        return look_up(base_path)

    monkeypatch.setattr(model_manager, "look_up", wait)
    server = serve(model_name="m", model_base_path=base, **FAST)
    speaks.clear()
    put("half/00000123", f"{base}/2")
    time.sleep(0.4)
    assert answer(server) in (2.0, 3.0)  # a look may have begun before
    speaks.set()
    wait_until(lambda: states(server) == {2: "AVAILABLE", 1: "END"})


def test_a_load_that_hangs_in_a_store_keeps_no_other_model_from_being_served(
    base, put, serve, monkeypatch, tmp_path, caplog
):
    """At the start too, for no longer than a bound, and in the same store; then it is served."""
    speak = threading.Event()

    class Silent(loading.SavedModel):
        def __init__(self, folder, *arguments):
            if "/one/" in folder:
                speak.wait(60)
            super().__init__(folder, *arguments)

    monkeypatch.setattr(loading, "SavedModel", Silent)
    monkeypatch.setattr(model_manager, "STORE_SECONDS", 0.5)
    for name in ("one", "two"):
        put("half/1", f"{base}/{name}/1")
    config = tmp_path / "models"
    label = 'version_labels { key: "stable" value: 1 }'
    config.write_text(
        "model_config_list {"
        f' config {{ name: "one" base_path: "{base}/one" model_platform: "tensorflow" {label} }}'
        f' config {{ name: "two" base_path: "{base}/two" model_platform: "tensorflow" }} }}'
    )
    server = serve(model_config_file=str(config), **FAST)
    assert (states(server, "one"), answer(server, "two")) == ({1: "LOADING"}, 2.0)
    assert f"from {base}/one/1 has taken more than 0 s. Other models are loaded" in caplog.text
    speak.set()
    wait_until(lambda: states(server, "one") == {1: "AVAILABLE"})
    asked = ask(server.rest_port, "GET", "/v1/models/one/labels/stable").json
    assert [each["version"] for each in asked["model_version_status"]] == ["1"]


def test_turns_are_given_in_order_and_lost_after_a_while_in_a_store():
    """A disk's are not lost; each store has its own."""
    turns, order = LoadTurns(1, patience=0.2), []
    release = threading.Event()

    def load(place, name, hangs=False):
        with turns.turn(place):
            order.append(name)
            if hangs:
                release.wait(30)

    def start(*arguments):
        thread = threading.Thread(target=load, args=arguments)
        thread.start()
        time.sleep(0.02)
        return thread

    began = time.monotonic()
    threads = [start("gs://a", "a1", True), start("", "disk1", True)]
    threads += [
        start("gs://a", "a2"),
        start("gs://a", "a3"),
        start("", "disk2"),
        start("s3://b", "b"),
    ]
    wait_until(lambda: len(order) == 5)
    assert time.monotonic() - began > 0.2
    assert order == ["a1", "disk1", "b", "a2", "a3"]
    release.set()
    for thread in threads:
        thread.join(10)
    assert order[5:] == ["disk2"]


def test_a_look_goes_on_once_and_is_looked_after():
    """Its answer is given once; an error is an answer, and a new look is one of its own."""
    speak, told = threading.Event(), threading.Event()
    calls = []

    def look(base_path):
        calls.append(base_path)
        speak.wait(30)
        if len(calls) == 1:
            raise FileNotFoundError(2, "No such file or directory", base_path)
        if len(calls) == 2:
            raise RuntimeError("unforeseen")
        return VersionFolders({}, [], [])

    looks = StoreLooks(look, told.set)
    assert looks.seconds_of("mem://a") == 0
    for _ in range(3):
        looks.start("mem://a")
    assert (calls, looks.answers()) == (["mem://a"], {})
    assert looks.seconds_of("mem://a") > 0
    speak.set()
    assert told.wait(10)
    (error,) = looks.answers().values()
    assert (type(error), looks.answers()) == (FileNotFoundError, {})
    found = []
    for _ in range(2):
        told.clear()
        looks.start("mem://a")
        assert told.wait(10)
        found += looks.answers().values()
    assert (found[0].strerror, found[1]) == (
        "RuntimeError: unforeseen", VersionFolders({}, [], []),
    )  # fmt: skip


def test_what_is_in_a_store_is_listed_and_read_as_on_a_disk(tmp_path, base):
    """Names without slashes, files told from folders, errors of the operating system's kinds."""
    for root in (str(tmp_path / "m"), base):
        tf.io.gfile.makedirs(f"{root}/12")
        for name in ("12/saved_model.pb", "note"):
            with tf.io.gfile.GFile(f"{root}/{name}", "wb") as file:
                file.write(b"graph")
        assert folders.names_in(root) == ["12", "note"]
        assert look_up(root) == VersionFolders({12: f"{root}/12"}, [], [])
        assert [folders.is_file(f"{root}/{name}") for name in ("note", "12", "none")] == [
            True, False, False,
        ]  # fmt: skip
        assert folders.read_bytes(f"{root}/note", 3) == b"gra"
        with pytest.raises(FileNotFoundError) as error:
            folders.read_bytes(f"{root}/none")
        assert error.value.filename == f"{root}/none"
    assert model_cards.read(f"{base}/none") is None
    shutil.rmtree(Path(tmp_path / "m"))
