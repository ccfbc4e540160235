"""The same tests against each engine that is there; `test_engines` says which are not, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ..calling import Stubs
from . import engines

_STARTS = {"binary": engines.start_binary, "docker": engines.start_docker}
_THERE = [name for name in engines.NAMES if engines.why_not(name) is None]


@pytest.fixture(scope="session", params=_THERE)
def engine(request, model_directory, server_flags) -> Iterator[engines.Engine]:
    """A server of all the models, with what `server_flags` says."""
    if request.param == "embedded":
        yield engines.Embedded(request.getfixturevalue("server"))
        return
    flags = [f"--{name}={str(value).lower() if value is True else value}"
             for name, value in server_flags.items()]  # fmt: skip
    started = _STARTS[request.param](model_directory, flags)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def rest(engine) -> int:
    """The port of REST."""
    return engine.rest_port


@pytest.fixture(scope="session")
def stubs(engine) -> Stubs:
    """The stubs of gRPC."""
    return Stubs(engine.grpc_port)


@pytest.fixture
def spelt(engine) -> Callable[[str], str]:
    """How an error's text is compared."""
    return engine.spelt


@pytest.fixture
def since_2_18(engine) -> None:
    """For what older versions do otherwise: their JSON parser reads and echoes the whole body."""
    if engine.version < (2, 18):
        pytest.skip(f"TF-Serving {'.'.join(map(str, engine.version))} parses JSON otherwise")
