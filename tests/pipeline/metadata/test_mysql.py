"""ML Metadata in a real MariaDB server: what is refused, read, copied, locked, and survives."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import ConfigurationError, MetadataLostError, RootBusyError
from components.storage.place import StorePath
from pipeline.cli import main
from pipeline.config import PipelineConfig
from pipeline.loading import EnvironmentSettings
from pipeline.metadata import connecting, mysql, reconnecting
from pipeline.metadata.address import PASSWORD, SqliteFile
from pipeline.metadata.snapshot import copy_pipeline
from pipeline.resolution import resolve
from pipeline.results.run_record import RunRecord
from pipeline.results.runs import find_run, list_runs
from pipeline.results.shared_roots import ID_FILE, check_roots, own_id
from pipeline.results.stored_artifacts import output_folder
from pipeline.root import METADATA_FILE, is_in_use, open_metadata
from pipeline.runners.local import alone_in
from pipeline.runners.recording import recording
from tests import mariadb
from tests.pipeline.metadata.conftest import opened
from tests.pipeline.results.stored import RUNNING, properties_of, store_run

pytestmark = pytest.mark.mariadb

PREPARE = """
import sys
from dataclasses import replace
from pipeline.metadata.address import parse_url
from pipeline.metadata.mysql import prepare
import ml_metadata
print("ready", flush=True)
sys.stdin.readline()
prepare(replace(parse_url(sys.argv[1]), password=sys.argv[2]))
"""


def refusal(capsys, url, password=mariadb.PASSWORD, **variables):
    """Returns what `sentiment runs` says in its one line, in less than 20 seconds."""
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, password)
        assert main(["runs", "--metadata", url]) == 2
    assert time.monotonic() - began < 20
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert password not in line
    return line.removeprefix("sentiment: error: ")


def test_what_a_server_refuses_is_said_in_one_line(server, database, capsys):
    """A wrong host, port, password or user, and a database that is missing or another's."""
    name = database.database
    url = server.url(name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = url.replace(f":{server.port}/", f":{free.getsockname()[1]}/")
        assert "no MySQL server answers at port" in refusal(capsys, closed)
    unknown = refusal(capsys, url.replace("127.0.0.1", "no-such-host.invalid"))
    assert "no MySQL server answers at port" in unknown
    by_socket = f"mysql://{mariadb.USER}@localhost/{name}?socket=/no/socket"
    assert "no MySQL server answers at /no/socket" in refusal(capsys, by_socket)
    wrong = refusal(capsys, url, "a wrong one")
    assert "refuses the account 'sentiment' or its password (from: $SENTIMENT_METADATA_" in wrong
    assert "refuses the account 'nobody'" in refusal(capsys, url.replace("sentiment@", "nobody@"))
    missing = refusal(capsys, server.url("no_such"))
    assert "there is no such database, or the account may not use it" in missing
    assert "CREATE DATABASE no_such CHARACTER SET utf8mb4; GRANT ALL" in missing


def test_a_server_that_says_nothing_is_given_up(database, capsys, monkeypatch):
    """It takes the connection, as a firewall may; the time for an answer has a bound."""
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 1)
    monkeypatch.setattr(connecting, "ANSWER_SECONDS", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said = refusal(capsys, f"mysql://ana@127.0.0.1:{silent.getsockname()[1]}/runs")
    assert "no MySQL server answers" in said


def test_tables_of_something_else_are_refused(server, database, capsys):
    """Those of a shop, and those of another version of ML Metadata's schema."""
    url = server.url(database.database)
    server.sql("CREATE TABLE orders (id INT)", database=database.database)
    assert "tables that are not ML Metadata's, or only some of its: orders" in refusal(capsys, url)
    server.sql("DROP TABLE orders", database=database.database)
    mysql.prepare(database)
    server.sql("UPDATE MLMDEnv SET schema_version = 7", database=database.database)
    assert "has version 7 of ML Metadata's schema; expected 10" in refusal(capsys, url)


def test_too_few_rights_are_found_before_a_run(server):
    """To make the tables, and to write to those that are there; the message has the statement."""
    grant = "GRANT ALL PRIVILEGES ON {0}.* TO 'sentiment'@'%';"
    empty = server.new_database("SELECT")
    with pytest.raises(ConfigurationError) as refused:
        mysql.prepare(opened(server, empty))
    assert grant.format(empty) in str(refused.value)
    made = server.new_database()
    mysql.prepare(opened(server, made))
    server.sql(f"REVOKE DELETE ON {made}.* FROM {mariadb.USER}@'%'")
    with pytest.raises(ConfigurationError) as refused:
        mysql.prepare(opened(server, made))
    assert grant.format(made) in str(refused.value)


def test_a_password_plugin_that_ml_metadata_lacks_is_named(server, database, monkeypatch):
    """PyMySQL knows more of them than ML Metadata's client: the setting that helps is named."""

    def cannot(*_):
        raise RuntimeError("mysql_real_connect failed: errno: , error: ")

    monkeypatch.setattr(reconnecting.ReconnectingStore, "_make_client", cannot)
    with pytest.raises(ConfigurationError) as refused:
        mysql.prepare(database)
    assert "Authentication plugin ... cannot be loaded" in str(refused.value)
    assert "mysql_native_password=ON" in str(refused.value)


def test_two_processes_that_start_at_once_make_the_tables_once(server, database):
    """Both find an empty database; neither fails, and there is one version of the schema."""
    command = [sys.executable, "-c", PREPARE, server.url(database.database), mariadb.PASSWORD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command, **pipes, text=True) for _ in range(2)]
    for each in both:
        assert each.stdout.readline() == "ready\n"
    for each in both:
        each.stdin.write("go\n")
        each.stdin.flush()
    ends = [each.communicate(timeout=60) for each in both]
    assert [each.returncode for each in both] == [0, 0], ends
    versions = server.sql("SELECT schema_version FROM MLMDEnv", database=database.database)
    assert versions == [(10,)]


def test_runs_read_the_same_from_both(database, tmp_path):
    """A run that is stored in a file and in a database: all that is listed of it."""
    mysql.prepare(database)
    assert list_runs(tmp_path, metadata=database) == []
    for address in (SqliteFile(tmp_path / METADATA_FILE), database):
        store_run(tmp_path, "20261126-210857", properties_of(), version=3, metadata=address)
        store_run(tmp_path, "20261127-080000", properties_of(is_dirty=True), {"Trainer": RUNNING},
                  metadata=address)  # fmt: skip
    of_file, of_database = (list_runs(tmp_path, metadata=each) for each in (None, database))

    def alike(runs):
        return [
            dataclasses.replace(run, metadata=None, functions={}, started=None, steps=[
                (step.name, step.state, step.reason) for step in run.steps
            ])
            for run in runs
        ]  # fmt: skip

    assert alike(of_database) == alike(of_file)
    assert [run.version for run in of_database] == [None, 3]
    run = find_run(tmp_path, "20261126", metadata=database)
    folder = output_folder(database, run, "Evaluator", "evaluation")
    assert str(folder) == "pipelines/Evaluator/evaluation/20261126-210857"
    record = RunRecord(database, "reviews_sentiment", "20261126-210857")
    (evaluation,) = record.outputs("Evaluator", "evaluation")
    assert evaluation.uri == str(folder)


def test_a_copy_has_all_of_one_pipeline_with_its_ids(database, tmp_path):
    """For --plan, which writes into the copy: contexts, executions, artifacts and events."""
    mysql.prepare(database)
    store_run(tmp_path, "20261126-210857", properties_of(), version=3, metadata=database)
    store_run(tmp_path, "20261127-080000", properties_of(), pipeline="mail", metadata=database)
    copy_pipeline(database, "mail", tmp_path / "copy.db")
    copied = open_metadata(tmp_path / "copy.db", can_write=True)
    original = open_metadata(database)
    pipeline = original.get_context_by_type_and_name("pipeline", "mail")
    executions = original.get_executions_by_context(pipeline.id)
    executions.sort(key=lambda each: each.id)
    assert len(executions) == 4
    assert copied.get_executions() == executions
    ids = [each.id for each in executions]
    events = original.get_events_by_execution_ids(ids)
    assert copied.get_events_by_execution_ids(ids) == events
    artifacts = original.get_artifacts_by_id([event.artifact_id for event in events])
    assert sorted(copied.get_artifacts(), key=lambda each: each.id) == artifacts
    nodes = {f"mail.{each.type.removeprefix('types.')}" for each in executions}
    assert {each.name for each in copied.get_contexts()} == {"mail", "20261127-080000"} | nodes
    copied.put_executions([mlmd.Execution(type_id=executions[0].type_id)])
    assert len(original.get_executions()) == 8


def test_a_lost_connection_is_made_anew(server, database):
    """The server is killed and started again between two calls, and before one opens a store."""
    mysql.prepare(database)
    with reconnecting.reconnecting(database):
        store = open_metadata(database)
        type_id = store.put_context_type(mlmd.ContextType(name="kind"))
        server.kill()
        starting = threading.Timer(1.0, server.start)
        starting.start()
        assert store.get_context_type("kind").id == type_id
        starting.join()
        server.kill()
        starting = threading.Timer(1.0, server.start)
        starting.start()
        assert open_metadata(database).get_context_type("kind").id == type_id
        starting.join()
        store.put_contexts([mlmd.Context(type_id=type_id, name="after")])
    assert [each.name for each in open_metadata(database).get_contexts()] == ["after"]


def test_a_connection_of_tfx_is_made_anew_too(server, database):
    """TFX opens stores by what a pipeline holds, without the password; outside a run it cannot."""
    from tfx.orchestration import metadata

    mysql.prepare(database)
    opened_by_tfx = metadata.Metadata(database.connection_config())
    with reconnecting.reconnecting(database), opened_by_tfx as handle:
        type_id = handle.store.put_context_type(mlmd.ContextType(name="kind"))
        server.kill()
        starting = threading.Timer(0.5, server.start)
        starting.start()
        assert handle.store.get_context_type("kind").id == type_id
        starting.join()
    with pytest.raises(RuntimeError, match="mysql_real_connect failed"):
        reconnecting.mlmd.MetadataStore(database.connection_config())


def test_a_server_that_does_not_come_back_ends_the_run(server, database, monkeypatch):
    """Within a time that is told; what is asked after that is not waited for again."""
    monkeypatch.setattr(reconnecting, "RECONNECT_SECONDS", 2.0)
    mysql.prepare(database)
    with reconnecting.reconnecting(database):
        store = open_metadata(database)
        server.kill()
        try:
            began = time.monotonic()
            with pytest.raises(MetadataLostError, match="for 2 seconds there was no other") as lost:
                store.get_contexts()
            assert 2 <= time.monotonic() - began < 10
            assert mariadb.PASSWORD not in str(lost.value)
            began = time.monotonic()
            with pytest.raises(ConfigurationError, match="no MySQL server answers"):
                open_metadata(database)
            assert time.monotonic() - began < 2
        finally:
            server.start()


@contextlib.contextmanager
def hanging(server) -> Iterator[None]:
    """Has the server keep its connections, and answer nothing."""
    os.kill(server.process.pid, signal.SIGSTOP)
    # It stops when the system comes to it, and may answer until then.
    os.waitid(os.P_PID, server.process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


def test_a_server_that_hangs_is_not_waited_for_without_a_bound(server, database, monkeypatch):
    """Once it goes on, so does the store."""
    monkeypatch.setattr(connecting, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(connecting, "MOMENT_SECONDS", 0.0)
    monkeypatch.setattr(reconnecting, "RECONNECT_SECONDS", 1.0)
    mysql.prepare(database)
    store = open_metadata(database)
    with hanging(server), pytest.raises(ConfigurationError, match="no MySQL server answers"):
        store.get_contexts()
    assert store.get_contexts() == []
    with (
        reconnecting.reconnecting(database),
        hanging(server),
        pytest.raises(MetadataLostError, match="for 1 seconds there was no other"),
    ):
        store.get_contexts()


def test_the_server_locks_a_root_in_a_store_by_its_name(database):
    """For all machines, while the run's connection lasts; another root is another lock."""
    root = StorePath("gs://bucket/root")
    with alone_in(root, metadata=database):
        assert is_in_use(root, database)
        assert not is_in_use(StorePath("gs://bucket/other"), database)
        with pytest.raises(RootBusyError) as busy, alone_in(root, metadata=database):
            pass
        assert f"recorded in {database}, is using gs://bucket/root." in str(busy.value)
        with alone_in(StorePath("gs://bucket/other"), metadata=database):
            pass
    assert not is_in_use(root, database)


def run_in(root, server, database):
    """Returns a resolved run of the sample in a root, which exists, with that database."""
    root.mkdir(exist_ok=True)
    config = PipelineConfig(data="sample", root=str(root), metadata=server.url(database.database))
    environment = EnvironmentSettings(None, root, password={PASSWORD: mariadb.PASSWORD})
    return resolve(config, environment, lambda _: None)


def test_roots_that_share_a_database_must_be_where_they_were(server, database, tmp_path):
    """Another root's runs are listed; what it wrote is read only where that is the same folder."""
    mysql.prepare(database)
    first = run_in(tmp_path / "a", server, database)
    second = run_in(tmp_path / "b", server, database)
    assert str(first.as_recorded().pipeline_root) == str(tmp_path / "a/pipelines/sample_sentiment")
    with alone_in(first.root), recording(first) as recorder:
        (running,) = list_runs(second.root, metadata=database)
        assert running.run_id == recorder.run_id
        assert running.state == "running"
        # Where the root is out of sight, nobody can tell that the run was killed.
        (tmp_path / "a").rename(tmp_path / "moved")
        (running,) = list_runs(second.root, metadata=database)
        assert running.state == "running"
        (tmp_path / "moved").rename(tmp_path / "a")
    with recording(second):
        pass
    assert len(list_runs(first.root, metadata=database)) == 2
    assert own_id(first.root) != own_id(second.root)

    (tmp_path / "a").rename(tmp_path / "moved")
    with pytest.raises(ConfigurationError) as refused:
        check_roots(second)
    assert f"wrote below {tmp_path / 'a'}, which is not here" in str(refused.value)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ID_FILE).write_text("another\n")
    with pytest.raises(ConfigurationError, match="which is another folder here") as refused:
        recording(second).__enter__()
    assert "Mount that folder under the same path, or choose another" in str(refused.value)
    check_roots(dataclasses.replace(second, pipeline_name="sample_other"))
