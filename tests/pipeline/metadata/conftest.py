"""A MariaDB server for all tests of a process, and what opens a database of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from pipeline.metadata.address import MySqlDatabase, parse_url
from tests import mariadb


@pytest.fixture(scope="session")
def server() -> Iterator[mariadb.MariaDb]:
    """A server, which runs; a test that ends it starts it again."""
    if reason := mariadb.missing():
        pytest.skip(reason)
    running = mariadb.MariaDb()
    yield running
    running.stop()


@pytest.fixture
def database(server) -> MySqlDatabase:
    """A new, empty database."""
    return opened(server, server.new_database())


def opened(server: mariadb.MariaDb, name: str) -> MySqlDatabase:
    """Returns the address of a database, with the password."""
    return dataclasses.replace(parse_url(server.url(name)), password=mariadb.PASSWORD)
