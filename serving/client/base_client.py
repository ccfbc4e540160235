"""What `Client` and `AsyncClient` are made of."""

from __future__ import annotations

from typing import Any, ClassVar

from serving.client.calls import Calls
from serving.client.messages import Model
from serving.client.settings import Retries, Settings, Tls, timeout_problem
from serving.client.transports.connect import connect
from serving.errors import ClientSetupError

DEFAULT_MODEL = "imdb_sentiment"
DEFAULT_RETRIES = Retries()


class BaseClient:
    """A transport and the calls that go over it."""

    _is_async: ClassVar[bool]

    def __init__(
        self,
        address: str | None = None,
        *,
        transport: Any = None,
        model: str = DEFAULT_MODEL,
        version: int | None = None,
        label: str | None = None,
        timeout: float = Settings.timeout,
        batch_size: int = Settings.batch_size,
        retries: Retries = DEFAULT_RETRIES,
        tls: Tls | None = None,
    ):
        """Connects with the first call.

        Args:
          address: "host:port" or "unix:/path" for gRPC, "http://host:port" or
            "https://host:port" for REST.
          transport: A transport of your own instead of an address.
          model: The model's name on the server.
          version: The version to ask; by default the newest one that is loaded.
          label: The label of the version to ask.
          timeout: Seconds for one request, its retries included; every call can set its own. A
            call that is cut into several requests may take as many times as long.
          batch_size: Calls with more rows are cut into requests of so many.
          retries: How to ask again when the server is unavailable, or has no free thread.
          tls: Certificates. An https:// address trusts the system's roots without it; gRPC is
            encrypted if it is given, even if it is empty.

        Raises:
          ClientSetupError: One of these cannot be used; says why and what can.
        """
        shown = str(address if transport is None else transport.address)
        settings = Settings(timeout, batch_size, retries)
        if (address is None) == (transport is None):
            problem = "give either an address or a transport"
        elif transport is not None and tls is not None:
            problem = "`tls` goes with an address, not with a transport"
        else:
            problem = _problem_of(model, version, label, settings)
        if problem:
            raise ClientSetupError(problem, address=shown, model=model)
        if transport is None:
            assert address is not None
            transport = connect(address, tls, model, is_async=self._is_async)
        self._transport = transport
        self._calls = Calls(
            transport.address,
            Model(model, version, label),
            settings,
            tells_version=transport.tells_version,
        )


def _problem_of(model: str, version: int | None, label: str | None, settings: Settings) -> str:
    """Says what of a client's set-up cannot be used; empty if all of it can."""
    if not model:
        return "the model's name is empty"
    if version is not None and label is not None:
        return "give a version or a label, not both"
    if version is not None and not 0 <= version < 2**63:
        return f"version is {version}; give a number from 0 to 2**63 - 1"
    if problem := timeout_problem(settings.timeout):
        return problem
    if settings.batch_size < 1:
        return f"batch_size is {settings.batch_size}; give a number of rows, 1 or more"
    if settings.retries.attempts < 1:
        return f"retries.attempts is {settings.retries.attempts}; give 1, or more to ask again"
    return ""
