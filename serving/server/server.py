"""Puts the parts of the server together: models, handlers, gRPC and REST."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc
import tensorflow as tf
from tensorflow_serving.config import model_server_config_pb2

from serving.server import memory, model_config, ports, tls, unix_socket
from serving.server.admission import Budget, Gate
from serving.server.batching import BatchScheduler
from serving.server.batching_parameters import BatchingParameters
from serving.server.flags import TFLITE_IS_NOT_SERVED, Flags
from serving.server.grpc.edge import GrpcLimits, make_server
from serving.server.handlers import Handlers
from serving.server.inference import Inference
from serving.server.loading import Loader
from serving.server.metrics import DEFAULT_PATH, Metrics
from serving.server.model_manager import ModelManager, VersionSettings
from serving.server.rest.api import RestApi, RestLimits
from serving.server.rest.edge import RestServer
from serving.server.servables import Servables
from serving.server.slicing import RunLimits
from serving.server.tensors import TensorLimits
from serving.server.text_protos import (
    BatchingParameters as BatchingParametersMessage,
)
from serving.server.text_protos import MonitoringConfig, read_text_proto
from serving.status import StatusError, invalid_argument

NamedAfterFlags = TypeVar("NamedAfterFlags", TensorLimits, RunLimits)

_LOG = logging.getLogger(__name__)


class Server:
    """The embedded server.

    Attributes:
      grpc_port: The port of gRPC once started; None without gRPC.
      rest_port: The port of REST once started; None without REST.
      metrics: What is counted.
      servables: The versions that answer requests.
      manager: What loads and unloads them.
      handlers: What both edges call.
    """

    def __init__(self, flags: Flags):
        """Reads the files that the flags name.

        Raises:
          StatusError: A flag, or a file, cannot be used.
        """
        self._flags = flags
        self.grpc_port: int | None = None
        self.rest_port: int | None = None
        self.metrics = Metrics()
        if flags.prefer_tflite_model:
            raise invalid_argument(TFLITE_IS_NOT_SERVED)
        if problem := flags.grpc_socket_path and unix_socket.problem_of(flags.grpc_socket_path):
            raise invalid_argument(f"--grpc_socket_path {flags.grpc_socket_path}: {problem}")
        self._config = _read_models(flags)
        self._tls = tls.read(flags.ssl_config_file) if flags.ssl_config_file else None
        self._scheduler = _make_scheduler(flags, self.metrics)
        # Reading one holds Python's interpreter lock, so several at a time gain nothing.
        self._documents = Gate(1)
        inference = Inference(
            self.metrics,
            check_method_name=flags.enable_signature_method_name_check,
            as_tensor_content=flags.enable_serialization_as_tensor_content,
            tensor_limits=_limits(TensorLimits, flags),
            documents=self._documents,
        )
        loader = Loader(
            self.metrics,
            inference,
            session_config=_session_config(flags),
            tags=tuple(flags.saved_model_tags.split(",")),
            scheduler=self._scheduler,
            is_batched_by_model=flags.enable_per_model_batching_parameters,
            is_warmed_up=flags.enable_model_warmup,
            warmup_iterations=flags.num_request_iterations_for_warmup,
            limits=_limits(RunLimits, flags),
        )
        self.servables = Servables()
        self.manager = ModelManager(loader, self.servables, _version_settings(flags))
        self.handlers = Handlers(self.servables, inference, self.manager, self.metrics)
        self._budget = Budget(flags.max_bytes_in_flight)
        self._metrics_path = _read_metrics_path(flags.monitoring_config_file)
        self._grpc: grpc.Server | None = None
        self._rest: RestServer | None = None
        self._is_stopping = threading.Event()

    def start(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Loads the models and then opens the ports, as TF-Serving does.

        Waits for a model without versions, without limit. A port that is taken fails at once,
        before the models are loaded; nobody can connect to it until they are.

        Args:
          is_wanted: Called while waiting; returning False ends the wait.

        Raises:
          StatusError: A model cannot be loaded, or `is_wanted` returned False.
          OSError: A port cannot be opened.
        """
        with contextlib.ExitStack() as bound:
            grpc_sockets = self._bind("gRPC", "--port", bound)
            rest_sockets = self._bind("REST", "--rest_api_port", bound)
            _LOG.info("Loading %s", model_config.describe(self._config))
            self.manager.start()
            self.manager.configure(self._config, is_wanted)
            # Imported modules stay: the garbage collector need not visit them after each unload.
            gc.collect()
            gc.freeze()
            memory.give_back()
            # gRPC takes an address, not a socket.
            for one in grpc_sockets:
                one.close()
            self._open_grpc()
            self._open_rest(rest_sockets)
            bound.pop_all()
        if self._flags.model_config_file and self._flags.model_config_file_poll_wait_seconds > 0:
            threading.Thread(target=self._follow_config, name="config", daemon=True).start()

    @property
    def description(self) -> str:
        """One line for whoever started the server: what is served, and where."""
        host = self._flags.host
        places = []
        if self.grpc_port:
            places.append(f"gRPC at {host}:{self.grpc_port}")
        if self._flags.grpc_socket_path:
            places.append(f"gRPC at unix:{self._flags.grpc_socket_path}")
        if self.rest_port:
            rest = f"{'https' if self._tls else 'http'}://{host}:{self.rest_port}"
            places.append(f"REST at {rest}")
            if self._flags.page:
                places.append(f"a page to try it at {rest}/")
        models = ", ".join(
            f"{model.name} from {model.base_path}"
            for model in self._config.model_config_list.config
        )
        return f"Serving {models}: {', '.join(places) or 'no port is open'}"

    def stop(self, grace: float = 0.0) -> None:
        """Closes the ports; requests in progress have `grace` seconds to end.

        May be called again.
        """
        self._is_stopping.set()
        grpc_server, self._grpc = self._grpc, None
        rest_server, self._rest = self._rest, None
        with ThreadPoolExecutor(2) as pool:
            if grpc_server is not None:
                pool.submit(grpc_server.stop(grace).wait)
            if rest_server is not None:
                pool.submit(rest_server.stop, grace)
        self.manager.stop()
        if self._scheduler is not None:
            self._scheduler.stop()

    def _bind(self, what: str, flag: str, bound: contextlib.ExitStack) -> list[socket.socket]:
        """Binds the port of a flag; returns no sockets where no port is to be opened."""
        flags = self._flags
        port = {"--port": flags.port, "--rest_api_port": flags.rest_api_port}[flag]
        if not port or (flag == "--rest_api_port" and port == flags.port > 0):
            return []
        try:
            sockets = ports.bind(flags.host, max(port, 0))
        except (OSError, OverflowError) as error:
            raise _port_taken(what, f"{flags.host}:{port}", flag) from error
        for one in sockets:
            bound.callback(one.close)
        return sockets

    def _open_grpc(self) -> None:
        flags = self._flags
        if not flags.port and not flags.grpc_socket_path:
            return
        server = make_server(
            self.handlers,
            self.metrics,
            budget=self._budget,
            documents=self._documents,
            max_threads=flags.grpc_threads,
            with_health=flags.enable_grpc_healthcheck_service,
            limits=GrpcLimits(
                max_message_bytes=flags.grpc_max_message_bytes,
                max_concurrent_rpcs=flags.grpc_max_concurrent_rpcs,
                max_connections=flags.grpc_max_connections,
                max_streams_per_connection=flags.grpc_max_streams_per_connection,
                send_timeout=flags.rest_api_send_timeout_in_ms / 1e3,
                max_values_per_message=flags.max_values_per_message,
                max_fields_per_message=flags.max_fields_per_message,
            ),
            channel_arguments=_channel_arguments(flags.grpc_channel_arguments),
        )
        if flags.port:
            self.grpc_port = self._add_grpc_port(server)
        if flags.grpc_socket_path:
            credentials = self._tls.grpc if self._tls else None
            unix_socket.listen(server, flags.grpc_socket_path, credentials)
        server.start()
        self._grpc = server
        if self.grpc_port:
            _LOG.info("Running gRPC ModelServer at %s:%d ...", flags.host, self.grpc_port)
        if flags.grpc_socket_path:
            _LOG.info("Running gRPC ModelServer at UNIX socket unix:%s ...", flags.grpc_socket_path)

    def _add_grpc_port(self, server: grpc.Server) -> int:
        address = f"{self._flags.host}:{max(self._flags.port, 0)}"
        try:
            if self._tls:
                port = server.add_secure_port(address, self._tls.grpc)
            else:
                port = server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        if not port:
            raise _port_taken("gRPC", address, "--port")
        return port

    def _open_rest(self, sockets: Sequence[socket.socket]) -> None:
        flags = self._flags
        if not flags.rest_api_port:
            return
        if flags.rest_api_port == flags.port and flags.port > 0:
            _LOG.error(
                "--rest_api_port cannot be same as --port. Please use a different port for "
                "HTTP/REST API. Skipped exporting HTTP/REST API."
            )
            return
        rest = RestServer(
            RestApi(
                self.handlers,
                self.metrics,
                timeout=flags.rest_api_timeout_in_ms / 1e3,
                limits=RestLimits(flags.rest_api_max_unzipped_bytes, flags.max_values_per_message),
                documents=self._documents,
                metrics_path=self._metrics_path,
                with_cors=flags.rest_api_enable_cors_support,
                with_page=flags.page,
            ),
            num_threads=flags.rest_threads,
            receive_timeout=flags.rest_api_receive_timeout_in_ms / 1e3,
            send_timeout=flags.rest_api_send_timeout_in_ms / 1e3,
            max_body_bytes=flags.rest_api_max_body_bytes,
            max_connections=flags.rest_api_max_connections,
            budget=self._budget,
            ssl_context=self._tls.rest if self._tls else None,
        )
        try:
            rest.start(sockets)
        except OSError as error:
            address = f"{flags.host}:{flags.rest_api_port}"
            raise _port_taken("REST", address, "--rest_api_port") from error
        self.rest_port = sockets[0].getsockname()[1]
        self._rest = rest
        scheme = "https" if self._tls else "http"
        _LOG.info("Exporting HTTP/REST API at %s://%s:%d ...", scheme, flags.host, self.rest_port)

    def _follow_config(self) -> None:
        path, said = self._flags.model_config_file, ""
        while not self._is_stopping.wait(self._flags.model_config_file_poll_wait_seconds):
            try:
                config = model_config.read_file(path)
                if config != self._config:
                    self.manager.configure(config, lambda: not self._is_stopping.is_set())
                    self._config = config
                    _LOG.info("Loading %s", model_config.describe(config))
                said = ""
            except StatusError as error:
                if str(error) != said:
                    _LOG.error("%s was not applied: %s", path, error)
                said = str(error)


def _read_models(flags: Flags) -> model_server_config_pb2.ModelServerConfig:
    if flags.model_config_file:
        return model_config.read_file(flags.model_config_file)
    if not flags.model_base_path:
        raise invalid_argument(
            "no model is named. Say --model_name=<name> --model_base_path=<absolute folder>, or "
            "--model_config_file=<file>"
        )
    return model_config.single_model(flags.model_name, flags.model_base_path)


def _make_scheduler(flags: Flags, metrics: Metrics) -> BatchScheduler | None:
    if flags.batching_parameters_file and not flags.enable_batching:
        raise invalid_argument(
            "--batching_parameters_file is set, and --enable_batching is not. Set both, or none"
        )
    if not flags.enable_batching:
        return None
    message = BatchingParametersMessage()
    if flags.batching_parameters_file:
        read_text_proto(flags.batching_parameters_file, message)
    return BatchScheduler(BatchingParameters.of(message), metrics)


def _limits(kind: type[NamedAfterFlags], flags: Flags) -> NamedAfterFlags:
    """Returns limits as the flags of the same names say; one without a flag keeps its default."""
    names = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: getattr(flags, name) for name in names if hasattr(flags, name)})


def _version_settings(flags: Flags) -> VersionSettings:
    return VersionSettings(
        poll_wait_seconds=flags.file_system_poll_wait_seconds,
        max_num_load_retries=max(flags.max_num_load_retries, 0),
        load_retry_interval_seconds=flags.load_retry_interval_micros / 1e6,
        num_load_threads=flags.num_load_threads,
        allow_labels_for_unavailable=flags.allow_version_labels_for_unavailable_models,
        force_allow_labels=flags.force_allow_any_version_labels_for_unavailable_models,
    )


def _session_config(flags: Flags) -> tf.compat.v1.ConfigProto:
    both = flags.tensorflow_session_parallelism
    intra, inter = flags.tensorflow_intra_op_parallelism, flags.tensorflow_inter_op_parallelism
    if both and intra and inter:
        raise invalid_argument(
            "--tensorflow_session_parallelism stands for both --tensorflow_intra_op_parallelism "
            "and --tensorflow_inter_op_parallelism. Set it, or them"
        )
    return tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=intra or both, inter_op_parallelism_threads=inter or both
    )


def _read_metrics_path(path: str) -> str | None:
    if not path:
        return None
    config = read_text_proto(path, MonitoringConfig()).prometheus_config
    return (config.path or DEFAULT_PATH) if config.enable else None


def _channel_arguments(text: str) -> list[tuple[str, int | str]]:
    arguments: list[tuple[str, int | str]] = []
    for pair in filter(None, text.split(",")):
        key, _, value = pair.partition("=")
        arguments.append((key, int(value) if value.lstrip("-").isdecimal() else value))
    return arguments


def _port_taken(what: str, address: str, flag: str) -> OSError:
    return OSError(
        f"{what} cannot listen on {address}: the port is taken, or not allowed. Stop what listens "
        f"there, or choose another one by {flag} (below 0: any free one)"
    )
