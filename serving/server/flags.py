"""TF-Serving's flags, spelled with underscores or dashes, and a few of our own."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

from serving.printable import printable

TFLITE_IS_NOT_SERVED = (
    "--prefer_tflite_model: the embedded server does not serve TFLite models; without the flag it "
    "serves a version's saved_model.pb. Leave the flag out, or serve with "
    "--engine binary, TF-Serving itself"
)


def _flag(default: Any, help: str, kind: type | None = None) -> Any:
    return field(default=default, metadata={"help": help, "kind": kind or type(default)})


def _default_threads() -> int:
    return 4 * len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Flags:
    """The command line. Each field is a flag of the same name."""

    port: int = _flag(8500, "gRPC port; 0 opens none")
    grpc_socket_path: str = _flag(
        "", "path of a Unix socket for gRPC to listen at as well; with --port=0, there alone"
    )
    rest_api_port: int = _flag(
        8501, "REST port; 0 opens none. TF-Serving's binary has 0 here, its Docker image 8501"
    )
    host: str = _flag(
        "127.0.0.1",
        "address to listen on. Not a flag of TF-Serving, which listens on all of them: say "
        "0.0.0.0 to do so too",
    )
    model_name: str = _flag("default", "name of the model under --model_base_path")
    model_base_path: str = _flag("", "folder of the model's version folders; absolute")
    model_config_file: str = _flag(
        "", "text proto ModelServerConfig: several models, policies, labels"
    )
    model_config_file_poll_wait_seconds: float = _flag(
        0, "read --model_config_file again every so many seconds; 0 reads it once", float
    )
    file_system_poll_wait_seconds: float = _flag(
        1, "look for versions every so many seconds; 0 looks once, below 0 never again", float
    )
    max_num_load_retries: int = _flag(5, "attempts after a first one that failed to load a version")
    load_retry_interval_micros: int = _flag(
        1_000_000,
        "microseconds between two attempts. TF-Serving waits 60 s, and delays all versions of all "
        "models",
    )
    num_load_threads: int = _flag(
        1,
        "loads at a time. TF-Serving's 0 loads in the thread that manages all versions, so that "
        "one broken version delays every change for minutes; here 0 means 1, and no attempt "
        "delays another version",
    )
    enable_batching: bool = _flag(False, "join requests that come together into one run")
    batching_parameters_file: str = _flag(
        "", "text proto BatchingParameters; needs --enable_batching"
    )
    enable_per_model_batching_parameters: bool = _flag(
        False,
        "join a version's requests as its own batching_params.pbtxt says, and not at all without "
        "one; only the threads come from --batching_parameters_file. Needs --enable_batching",
    )
    monitoring_config_file: str = _flag("", "text proto MonitoringConfig; without it, no metrics")
    enable_model_warmup: bool = _flag(
        True, "replay assets.extra/tf_serving_warmup_requests before a version serves"
    )
    num_request_iterations_for_warmup: int = _flag(1, "how often each warm-up request is replayed")
    rest_api_timeout_in_ms: int = _flag(
        30_000, "time limit for the answer to a REST request, from its last byte on"
    )
    rest_api_num_threads: int = _flag(0, "REST requests at a time; 0: four for each processor")
    rest_api_enable_cors_support: bool = _flag(False, "let other origins' pages call REST")
    rest_api_receive_timeout_in_ms: int = _flag(
        60_000, "time limit for a REST request to arrive whole. TF-Serving has none"
    )
    rest_api_send_timeout_in_ms: int = _flag(
        60_000,
        "time limit for a client that reads nothing of its answer; of gRPC's large answers too. "
        "TF-Serving has none",
    )
    rest_api_max_body_bytes: int = _flag(
        64 * 2**20, "largest body of a REST request. TF-Serving has no limit"
    )
    rest_api_max_unzipped_bytes: int = _flag(
        100 * 2**20, "largest body once it is unzipped; TF-Serving's own limit, which is no flag"
    )
    rest_api_max_connections: int = _flag(
        1000,
        "REST connections at a time; one more takes the place of the one that has been idle for "
        "the longest time, or gets 503. TF-Serving has no limit",
    )
    grpc_max_threads: int = _flag(
        0,
        "gRPC requests at a time; 0: four for each processor, 16 at least (64 for the engines "
        "binary and docker, which refuse more of them)",
    )
    grpc_max_message_bytes: int = _flag(
        64 * 2**20,
        "largest gRPC request; a larger one is refused by gRPC itself, RESOURCE_EXHAUSTED "
        "'Received message larger than max'. TF-Serving takes 2147483647",
    )
    grpc_max_concurrent_rpcs: int = _flag(
        1024,
        "gRPC requests that run or wait; one more is refused by gRPC itself, RESOURCE_EXHAUSTED "
        "'Concurrent RPC limit exceeded!'. TF-Serving has no limit",
    )
    grpc_max_connections: int = _flag(
        1000,
        "gRPC connections at a time; one more is closed by gRPC itself, UNAVAILABLE at the client. "
        "TF-Serving has no limit",
    )
    grpc_max_streams_per_connection: int = _flag(
        128,
        "gRPC requests of one connection at a time; others wait at the client. TF-Serving has no "
        "limit",
    )
    grpc_channel_arguments: str = _flag("", "key=value, comma separated")
    max_rows_per_request: int = _flag(
        16_384, "rows of a request, of any of its inputs; 0: any number, as in TF-Serving"
    )
    max_string_bytes: int = _flag(
        2**20,
        "length of one string, such as a text; 0: any length, as in TF-Serving. An operation on it "
        "cannot be stopped, and delays other requests",
    )
    max_rows_per_run: int = _flag(
        64,
        "rows that run at once: requests of more texts, or serialized tf.Examples, run in slices, "
        "as a model's tensors are far larger than the text, and small requests wait for a run to "
        "end; fewer where a row's outputs are large, as traces of many classes are. 0 for a model "
        "whose rows depend on each other: requests run whole, as in TF-Serving",
    )
    max_filled_bytes: int = _flag(
        16 * 2**20,
        "bytes of a tensor that is sent with fewer values than its shape has, or of a context that "
        "goes before each tf.Example. TF-Serving has no limit",
    )
    max_values_per_message: int = _flag(
        2**22,
        "values in a JSON body, numbers in a gRPC tensor's lists, and values in an answer, where "
        "64 bytes of a string count as a further one; 0: any number, as in TF-Serving",
    )
    max_fields_per_message: int = _flag(
        2**20,
        "fields of a gRPC request, as are each string, tf.Example and feature. Decoding cannot be "
        "stopped, and delays other requests. 0: any number, as in TF-Serving",
    )
    max_bytes_in_flight: int = _flag(
        512 * 2**20,
        "bytes that all requests in progress hold together, on both ports, with what bodies unzip "
        "to, what many strings become, and answers that are not read yet. A further request gets "
        "UNAVAILABLE; the last eighth is kept for small ones. TF-Serving has no limit",
    )
    allow_version_labels_for_unavailable_models: bool = _flag(
        False, "new labels may name a version that is not loaded"
    )
    force_allow_any_version_labels_for_unavailable_models: bool = _flag(
        False, "any label may name a version that is not loaded"
    )
    enable_grpc_healthcheck_service: bool = _flag(False, "serve grpc.health.v1")
    enable_signature_method_name_check: bool = _flag(False, "check a signature's method_name")
    enable_serialization_as_tensor_content: bool = _flag(
        False, "answer gRPC with tensor_content instead of typed fields"
    )
    prefer_tflite_model: bool = _flag(
        False, "not supported: the server refuses to start. TF-Serving serves model.tflite"
    )
    enable_profiler: bool = _flag(
        True,
        "TF-Serving's ProfilerService. The embedded server has none, whatever this says: from "
        "Python, TensorFlow opens a profiler only at a port of its own, to all addresses. Profile "
        "with --engine binary",
    )
    ssl_config_file: str = _flag("", "text proto SSLConfig; TLS on both ports")
    saved_model_tags: str = _flag("serve", "tags of the graph, comma separated")
    tensorflow_session_parallelism: int = _flag(
        0, "threads of a session, intra and inter; 0: TensorFlow decides"
    )
    tensorflow_intra_op_parallelism: int = _flag(0, "threads of one operation; 0: automatic")
    tensorflow_inter_op_parallelism: int = _flag(0, "operations at a time; 0: automatic")
    page: bool = _flag(True, "serve a page to try the model at / (not a path of TF-Serving)")
    drain_seconds: float = _flag(
        10.0,
        "on SIGTERM, how long requests in progress may take. TF-Serving ends at once",
    )

    @property
    def rest_threads(self) -> int:
        """REST requests at a time."""
        return self.rest_api_num_threads or _default_threads()

    @property
    def grpc_threads(self) -> int:
        """gRPC requests at a time."""
        return self.grpc_max_threads or max(16, _default_threads())


def parse(arguments: Sequence[str] | None) -> tuple[Flags, list[str]]:
    """Reads a command line; also returns what it does not know, which TF-Serving ignores.

    Exits with 2 when a value cannot be used, with 0 after --help and --version.
    """
    parser = _Parser(
        prog="sentiment serve",
        usage="%(prog)s [--FLAG VALUE ...]",
        description="Serve SavedModels as TF-Serving does: the same calls, the same flags.",
        epilog="Booleans: --flag, --noflag, --flag=true or --flag=false. Dashes may stand for the "
        "underscores. Where a default differs from TF-Serving's, the flag says so.",
        allow_abbrev=False,
        formatter_class=_HelpFormatter,
    )
    add_version(parser)
    for one in fields(Flags):
        dashed = one.name.replace("_", "-")
        kind = one.metadata["kind"]
        options: dict[str, Any] = {"default": one.default, "dest": one.name}
        assert one.default is not MISSING
        names = list(dict.fromkeys((f"--{one.name}", f"--{dashed}")))
        text = f"{one.metadata['help']} (default: {_shown(one.default)})".replace("%", "%%")
        if kind is bool:
            parser.add_argument(
                *names, nargs="?", const=True, type=_boolean, metavar="BOOL", help=text, **options
            )
            off = dict.fromkeys((f"--no{one.name}", f"--no_{one.name}", f"--no-{dashed}"))
            parser.add_argument(
                *off,
                action="store_false",
                dest=one.name,
                help=argparse.SUPPRESS,
                default=one.default,
            )
        else:
            metavar = {int: "N", float: "SECONDS", str: "TEXT"}[kind]
            parser.add_argument(*names, type=kind, metavar=metavar, help=text, **options)
    known, unknown = parser.parse_known_args(arguments)
    return Flags(**vars(known)), unknown


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds --version, which shows the versions of what serves."""
    parser.add_argument(
        "--version",
        action=_Versions,
        nargs=0,
        default=argparse.SUPPRESS,
        help="show versions and exit",
    )


class _HelpFormatter(argparse.HelpFormatter):
    """Shows one spelling of each flag; the others are described at the end."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        names = action.option_strings
        once = names[:1] if names[0].startswith("--") else names
        return f"{', '.join(once)} {self._format_args(action, action.metavar or '')}".rstrip()  # type: ignore[arg-type]


class _Parser(argparse.ArgumentParser):
    """Prints an error on one line, with control characters escaped."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {printable(message)}. See `{self.prog} --help`.\n")


class _Versions(argparse.Action):
    """Prints the versions of the server and its libraries, without importing them."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        for name, package in (
            ("sentiment, embedded ModelServer", "sentiment"),
            ("TensorFlow Library", "tensorflow"),
            ("TensorFlow Serving API", "tensorflow-serving-api"),
        ):
            try:
                found = version(package)
            except PackageNotFoundError:
                found = "not installed"
            print(f"{name}: {found}")
        parser.exit()


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return values[text.lower()]


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return "none" if default == "" else f"{default}"
