"""Chooses the transport from the address."""

from __future__ import annotations

import importlib
from typing import Any

from serving.client import address as addresses
from serving.client.settings import Tls
from serving.errors import ClientSetupError

MODULES = "serving.client.transports"


def connect(text: str, tls: Tls | None, model: str, *, is_async: bool) -> Any:
    """Returns the transport to the server at the address `text`; `model` is for error messages.

    Connections are opened by the first request.

    Raises:
      ClientSetupError: The address or the certificates cannot be used, or a library is missing.
    """
    address = addresses.parse(text, model)
    if tls is not None:
        _check(tls, address, model)
    module, library = ("rest_transport", "httpx") if address.is_rest else ("grpc_transport", "grpc")
    kind = f"{'Async' if is_async else ''}{'Rest' if address.is_rest else 'Grpc'}Transport"
    try:
        transport = getattr(importlib.import_module(f"{MODULES}.{module}"), kind)
    except ModuleNotFoundError as error:
        raise ClientSetupError(
            f"this address needs the library {error.name or library}, which is not installed: "
            "pip install 'sentiment[client]'",
            address=text,
            model=model,
        ) from error
    try:
        return transport(address, tls)
    except ValueError as error:
        raise ClientSetupError(
            f"{error}. {addresses.CHOICES}", address=text, model=model
        ) from error
    except OSError as error:  # ssl.SSLError is one, too
        raise ClientSetupError(
            f"the certificates cannot be used: {error}. Give PEM files: {tls}",
            address=text,
            model=model,
        ) from error


def _check(tls: Tls, address: addresses.Address, model: str) -> None:
    problem = ""
    if address.is_rest and not address.is_encrypted:
        problem = "an http:// address is not encrypted, but `tls` is given: use https://"
    elif (tls.client_certificate is None) != (tls.client_key is None):
        problem = "client_certificate and client_key go together: give both or neither"
    if problem:
        raise ClientSetupError(problem, address=address.text, model=model)
