"""What `Client` and `AsyncClient` have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from serving.client.calls import Calls
from serving.client.messages import Model
from serving.client.settings import Retries, Settings, Tls
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
            call that is divided into several requests may take as many times as long.
          batch_size: Rows of one request; calls with more rows are divided into several.
          retries: How to ask again when the server is unavailable, or has no free thread.
          tls: Certificates. An https:// address trusts the system's roots without it; gRPC is
            encrypted if it is given, even if it is empty.

        Raises:
          ClientSetupError: One of these cannot be used; says why and what can.
        """
        shown = str(address if transport is None else transport.address)
        asked = Model(model, version, label)
        settings = Settings(timeout, batch_size, retries)
        problem = _problem(address, transport, tls) or asked.problem or settings.problem
        if problem:
            raise ClientSetupError(problem, address=shown, model=model)
        if transport is None:
            assert address is not None
            transport = connect(address, tls, model, is_async=self._is_async)
        self._transport = transport
        self._calls = Calls(
            transport.address,
            asked,
            settings,
            tells_version=transport.tells_version,
        )


def _problem(address: str | None, transport: Any, tls: Tls | None) -> str:
    """Returns why it is not clear where the server is, or an empty string."""
    if (address is None) == (transport is None):
        return "give either an address or a transport"
    if transport is not None and tls is not None:
        return "`tls` goes with an address, not with a transport"
    return ""
