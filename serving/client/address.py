"""Parses the address of a server, which also decides between gRPC and REST."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from serving.errors import ClientSetupError

CHOICES = (
    "Give host:port for gRPC, such as localhost:8500, or http://host:port or https://host:port "
    "for REST, such as http://localhost:8501"
)


@dataclass(frozen=True)
class Address:
    """A parsed address.

    Attributes:
      text: The address as it was given.
      is_rest: REST, or else gRPC.
      is_encrypted: An https:// address.
      is_loopback: The client's own machine; no proxy is used for it.
    """

    text: str
    is_rest: bool
    is_encrypted: bool
    is_loopback: bool


def parse(text: str, model: str) -> Address:
    """Returns the parts of `text`; `model` is for the error message.

    Raises:
      ClientSetupError: It is no address; says what is.
    """
    if not isinstance(text, str):
        raise ClientSetupError(
            f"expected an address, {type(text).__name__} arrived. {CHOICES}",
            address=repr(text),
            model=model,
        )
    if text.startswith("unix:"):
        return Address(text, is_rest=False, is_encrypted=False, is_loopback=True)
    is_rest = text.startswith(("http://", "https://"))
    try:
        parts = urlsplit(text if is_rest else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ClientSetupError(f"{error}. {CHOICES}", address=text, model=model) from error
    problem = ""
    if is_rest and not host:
        problem = "it has no host"
    elif host and not _is_name(host):
        problem = "its host is no name"
    elif is_rest and (parts.query or parts.fragment):
        problem = "it has a query or a fragment"
    elif not is_rest and "://" in text:
        problem = f"it begins with '{text.partition('://')[0]}://'"
    elif not is_rest and (not host or port is None):
        problem = "it has no host and port"
    elif not is_rest and parts.path:
        problem = "it has a path"
    if problem:
        raise ClientSetupError(
            f"this is no address of a server: {problem}. {CHOICES}", address=text, model=model
        )
    assert host is not None
    return Address(text, is_rest, text.startswith("https://"), _is_loopback(host))


def _is_name(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:  # a part is empty or too long
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
