"""What opens a database of a MariaDB server."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.metadata.address import MySqlDatabase, parse_url
from tests import mariadb


@pytest.fixture
def database(server) -> MySqlDatabase:
    """A new, empty database."""
    return opened(server, server.new_database())


def opened(server: mariadb.MariaDb, name: str) -> MySqlDatabase:
    """Returns the address of a database, with the password."""
    return dataclasses.replace(parse_url(server.url(name)), password=mariadb.PASSWORD)
