"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from serving.client.base_client import BaseClient
from serving.client.calls import Result, Send, Step, Steps
from serving.client.messages import PredictRequest
from serving.client.results import Classification, Metadata, Prediction, Trace, VersionStatus
from serving.errors import ServingError


class AsyncClient(BaseClient):
    """`Client` for asyncio: the same calls, awaited.

        >>> import asyncio
        >>> from serving.client import AsyncClient, AsyncInMemoryTransport, PredictResponse
        >>> response = PredictResponse(7, {"probability": [0.75], "sentiment": ["positive"]})
        >>> async def ask(texts):  # of a server: AsyncClient("http://localhost:8501")
        ...     transport = AsyncInMemoryTransport(lambda request: response)
        ...     async with AsyncClient(transport=transport) as client:
        ...         return await client.predict(texts)
        >>> [prediction] = asyncio.run(ask(["a great film"]))
        >>> prediction.sentiment
        'positive'

    A client belongs to one event loop.
    """

    _is_async = True

    async def predict(
        self, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Prediction]:
        """Returns a prediction for each text, in their order."""
        return await self._run(self._calls.predict(texts, timeout))

    async def predict_examples(
        self, examples: Sequence[bytes], *, timeout: float | None = None
    ) -> list[Prediction]:
        """Returns a prediction for each serialized tf.Example, in their order."""
        return await self._run(self._calls.predict_examples(examples, timeout))

    async def classify(
        self, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Classification]:
        """Returns the probability of each class for each text."""
        return await self._run(self._calls.classify(texts, timeout))

    async def trace(self, texts: Sequence[str], *, timeout: float | None = None) -> list[Trace]:
        """Returns, for each text, the probability after each of its words; see `Client.trace`."""
        return await self._run(self._calls.trace(texts, timeout))

    async def ask_signature(
        self,
        signature: str,
        input: str,
        values: Sequence[str | bytes],
        outputs: Sequence[str],
        *,
        timeout: float | None = None,
    ) -> dict[str, list[Any]]:
        """Returns what any signature answers to strings; see `Client.ask_signature`."""
        request = PredictRequest(self._calls.model, signature, input, values, tuple(outputs))
        return await self._run(self._calls.ask_signature(request, timeout))

    async def status(self, *, timeout: float | None = None) -> list[VersionStatus]:
        """Returns the versions that the server knows, the newest first."""
        return await self._run(self._calls.status(timeout))

    async def metadata(self, *, timeout: float | None = None) -> Metadata:
        """Returns the signatures of the version that answers."""
        return await self._run(self._calls.metadata(timeout))

    async def wait_until_ready(self, timeout: float = 60.0) -> int:
        """Waits until the model, or the version asked for, answers; returns its version.

        Raises:
          NotReadyError: It did not within `timeout` seconds; tells what was seen last.
        """
        return await self._run(self._calls.wait_until_ready(timeout))

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        """Returns the client."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Closes the connections."""
        await self.close()

    async def _run(self, steps: Steps[Result]) -> Result:
        try:
            step = next(steps)
            while True:
                try:
                    response = await self._carry_out(step)
                except ServingError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(response)
        except StopIteration as end:
            return end.value

    async def _carry_out(self, step: Step) -> Any:
        if isinstance(step, Send):
            return await self._transport.send(step.request, step.seconds)
        return await asyncio.sleep(step.seconds)
