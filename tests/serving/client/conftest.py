"""Servers and ways to ask them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serving.client import AsyncClient, Client
from tests.serving.client.backend import Backend
from tests.serving.client.grpc_server import grpc_server
from tests.serving.client.rest_server import rest_server

SERVERS = {"grpc": grpc_server, "rest": rest_server}


@pytest.fixture
def backend() -> Backend:
    """What the server of this test knows and does."""
    return Backend()


@pytest.fixture(params=list(SERVERS))
def address(request: pytest.FixtureRequest, backend: Backend) -> Iterator[str]:
    """The address of a server, by gRPC and by REST."""
    with SERVERS[request.param](backend) as address:
        yield address


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes a client, and calls one of its methods: `call("predict", texts, address=...)`."""

    def call_sync(method: str, *arguments: Any, timeout: float | None = None, **options: Any):
        keywords = {} if timeout is None else {"timeout": timeout}
        with Client(**options) as client:
            return getattr(client, method)(*arguments, **keywords)

    async def call_async(method: str, *arguments: Any, timeout: float | None = None, **options):
        keywords = {} if timeout is None else {"timeout": timeout}
        async with AsyncClient(**options) as client:
            return await getattr(client, method)(*arguments, **keywords)

    if request.param == "sync":
        return call_sync
    return lambda *arguments, **options: asyncio.run(call_async(*arguments, **options))


@pytest.fixture
def grpc_address(backend: Backend) -> Iterator[str]:
    """The address of a gRPC server."""
    with grpc_server(backend) as address:
        yield address


@pytest.fixture
def rest_address(backend: Backend) -> Iterator[str]:
    """The address of a REST server."""
    with rest_server(backend) as address:
        yield address
