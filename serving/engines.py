"""The servers (engines) that can serve a model, and the command line that starts each."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import fields, replace
from pathlib import Path

from serving import folders, start
from serving.server.flags import Flags

EMBEDDED, BINARY, DOCKER = "embedded", "binary", "docker"
ENGINES = ("auto", EMBEDDED, BINARY, DOCKER)
IMAGE = "tensorflow/serving:2.16.1"
PROGRAMS = {EMBEDDED: sys.executable, BINARY: "tensorflow_model_server", DOCKER: "docker"}

_ONLY_EMBEDDED = (
    "host",
    "page",
    "drain_seconds",
    "rest_api_receive_timeout_in_ms",
    "rest_api_send_timeout_in_ms",
    "rest_api_max_body_bytes",
    "rest_api_max_unzipped_bytes",
    "rest_api_max_connections",
    "grpc_max_message_bytes",
    "grpc_max_concurrent_rpcs",
    "grpc_max_connections",
    "grpc_max_streams_per_connection",
    "max_rows_per_request",
    "max_string_bytes",
    "max_rows_per_run",
    "max_filled_bytes",
    "max_values_per_message",
    "max_fields_per_message",
    "max_bytes_in_flight",
)
_NOT_EMBEDDED = ("prefer_tflite_model",)
# These files, and the files that they name, would have to be mounted as well.
_NOT_IN_DOCKER = ("model_config_file", "ssl_config_file", "grpc_socket_path")
# TF-Serving has other defaults for these.
_ALWAYS_SPELLED = ("port", "rest_api_port", "load_retry_interval_micros", "num_load_threads")
# TF-Serving refuses a request when no thread is free; by default it has four for each processor.
GRPC_THREADS = 64
_FILES = ("batching_parameters_file", "monitoring_config_file")


def is_installed(engine: str) -> bool:
    """Returns whether the engine's program is on PATH; not whether Docker's daemon runs."""
    return shutil.which(PROGRAMS[engine]) is not None


def identity(engine: str) -> str:
    """Returns what changes when another build of the engine's program is installed.

    Empty for an engine whose build is named by the code: the embedded server, a pinned image.
    """
    path = shutil.which(PROGRAMS[engine])
    if engine != BINARY or path is None:
        return ""
    status = os.stat(path)
    return f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}"


def unsupported(engine: str, flags: Flags) -> list[str]:
    """Returns the names of the flags that were set and that the engine does not have."""
    others = _NOT_EMBEDDED if engine == EMBEDDED else _ONLY_EMBEDDED
    refused = [name for name in others if getattr(flags, name) != _default(name)]
    if engine == DOCKER:
        refused += [name for name in _NOT_IN_DOCKER if getattr(flags, name)]
    return refused


def command(
    engine: str, flags: Flags, unknown: list[str] | None = None, container: str = ""
) -> list[str]:
    """Returns the command that starts an engine with flags that it supports.

    TF-Serving's parser only takes underscores and `=`, so each flag is written in this form. The
    binary listens on every address of the machine; Docker's ports are published on loopback.

    Args:
      engine: One of ENGINES but auto.
      flags: For which `unsupported` returns nothing.
      unknown: Flags that only the engine knows.
      container: The container's name; when empty, Docker chooses one.
    """
    more = unknown or []
    if engine != EMBEDDED and not flags.grpc_max_threads:
        flags = replace(flags, grpc_max_threads=GRPC_THREADS)
    if engine == EMBEDDED:
        server = start.command("serving.server.main", "-W", "ignore")
        return [*server, *_spelt(flags), *more]
    if engine == BINARY:
        return [PROGRAMS[BINARY], *_spelt(flags), *more]
    name = flags.model_name
    mounts: list[str] = []
    inside: dict[str, object] = {"port": 8500, "rest_api_port": 8501}
    if not folders.is_remote(flags.model_base_path):
        mounts.append(f"{flags.model_base_path}:/models/{name}:ro")
        inside["model_base_path"] = f"/models/{name}"
    for file in _FILES:
        if getattr(flags, file):
            mounts.append(f"{Path(getattr(flags, file)).absolute()}:/config/{file}:ro")
            inside[file] = f"/config/{file}"
    return [
        PROGRAMS[DOCKER], "run", "--rm",
        *(("--name", container) if container else ()),
        "-p", f"127.0.0.1:{flags.port}:8500",
        "-p", f"127.0.0.1:{flags.rest_api_port}:8501",
        *(part for mount in mounts for part in ("-v", mount)),
        "-e", f"MODEL_NAME={name}",
        IMAGE, *_spelt(flags, inside), *more,
    ]  # fmt: skip


def _default(name: str) -> object:
    return next(field.default for field in fields(Flags) if field.name == name)


def _spelt(flags: Flags, instead: dict[str, object] | None = None) -> list[str]:
    """Returns `--name=value` of each flag that is not TF-Serving's default."""
    spelt = []
    for field in fields(Flags):
        value = getattr(flags, field.name)
        if value != field.default or field.name in _ALWAYS_SPELLED:
            value = (instead or {}).get(field.name, value)
            text = str(value).lower() if isinstance(value, bool) else value
            spelt.append(f"--{field.name}={text}")
    return spelt
