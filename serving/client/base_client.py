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
        problem = ""
        if (address is None) == (transport is None):
            problem = "give either an address or a transport"
        elif transport is not None and tls is not None:
            problem = "`tls` goes with an address, not with a transport"
        elif not model:
            problem = "the model's name is empty"
        elif version is not None and label is not None:
            problem = "give a version or a label, not both"
        elif version is not None and not 0 <= version < 2**63:
            problem = f"version is {version}; give a number from 0 to 2**63 - 1"
        elif timeout_problem(timeout):
            problem = timeout_problem(timeout)
        elif batch_size < 1:
            problem = f"batch_size is {batch_size}; give a number of rows, 1 or more"
        elif retries.attempts < 1:
            problem = f"retries.attempts is {retries.attempts}; give 1, or more to ask again"
        if problem:
            raise ClientSetupError(problem, address=shown, model=model)
        if transport is None:
            assert address is not None
            transport = connect(address, tls, model, is_async=self._is_async)
        self._transport = transport
        self._calls = Calls(
            transport.address,
            Model(model, version, label),
            Settings(timeout, batch_size, retries),
            tells_version=transport.tells_version,
        )
