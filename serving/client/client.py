"""The client that blocks until the answer is there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from serving.client.base_client import BaseClient
from serving.client.calls import Result, Send, Step, Steps
from serving.client.messages import PredictRequest
from serving.client.results import Classification, Metadata, Prediction, Trace, VersionStatus
from serving.errors import ServingError


class Client(BaseClient):
    """Asks a model server, over gRPC or REST.

    With a server, the first line is `with Client("localhost:8500") as client:`.

        >>> from serving.client import Client, InMemoryTransport, PredictResponse
        >>> response = PredictResponse(7, {"probability": [0.75], "sentiment": ["positive"]})
        >>> with Client(transport=InMemoryTransport(lambda request: response)) as client:
        ...     for prediction in client.predict(["a great film"]):
        ...         print(prediction.sentiment, prediction.probability)
        positive 0.75

    Threads may share a client. Every call raises a `serving.errors.ServingError`, or one of its
    subclasses; an `InvalidInputError` before anything is sent. `timeout` is in seconds, for each
    request of the call; None for the client's own.
    """

    _is_async = False

    def predict(self, texts: Sequence[str], *, timeout: float | None = None) -> list[Prediction]:
        """Returns a prediction for each text, in their order."""
        return self._run(self._calls.predict(texts, timeout))

    def predict_examples(
        self, examples: Sequence[bytes], *, timeout: float | None = None
    ) -> list[Prediction]:
        """Returns a prediction for each serialized tf.Example, in their order."""
        return self._run(self._calls.predict_examples(examples, timeout))

    def classify(
        self, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Classification]:
        """Returns the probability of each class for each text."""
        return self._run(self._calls.classify(texts, timeout))

    def trace(self, texts: Sequence[str], *, timeout: float | None = None) -> list[Trace]:
        """Returns, for each text, the probability after each of its words.

        With many classes, a request asks for the traces of a few texts at a time, so that an answer
        holds a million probabilities at most, or one text. Once for each version, the names of the
        classes are asked for as well.
        """
        return self._run(self._calls.trace(texts, timeout))

    def ask_signature(
        self,
        signature: str,
        input: str,
        values: Sequence[str | bytes],
        outputs: Sequence[str],
        *,
        timeout: float | None = None,
    ) -> dict[str, list[Any]]:
        """Returns what any signature answers to a batch of strings, by output.

        Args:
          signature: Its name.
          input: Its one input, <string>[batch].
          values: Texts, or bytes such as serialized tf.Examples.
          outputs: All outputs of the signature; each <float32> or <string>, [batch, ...].
          timeout: Seconds, if not the client's own.

        Returns:
          A nested list for each of `outputs`.
        """
        request = PredictRequest(self._calls.model, signature, input, values, tuple(outputs))
        return self._run(self._calls.ask_signature(request, timeout))

    def status(self, *, timeout: float | None = None) -> list[VersionStatus]:
        """Returns the versions that the server knows, the newest first."""
        return self._run(self._calls.status(timeout))

    def metadata(self, *, timeout: float | None = None) -> Metadata:
        """Returns the signatures of the version that answers."""
        return self._run(self._calls.metadata(timeout))

    def wait_until_ready(self, timeout: float = 60.0) -> int:
        """Waits until the model, or the version asked for, answers; returns its version.

        Raises:
          NotReadyError: It did not within `timeout` seconds; tells what was seen last.
        """
        return self._run(self._calls.wait_until_ready(timeout))

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        """Returns the client."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes the connections."""
        self.close()

    def _run(self, steps: Steps[Result]) -> Result:
        try:
            step = next(steps)
            while True:
                try:
                    response = self._carry_out(step)
                except ServingError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(response)
        except StopIteration as end:
            return end.value

    def _carry_out(self, step: Step) -> Any:
        if isinstance(step, Send):
            return self._transport.send(step.request, step.seconds)
        return time.sleep(step.seconds)
