"""A real server on free loopback ports, with small real models."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.server.flags import Flags
from serving.server.server import Server

from ..sharing import made_once
from . import models
from .calling import Stubs


@pytest.fixture(scope="session")
def model_directory(tmp_path_factory) -> Path:
    """Folders of versions, by model: half, echo, examples, two, types, slow."""

    def save(root: Path) -> None:
        models.save_half_plus(root / "half" / "1")
        models.save_half_plus(root / "half" / "00000123", constant=3.0)
        models.save_echo(root / "echo" / "1")
        models.save_examples(root / "examples" / "1")
        models.save_two_inputs(root / "two" / "1")
        models.save_types(root / "types" / "1")
        models.save_slow(root / "slow" / "1")

    return made_once(tmp_path_factory, "models", save)


@pytest.fixture(scope="session")
def thousand(tmp_path_factory) -> Path:
    """The base path of a model of 1,000 classes, `class 0` and so on, that reads 200 words."""

    def save(root: Path) -> None:
        names = [f"class {number}" for number in range(1_000)]
        words = {"a": {7: 9.0}, "b": {8: 4.0}}
        models.save_classes(root / "1", names, words, length=200)

    return made_once(tmp_path_factory, "thousand", save)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers; they end with the session at the latest."""
    started = []

    def start(**flags) -> Server:
        server = Server(Flags(**{"port": -1, "rest_api_port": -1, **flags}))
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def server_flags(model_directory, tmp_path_factory) -> dict[str, str | bool]:
    """What any TF-Serving may be told: all the models, two versions of `half`, metrics, health.

    Version 1 of `half` has the label `stable`.
    """
    more = {"half": 'model_version_policy { all {} } version_labels { key: "stable" value: 1 }'}
    folder = tmp_path_factory.mktemp("flags")
    models_config = folder / "models.config"
    models_config.write_text(
        "model_config_list {"
        + "".join(
            f'config {{ name: "{name}" base_path: "{model_directory / name}" '
            f'model_platform: "tensorflow" {more.get(name, "")} }}'
            for name in ("half", "echo", "examples", "two", "types", "slow")
        )
        + "}"
    )
    monitoring_config = folder / "monitoring.config"
    monitoring_config.write_text("prometheus_config { enable: true }")
    return {
        "model_config_file": str(models_config),
        "monitoring_config_file": str(monitoring_config),
        "allow_version_labels_for_unavailable_models": True,
        "enable_grpc_healthcheck_service": True,
    }


@pytest.fixture(scope="session")
def server(server_flags, serve) -> Server:
    """The embedded server of `server_flags`."""
    return serve(
        **server_flags,
        rest_api_max_body_bytes=128 * 2**20,
        grpc_max_message_bytes=128 * 2**20,
        max_string_bytes=128 * 2**20,
    )


@pytest.fixture(scope="session")
def rest(server) -> int:
    """The port of REST."""
    return server.rest_port


@pytest.fixture(scope="session")
def stubs(server) -> Stubs:
    """The stubs of gRPC."""
    return Stubs(server.grpc_port)


@pytest.fixture
def copy_version(model_directory) -> Callable[[str, Path], Path]:
    """Puts a version somewhere, all at once, as the Pusher does."""

    def copy(source: str, destination: Path) -> Path:
        destination.parent.mkdir(parents=True, exist_ok=True)
        incoming = destination.parent / f".incoming-{destination.name}"
        shutil.copytree(model_directory / source, incoming)
        incoming.rename(destination)
        return destination

    return copy
