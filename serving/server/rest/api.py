"""The REST API, without sockets: a request line and a body in, a status and a body out.

The router matches the raw target, query string included, as TF-Serving's does: no 405, no
redirects, no query parsing. A framework would add all three.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote_to_bytes

from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    regression_pb2,
)

from serving.server.admission import (
    BYTES_OF_VALUE,
    COUNTED_BYTES,
    LARGE_BYTES,
    LARGE_COUNT,
    Gate,
    Share,
)
from serving.server.handlers import Handlers
from serving.server.metrics import Metrics
from serving.server.rest import descriptions, page, requests, responses, unzipping
from serving.server.rest.example_list import fill_input
from serving.server.rest.json_size import count_values
from serving.server.rest.json_writer import error_body
from serving.server.valid_utf8 import valid_utf8
from serving.signature_names import SERVING_DEFAULT
from serving.status import HTTP_STATUS, StatusError, invalid_argument, resource_exhausted

JSON = "application/json"
HTML = "text/html"
_LIBEVENT_HTML = "text/html; charset=ISO-8859-1"

_API = re.compile(r"/v1/.*", re.IGNORECASE)
_SELECTOR = r"(?:(?:/versions/(?P<version>[0-9]+))|(?:/labels/(?P<label>[^/:]+)))?"
_POST = re.compile(
    rf"/v1/models/(?P<model>[^/:]+){_SELECTOR}:(?P<verb>classify|regress|predict)", re.IGNORECASE
)
_GET = re.compile(
    rf"/v1/models(?:/(?P<model>[^/:]+))?{_SELECTOR}(?:/(?P<verb>metadata))?", re.IGNORECASE
)
_VERBS = ("classify", "regress", "predict")
# RFC 3986: the characters of a path, a query and a fragment, as libevent checks them.
_CHARACTER = r"[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2}"
_MORE = rf"(?:{_CHARACTER}|\?)*"
_ORIGIN_FORM = re.compile(rf"(?:{_CHARACTER})*(?:\?{_MORE})?(?:#{_MORE})?")
_ABSOLUTE_FORM = re.compile(r"https?://[^/?#]*(?P<origin>.*)", re.IGNORECASE)
_KNOWN_METHODS = ("GET", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "HEAD")
_LARGEST_VERSION = 2**63 - 1
# Answers of more values than this are written one at a time.
_LARGE_ANSWER = 2**16


@dataclass(frozen=True)
class RestLimits:
    """What a body may hold; named after the flags.

    Attributes:
      max_unzipped_bytes: Of a body that came as gzip.
      max_values_per_message: JSON values; 0 is no limit.
    """

    max_unzipped_bytes: int = 100 * 2**20
    max_values_per_message: int = 2**22


DEFAULT_LIMITS = RestLimits()


@dataclass(frozen=True)
class Request:
    """What arrived. Header names are in lower case.

    Attributes:
      deadline: For the answer, by `time.monotonic`; None: the API's `timeout` from now on.
      share: The bytes that it holds of the budget; None: it is not counted.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | bytearray = b""
    deadline: float | None = None
    share: Share | None = None


@dataclass(frozen=True)
class Response:
    """What is sent back; the edge adds Date and Content-Length."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Sequence[tuple[str, str]] = ()
    closes: bool = False


def html_error(status: int) -> Response:
    """Returns libevent's error page, which TF-Serving sends for any path that is not its own."""
    reason = HTTPStatus(status).phrase
    text = (
        f"<HTML><HEAD>\n<TITLE>{status} {reason}</TITLE>\n</HEAD><BODY>\n<H1>{reason}</H1>\n"
        "</BODY></HTML>\n"
    )
    return Response(status, text.encode(), HTML, closes=True)


def json_error(status: int, message: str, *, closes: bool = False) -> Response:
    """Returns an error in TF-Serving's form."""
    body = error_body(message).encode("utf-8", "surrogateescape")
    return Response(status, body, closes=closes)


class RestApi:
    """Answers REST requests."""

    def __init__(
        self,
        handlers: Handlers,
        metrics: Metrics,
        *,
        timeout: float = 30.0,
        limits: RestLimits = DEFAULT_LIMITS,
        documents: Gate | None = None,
        metrics_path: str | None = None,
        with_cors: bool = False,
        with_page: bool = True,
    ):
        """Takes the handlers and the settings.

        Args:
          handlers: What answers about models.
          metrics: What counts.
          timeout: Seconds for an answer, from the request's last byte on.
          limits: Of what a body may hold.
          documents: The limit on large bodies that are read at a time; None: one at a time.
          metrics_path: Of the metrics page; None for none.
          with_cors: Whether other origins may ask.
          with_page: Whether `/` is a page to try the models.
        """
        self._handlers = handlers
        self._metrics = metrics
        self.timeout = timeout
        self._limits = limits
        self._documents = documents or Gate(1)
        self._metrics_path = metrics_path
        self._with_cors = with_cors
        self._page = page.read() if with_page else None

    def answer(self, request: Request) -> Response:
        """Answers one request, whatever it is."""
        try:
            return self._route(request)
        except Exception as error:  # no request may stop the server
            return json_error(500, f"{type(error).__name__}: {error}")

    def _route(self, request: Request) -> Response:
        if request.method not in _KNOWN_METHODS:
            return html_error(501)
        target = _origin_form(request.target)
        if target is None:
            return html_error(400)
        if target != request.target:
            request = replace(request, target=target)
        path, _, query = request.target.partition("?")
        if self._metrics_path and path == self._metrics_path:
            return self._answer_metrics(request.target, has_query=bool(query))
        if not _API.fullmatch(request.target):
            if self._page is not None and request.method in ("GET", "HEAD") and path == "/":
                body = page.fill(self._page, self._handlers.servables.available())
                return Response(200, body, f"{HTML}; charset=utf-8", page.HEADERS)
            return html_error(404)
        response = self._answer_api(request)
        if self._with_cors:
            response = replace(response, headers=_CORS_HEADERS)
        return response

    def _answer_metrics(self, target: str, *, has_query: bool) -> Response:
        if has_query:
            text = f"Unexpected path: {target}. Should be {self._metrics_path}"
            return Response(400, text.encode(), "text/plain")
        return Response(200, self._metrics.page().encode("utf-8", "replace"), "text/plain")

    def _answer_api(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            origin = request.headers.get("origin", "")
            is_known = "http://" in origin or "https://" in origin
            return Response(200 if is_known else 400, b"", _LIBEVENT_HTML)
        pattern = {"POST": _POST, "GET": _GET}.get(request.method)
        match = pattern.fullmatch(request.target) if pattern else None
        if not match or (request.method == "POST" and match["verb"] not in _VERBS):
            return json_error(400, f"Malformed request: {request.method} {request.target}")
        if match["version"] and _version(match["version"]) is None:
            return Response(400)
        return self._answer_model(request, match)

    def _answer_model(self, request: Request, match: re.Match[str]) -> Response:
        started = time.perf_counter()
        verb = match["verb"] or ""
        model = _decoded(match["model"])
        try:
            if not model:
                raise invalid_argument("Missing model name in request.")
            spec = model_pb2.ModelSpec(name=model)
            if match["version"]:
                spec.version.value = _version(match["version"])
            elif match["label"]:
                spec.version_label = _decoded(match["label"])
            text = self._answer_verb(verb, spec, request)
        except StatusError as error:
            self._metrics.count_request(model, error.code.name)
            return json_error(HTTP_STATUS[error.code], error.message)
        elapsed = (time.perf_counter() - started) * 1e6
        self._metrics.count_request(model, "OK")
        self._metrics.request_latency.add(
            elapsed, model, verb if request.method == "POST" else "", "REST"
        )
        return Response(200, text.encode("utf-8", "surrogateescape"))

    def _answer_verb(self, verb: str, spec: model_pb2.ModelSpec, request: Request) -> str:
        if request.method == "GET":
            # The path is matched in any case, and then compared: `METADATA` asks for the status.
            if verb != "metadata":
                asked = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
                return descriptions.write_status(self._handlers.status(asked))
            asked_all = get_model_metadata_pb2.GetModelMetadataRequest(
                model_spec=spec, metadata_field=["signature_def"]
            )
            return descriptions.write_metadata(self._handlers.metadata(asked_all))
        answer = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
        deadline = time.monotonic() + self.timeout if request.deadline is None else request.deadline
        return answer[verb](spec, request, deadline)

    def _predict(self, spec: model_pb2.ModelSpec, request: Request, deadline: float) -> str:
        inference = self._handlers.inference
        with contextlib.ExitStack() as stack:
            with self._reading(request, deadline) as body:
                asked = requests.read_predict_body(body, deadline)
                del body
                servable = stack.enter_context(self._handlers.servables.acquire(spec))
                name = asked.signature_name or SERVING_DEFAULT
                signature = servable.signatures.get(name)
                if signature is None:
                    raise invalid_argument(
                        f'Serving signature name: "{name}" not found in signature def'
                    )
                arrays, are_rows = requests.read_inputs(
                    asked.document, signature.input_types, asked.signature_name
                )
                del asked
            inference.check_arrays(signature, arrays)
            outputs = inference.run(servable, signature, arrays, (), _left(deadline))
            del arrays
        if not outputs:
            raise invalid_argument("Cannot convert empty tensor map to JSON")
        write = responses.write_rows if are_rows else responses.write_columns
        is_large = sum(array.size for array in outputs.values()) > _LARGE_ANSWER
        with self._documents.turn(deadline) if is_large else contextlib.nullcontext():
            return write(outputs)

    def _classify(self, spec: model_pb2.ModelSpec, request: Request, deadline: float) -> str:
        asked = classification_pb2.ClassificationRequest(model_spec=spec)
        self._read_examples(asked, request, deadline)
        result = self._handlers.classify(asked, _left(deadline)).result
        return responses.write_classifications(
            [[(one.label, one.score) for one in row.classes] for row in result.classifications]
        )

    def _regress(self, spec: model_pb2.ModelSpec, request: Request, deadline: float) -> str:
        asked = regression_pb2.RegressionRequest(model_spec=spec)
        self._read_examples(asked, request, deadline)
        result = self._handlers.regress(asked, _left(deadline)).result
        return responses.write_regressions(one.value for one in result.regressions)

    def _read_examples(
        self,
        into: classification_pb2.ClassificationRequest | regression_pb2.RegressionRequest,
        request: Request,
        deadline: float,
    ) -> None:
        with self._reading(request, deadline) as body:
            asked = requests.read_examples_body(body, deadline)
            into.model_spec.signature_name = valid_utf8(asked.signature_name)
            fill_input(asked, into.input)

    @contextlib.contextmanager
    def _reading(self, request: Request, deadline: float) -> Iterator[bytes | bytearray]:
        """Yields the unzipped body; a large one once it is its turn, which ends with the block.

        Raises:
          StatusError: It is not gzip, or more than the limits allow.
        """
        is_zipped = "gzip" in request.headers.get("content-encoding", "").lower()
        body: bytes | bytearray | None = None
        if not is_zipped:
            body = request.body
        elif len(request.body) <= LARGE_BYTES:
            body = unzipping.unzip(request.body, LARGE_BYTES)
        is_short = body is not None and len(body) <= LARGE_BYTES
        if is_short and not _has_many_values(cast(bytes, body)):
            yield cast(bytes, body)
            return
        with self._documents.turn(deadline):
            if body is None:
                body = self._unzip(request)
            values = count_values(body, self._limits.max_values_per_message or len(body))
            if 0 < self._limits.max_values_per_message < values:
                raise resource_exhausted(
                    f"The body holds {values} values or more; at most "
                    f"{self._limits.max_values_per_message} are taken at a time "
                    "(--max_values_per_message). Send fewer rows"
                )
            if values > LARGE_COUNT and request.share is not None:
                request.share.grow(values * BYTES_OF_VALUE)
            yield body

    def _unzip(self, request: Request) -> bytes:
        body = unzipping.unzip(request.body, self._limits.max_unzipped_bytes)
        if body is None:
            raise invalid_argument(
                f"The body is larger than {self._limits.max_unzipped_bytes} bytes once unzipped "
                "(--rest_api_max_unzipped_bytes). Send fewer rows"
            )
        if request.share is not None:
            request.share.grow(len(body))
        return body


_CORS_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "POST, GET"),
    ("Access-Control-Allow-Headers", "Content-Type"),
)


def _has_many_values(body: bytes | bytearray) -> bool:
    return len(body) > COUNTED_BYTES and count_values(body, LARGE_COUNT) > LARGE_COUNT


def _origin_form(target: str) -> str | None:
    """Returns a request's target from its path on; None if that is no part of a URI.

    A proxy's clients send the absolute form, `http://host/path` (RFC 9112, 3.2.2).
    """
    if absolute := _ABSOLUTE_FORM.fullmatch(target):
        origin = absolute["origin"]
        target = origin if origin.startswith("/") else f"/{origin}"
    return target if _ORIGIN_FORM.fullmatch(target) else None


def _version(digits: str) -> int | None:
    """Returns a version's number; None beyond int64. int() refuses some thousands of digits."""
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(_LARGEST_VERSION)) or int(significant) > _LARGEST_VERSION:
        return None
    return int(significant)


def _left(deadline: float) -> float:
    return deadline - time.monotonic()


def _decoded(part: str | None) -> str:
    return unquote_to_bytes(part or "").decode("utf-8", "replace")
