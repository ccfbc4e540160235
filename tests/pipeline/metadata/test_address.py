"""Where ML Metadata is: an SQLite file, or a database whose password is never shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipeline.chosen_settings import chosen_settings
from pipeline.cli import main
from pipeline.config import PipelineConfig
from pipeline.metadata.address import (
    PASSWORD,
    PASSWORD_FILE,
    MySqlDatabase,
    SqliteFile,
    find_address,
    parse_url,
)

SECRET = "geheim"
URL = "mysql://ana@db.example:3307/runs"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://ana@db/runs", MySqlDatabase("ana", "runs", "db", 3306)),
        (URL, MySqlDatabase("ana", "runs", "db.example", 3307)),
        ("mysql://ana%40corp@db/a%20b", MySqlDatabase("ana@corp", "a b", "db")),
        ("mysql://ana@[::1]:3307/runs", MySqlDatabase("ana", "runs", "::1", 3307)),
        (
            "mysql://ana@localhost/runs?socket=/run/my%20sql",
            MySqlDatabase("ana", "runs", socket="/run/my sql"),
        ),
    ],
)
def test_an_address_names_user_server_and_database(url, expected):
    """What is escaped is not so any more; a database writes itself as it is read."""
    assert parse_url(url) == expected
    assert parse_url(str(expected)) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgres://ana@db/runs", "it does not begin with mysql://"),
        ("ana@db/runs", "it does not begin with mysql://"),
        ("mysql://db/runs", "it names no user"),
        ("mysql://ana@db", "it names no database"),
        ("mysql://ana@db/", "it names no database"),
        ("mysql://ana@db/a/b", "its database holds a /"),
        ("mysql://ana@/runs", "it names no host"),
        ("mysql://ana@db:port/runs", "its port"),
        ("mysql://ana@db:99999/runs", "its port"),
        ("mysql://ana@db/runs?ssl=on", "it has the options ssl"),
        ("mysql://ana@db/runs?socket=mysqld.sock", "its socket is no absolute path"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(url, why):
    """The form that is expected is named as well."""
    with pytest.raises(ConfigurationError) as refused:
        PipelineConfig(metadata=url)
    assert f"and {why}" in str(refused.value)
    assert "mysql://USER@HOST[:PORT]/DATABASE" in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://ana:{SECRET}@db/runs",
        f"mysql://ana:x/{SECRET}@db/runs",
        f"mysql://ana:x@{SECRET}@db/runs",
        f"mysql://ana:x?{SECRET}@db/runs",
        f"mysql://:{SECRET}@db/runs",
        f"mysql://ana@db/runs?password={SECRET}",
        f"mysql://ana@db/runs?x={SECRET}",
        f"mysql://ana:{SECRET}/runs",
        f"mysql:/ana:{SECRET}@db/runs",
        f"ana:{SECRET}@db/runs",
        f"mariadb://ana:{SECRET}@[db/runs",
    ],
)
def test_a_password_in_an_address_is_refused_and_never_shown(url, capsys):
    """However the address is written: the command's message, and the error's text."""
    assert main(["runs", "--metadata", url]) == 2
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
    assert printed.err.count("--metadata is ") == 1


def test_the_advice_names_where_a_password_may_be(capsys):
    """A file, or the environment."""
    main(["runs", "--metadata", f"mysql://ana:{SECRET}@db/runs"])
    printed = capsys.readouterr().err
    for place in ("--metadata-password-file", f"${PASSWORD_FILE}", f"${PASSWORD}"):
        assert place in printed


def test_the_password_comes_from_a_file_before_the_environment(tmp_path):
    """The setting's file, the environment's, then the environment; its last line's end is none."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("first word \n")
    two.write_text("second\r\n")
    variables = {PASSWORD: "third"}
    sqlite = tmp_path / "metadata.db"
    assert find_address(URL, "", sqlite, variables).password == "third"
    variables[PASSWORD_FILE] = str(two)
    assert find_address(URL, "", sqlite, variables).password == "second"
    assert find_address(URL, str(one), sqlite, variables).password == "first word "
    assert find_address(URL, "", sqlite, {}).password == ""
    assert find_address("", "", sqlite, variables) == SqliteFile(sqlite)
    with pytest.raises(ConfigurationError, match=r"`metadata_password_file`.*No such file"):
        find_address(URL, str(tmp_path / "none"), sqlite, variables)


def test_a_database_shows_its_password_nowhere():
    """Not where it is printed, nor in what TFX is given, which it logs and compiles."""
    database = find_address(URL, "", Path("metadata.db"), {PASSWORD: SECRET})
    assert database.password == SECRET
    for text in (repr(database), str(database), str(database.connection_config())):
        assert "runs" in text
        assert SECRET not in text
    assert SECRET.encode() not in database.connection_config().SerializeToString()
    assert pickle.loads(pickle.dumps(database)) == database


def test_where_metadata_is_changes_no_outcome():
    """It is none of the settings that a run records of itself, and that two runs differ by."""
    config = PipelineConfig(metadata=URL, metadata_password_file="/run/secret")
    assert chosen_settings(config) == {"seed": config.seed}


def test_an_sqlite_file_is_opened_as_asked(tmp_path):
    """For reading, for writing, or so that it is made; artifacts are relative to its folder."""
    file = SqliteFile(tmp_path / "metadata.db")
    modes = file.connection_config().sqlite
    assert file.connection_config(can_create=False, can_write=False).sqlite.connection_mode == (
        modes.READONLY
    )
    assert file.connection_config(can_create=False).sqlite.connection_mode == modes.READWRITE
    assert modes.connection_mode == modes.READWRITE_OPENCREATE
    assert file.place("pipelines/a") == tmp_path / "pipelines/a"
