"""Which models are served: TF-Serving's ModelServerConfig, from flags or a file, checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving import folders
from serving.server.text_protos import read_text_proto
from serving.status import invalid_argument

PLATFORM = "tensorflow"


def single_model(name: str, base_path: str) -> model_server_config_pb2.ModelServerConfig:
    """Returns the configuration of one model, from flags."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


def read_file(path: str) -> model_server_config_pb2.ModelServerConfig:
    """Reads a ModelServerConfig as text."""
    return read_text_proto(path, model_server_config_pb2.ModelServerConfig())


def check(
    config: model_server_config_pb2.ModelServerConfig, platforms_now: Mapping[str, str]
) -> Iterable[model_server_config_pb2.ModelConfig]:
    """Returns the models of a configuration, with their platform filled in.

    Args:
      config: What is asked for.
      platforms_now: Platform by model of the configuration that it replaces.

    Raises:
      StatusError: INVALID_ARGUMENT, in TF-Serving's words.
    """
    models = []
    names = set()
    for listed in config.model_config_list.config:
        model = model_server_config_pb2.ModelConfig()
        model.CopyFrom(listed)
        if model.name in names:
            raise invalid_argument(
                f"Illegal to list model {model.name} multiple times in config list"
            )
        names.add(model.name)
        if not (os.path.isabs(model.base_path) or "://" in model.base_path):
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; got "
                f"base_path()={model.base_path}"
            )
        if problem := folders.missing_scheme(model.base_path):
            raise invalid_argument(f"Model {model.name}: {problem}; got {model.base_path}")
        _fill_platform(model)
        before = platforms_now.get(model.name, model.model_platform)
        if before != model.model_platform:
            raise invalid_argument(
                f"Illegal to change a model's platform. For model {model.name} platform was "
                f"{before} and new platform requested is {model.model_platform}"
            )
        if model.model_platform != PLATFORM:
            raise invalid_argument(
                f"Model {model.name} requests unsupported platform {model.model_platform}"
            )
        models.append(model)
    return models


def _fill_platform(model: model_server_config_pb2.ModelConfig) -> None:
    if model.model_platform:
        return
    if model.model_type == model_server_config_pb2.TENSORFLOW:
        model.model_platform = PLATFORM
        return
    raise invalid_argument(
        "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
        f"ModelServerConfig::model_platform, model name is {model.name}"
    )


def describe(config: model_server_config_pb2.ModelServerConfig) -> str:
    """Returns a configuration on one line, for the log."""
    return text_format.MessageToString(config, as_one_line=True)
