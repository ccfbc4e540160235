"""The command lines of the real TF-Serving."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from components.errors import ConfigurationError
from serving.server.flags import Flags

ENGINES = ("auto", "embedded", "binary", "docker")
BINARY = "tensorflow_model_server"
IMAGE = "tensorflow/serving:2.16.1"

_ONLY_EMBEDDED = (
    "host",
    "page",
    "drain_seconds",
    "rest_api_receive_timeout_in_ms",
    "rest_api_max_body_bytes",
)
# TF-Serving's own defaults of these are other ones.
_ALWAYS_SAID = ("port", "rest_api_port", "load_retry_interval_micros", "num_load_threads")
_FILES = ("batching_parameters_file", "monitoring_config_file")


def only_embedded(flags: Flags) -> list[str]:
    """Returns the flags that were set and that TF-Serving does not have."""
    return [name for name in _ONLY_EMBEDDED if getattr(flags, name) != _default(name)]


def command(engine: str, flags: Flags, unknown: list[str]) -> list[str]:
    """Returns the command that starts TF-Serving: engine "binary" or "docker".

    TF-Serving's parser takes underscores and `=` alone, so each flag is spelt anew. The binary
    listens on every address of the machine; Docker's ports are published on loopback.

    Raises:
      ConfigurationError: A flag that TF-Serving, or the container, has no use for.
    """
    refused = only_embedded(flags)
    if engine == "docker":
        refused += [
            name for name in ("model_config_file", "ssl_config_file") if getattr(flags, name)
        ]
    if refused:
        raise ConfigurationError(
            f"--{refused[0].replace('_', '-')} does not work with --engine {engine}. Leave it out, "
            "or choose --engine embedded."
        )
    if engine == "binary":
        return [BINARY, *_spelt(flags), *unknown]
    name = flags.model_name
    mounts = [f"{flags.model_base_path}:/models/{name}:ro"]
    inside = {"port": 8500, "rest_api_port": 8501, "model_base_path": f"/models/{name}"}
    for file in _FILES:
        if getattr(flags, file):
            mounts.append(f"{Path(getattr(flags, file)).absolute()}:/config/{file}:ro")
            inside[file] = f"/config/{file}"
    return [
        "docker", "run", "--rm",
        "-p", f"127.0.0.1:{flags.port}:8500",
        "-p", f"127.0.0.1:{flags.rest_api_port}:8501",
        *(part for mount in mounts for part in ("-v", mount)),
        "-e", f"MODEL_NAME={name}",
        IMAGE, *_spelt(flags, inside), *unknown,
    ]  # fmt: skip


def _default(name: str) -> object:
    return next(field.default for field in fields(Flags) if field.name == name)


def _spelt(flags: Flags, instead: dict[str, object] | None = None) -> list[str]:
    """Returns `--name=value` of each flag that is not TF-Serving's default."""
    spelt = []
    for field in fields(Flags):
        value = getattr(flags, field.name)
        if value != field.default or field.name in _ALWAYS_SAID:
            value = (instead or {}).get(field.name, value)
            text = str(value).lower() if isinstance(value, bool) else value
            spelt.append(f"--{field.name}={text}")
    return spelt
