"""The calls of a client, without input or output: the part that `Client` and `AsyncClient` share.

A call is a generator of steps. The client carries out each step, sends the response (or throws the
error) into the generator, and returns the generator's return value. So `Client` and `AsyncClient`
only differ in how they carry out the two kinds of step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from serving.client.messages import (
    ClassifyRequest,
    Metadata,
    MetadataRequest,
    Model,
    PredictRequest,
    PredictResponse,
    Request,
    StatusRequest,
    VersionStatus,
)
from serving.client.reading import Reader
from serving.client.results import Trace
from serving.client.settings import Settings, timeout_problem
from serving.errors import (
    ClientSetupError,
    DeadlineExceededError,
    InvalidInputError,
    InvalidRequestError,
    ModelNotFoundError,
    NotReadyError,
    ServerBusyError,
    ServingError,
    UnavailableError,
)
from serving.predictions import Classification, Prediction
from serving.signature_names import CLASSIFY, PREDICT_TEXT, SERVING_DEFAULT, TRACE_TEXT

# REST's predictions do not say which version made them. The client asks for the newest version's
# number first, and then for that version. TF-Serving looks for new versions once a second, so a
# number is trusted for that long.
VERSION_TRUSTED_SECONDS = 1.0
# A version may be unloaded between the two requests; so many pairs are tried.
VERSION_ATTEMPTS = 3

# Probabilities that one request for traces asks for, as far as earlier answers tell: 4 MB. A text
# of 500 words has half a million with 1,000 classes.
MOST_TRACED = 2**20

FIRST_POLL_SECONDS = 0.1
LAST_LOOK_SECONDS = 1.0
LONGEST_POLL_SECONDS = 1.0
PROBE_SECONDS = 5.0


@dataclass(frozen=True)
class Send:
    """Send the request; give its response, or its ServingError, to the generator."""

    request: Request
    seconds: float


@dataclass(frozen=True)
class Sleep:
    """Wait for some seconds."""

    seconds: float


Step = Send | Sleep
Item = TypeVar("Item")
Result = TypeVar("Result")
Steps = Generator[Step, Any, Result]


class Calls:
    """The calls of one client.

    Attributes:
      address: The server, for error messages.
      model: Which model and version is asked.
    """

    def __init__(self, address: str, model: Model, settings: Settings, *, tells_version: bool):
        """`tells_version`: whether the transport's predictions say which version made them."""
        self.address = address
        self.model = model
        self._settings = settings
        self._tells_version = tells_version
        self._version = 0
        self._version_known_until = -math.inf
        self._reader = Reader(address, str(model))
        self._traced_per_text = MOST_TRACED
        self._class_names: dict[int, tuple[str, ...]] = {}

    def predict(self, texts: Sequence[str], timeout: float | None) -> Steps[list[Prediction]]:
        """A prediction for each text."""
        self._check_texts(texts)
        return (
            yield from self._in_batches(
                texts,
                self._predict_request(PREDICT_TEXT, "text"),
                self._reader.predictions,
                timeout,
            )
        )

    def predict_examples(
        self, examples: Sequence[bytes], timeout: float | None
    ) -> Steps[list[Prediction]]:
        """A prediction for each serialized tf.Example."""
        self._check_each(examples, bytes, "serialized tf.Examples")

        def read(batch: Sequence[bytes], response: PredictResponse) -> list[Prediction]:
            return self._reader.predictions([None] * len(batch), response)

        return (
            yield from self._in_batches(
                examples, self._predict_request(SERVING_DEFAULT, "examples"), read, timeout
            )
        )

    def classify(self, texts: Sequence[str], timeout: float | None) -> Steps[list[Classification]]:
        """The score of each class for each text, by the Classify API."""
        self._check_texts(texts)
        return (
            yield from self._in_batches(
                texts, self._classify_request, self._reader.classifications, timeout
            )
        )

    def trace(self, texts: Sequence[str], timeout: float | None) -> Steps[list[Trace]]:
        """The probability after each word of each text.

        How many there are for a text, no request can know: the first is for one text.
        """
        self._check_texts(texts)
        traces: list[Trace] = []
        while len(traces) < len(texts):
            rows = min(self._settings.batch_size, max(1, MOST_TRACED // self._traced_per_text))
            batch = texts[len(traces) : len(traces) + rows]
            traces += yield from self._trace_batch(batch, self._deadline(timeout))
        return traces

    def ask_signature(
        self, request: PredictRequest, timeout: float | None
    ) -> Steps[dict[str, list[Any]]]:
        """What any signature answers to a batch of strings, by output that is asked for."""
        response = yield from self._ask_a_version(request, self._deadline(timeout))
        rows = len(request.values)
        return {name: self._reader.output(name, response, rows) for name in request.outputs}

    def status(self, timeout: float | None) -> Steps[list[VersionStatus]]:
        """The versions that the server knows, the newest first."""
        response = yield from self._ask(StatusRequest(self.model), self._deadline(timeout))
        return list(response.versions)

    def metadata(self, timeout: float | None) -> Steps[Metadata]:
        """The signatures of the version that answers."""
        return (yield from self._ask(MetadataRequest(self.model), self._deadline(timeout)))

    def wait_until_ready(self, timeout: float) -> Steps[int]:
        """Returns the number of the version that is ready."""
        deadline = time.monotonic() + timeout
        pause = FIRST_POLL_SECONDS
        while True:
            # The last request, at the end of the timeout, gets some time of its own.
            seconds = min(max(deadline - time.monotonic(), LAST_LOOK_SECONDS), PROBE_SECONDS)
            try:
                version, seen = yield from self._ready_version(seconds)
            except (UnavailableError, DeadlineExceededError, ModelNotFoundError) as error:
                version, seen = None, error.reason
            if version is not None:
                return version
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._error(
                    NotReadyError, f"not ready after {timeout:g} s; at the last look: {seen}"
                )
            yield Sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_POLL_SECONDS)

    def _ready_version(self, seconds: float) -> Steps[tuple[int | None, str]]:
        """Returns the version that would answer, if any, and the states of all versions."""
        if self.model.label is not None:
            # TF-Serving's status ignores labels.
            try:
                metadata = yield Send(MetadataRequest(self.model), seconds)
            except InvalidRequestError as error:
                return None, error.reason
            return metadata.model_version, ""
        response = yield Send(StatusRequest(self.model), seconds)
        available = [one.version for one in response.versions if one.state == "AVAILABLE"]
        seen = ", ".join(
            f"version {one.version} {one.state}"
            + (f" ({one.error_code}: {one.error_message})" if one.error_code != "OK" else "")
            for one in response.versions
        )
        return max(available, default=None), seen or "no versions"

    def _predict_request(
        self, signature: str, input: str
    ) -> Callable[[Sequence[Any]], PredictRequest]:
        # All outputs: by their names, the answer tells whether there are more than two classes.
        return lambda batch: PredictRequest(self.model, signature, input, batch, outputs=())

    def _classify_request(self, batch: Sequence[str]) -> ClassifyRequest:
        return ClassifyRequest(self.model, CLASSIFY, "text", batch)

    def _trace_batch(self, batch: Sequence[str], deadline: float) -> Steps[list[Trace]]:
        """Asks for traces, and for the names of the classes if there are more than two.

        A version may be unloaded between the two requests; so many pairs are tried.
        """
        outputs = ("tokens", "probability")
        request = PredictRequest(self.model, TRACE_TEXT, "text", batch, outputs)
        for attempt in range(1, VERSION_ATTEMPTS + 1):
            response = yield from self._ask_a_version(request, deadline)
            words, classes = self._reader.traced(response, len(batch))
            self._traced_per_text = max(1, words * (classes or 1))
            if classes is None:
                return self._reader.traces(batch, response)
            try:
                names = yield from self._names_of_classes(batch[0], response.version, deadline)
            except ModelNotFoundError:
                if attempt == VERSION_ATTEMPTS:
                    raise
                continue
            return self._reader.traces_of_classes(batch, response, names)
        raise AssertionError("unreachable")

    def _names_of_classes(
        self, text: str, version: int | None, deadline: float
    ) -> Steps[tuple[str, ...]]:
        """Returns the names of a version's classes, in their order; what it says of any text."""
        if version is None:
            model = self.model
        else:
            if version in self._class_names:
                return self._class_names[version]
            model = Model(self.model.name, version)
        request = replace(self._classify_request([text]), model=model)
        response = yield from self._ask(request, deadline)
        (classification,) = self._reader.classifications([text], response)
        names = tuple(classification.scores)
        if version is not None:
            self._class_names[version] = names
        return names

    def _in_batches(
        self,
        items: Sequence[Item],
        request: Callable[[Sequence[Item]], Request],
        read: Callable[[Sequence[Item], Any], list[Result]],
        timeout: float | None,
    ) -> Steps[list[Result]]:
        """Asks for `batch_size` items at a time; the results keep the order of the items."""
        results: list[Result] = []
        for start in range(0, len(items), self._settings.batch_size):
            batch = items[start : start + self._settings.batch_size]
            response = yield from self._ask_a_version(request(batch), self._deadline(timeout))
            results += read(batch, response)
        return results

    def _ask_a_version(self, request: Request, deadline: float) -> Steps[Any]:
        """Asks a known version, so that the result can name the version that answered."""
        if self._tells_version or self.model.version is not None:
            return (yield from self._ask(request, deadline))
        for attempt in range(1, VERSION_ATTEMPTS + 1):
            if time.monotonic() >= self._version_known_until:
                metadata = yield from self._ask(MetadataRequest(self.model), deadline)
                self._version = metadata.model_version
                self._version_known_until = time.monotonic() + VERSION_TRUSTED_SECONDS
            version = Model(self.model.name, self._version)
            try:
                return (yield from self._ask(replace(request, model=version), deadline))
            except ModelNotFoundError:
                self._version_known_until = -math.inf
                if attempt == VERSION_ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _ask(self, request: Request, deadline: float) -> Steps[Any]:
        """Sends `request` until there is a response, or no attempts or no time are left."""
        attempt = 0
        while True:
            attempt += 1
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise self._error(
                    DeadlineExceededError, "the time was over before the request was sent"
                )
            try:
                return (yield Send(request, seconds))
            except UnavailableError as error:
                retries = self._settings.retries
                wait = retries.wait_after(attempt)
                if attempt >= retries.most_attempts(is_busy=isinstance(error, ServerBusyError)):
                    raise
                if time.monotonic() + wait >= deadline:
                    raise
            yield Sleep(wait)

    def _deadline(self, timeout: float | None) -> float:
        seconds = self._settings.timeout if timeout is None else timeout
        if problem := timeout_problem(seconds):
            raise self._error(ClientSetupError, problem)
        return time.monotonic() + seconds

    def _check_texts(self, texts: Sequence[str]) -> None:
        self._check_each(texts, str, "texts")
        for row, text in enumerate(texts):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise self._error(
                    InvalidInputError,
                    f"text {row} has half a surrogate pair at character {error.start}, which "
                    "UTF-8 cannot hold; replace it: "
                    "text.encode('utf-8', 'replace').decode()",
                ) from error

    def _check_each(self, items: Sequence[Any], kind: type, what: str) -> None:
        if isinstance(items, str | bytes) or not isinstance(items, Sequence):
            raise self._error(
                InvalidInputError,
                f"expected a list of {what}, {type(items).__name__} arrived; pass [text] for a "
                "single text, list(texts) for another collection",
            )
        for row, item in enumerate(items):
            if not isinstance(item, kind):
                raise self._error(
                    InvalidInputError,
                    f"expected {kind.__name__} in row {row}, {type(item).__name__} arrived",
                )

    def _error(self, error: type[ServingError], reason: str) -> ServingError:
        return error(reason, address=self.address, model=str(self.model))
