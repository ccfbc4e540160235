"""Asks whether a server serves at all, whatever its models: gRPC's health service.

Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from typing import Any

from serving.client import address as addresses
from serving.errors import ClientSetupError, UnavailableError, UnsupportedError, error_of
from serving.message_classes import message_classes
from serving.status import Code

_METHOD = "/grpc.health.v1.Health/Check"
_SERVING = 1
# An enum's number is an int32 on the wire; without `service`, the request is empty.
_RESPONSE = message_classes("sentiment.health", {"Response": ("int32 status = 1",)})["Response"]


def check(address: str, seconds: float) -> None:
    """Returns once the server has said that it serves.

    Args:
      address: "host:port" or "unix:/path".
      seconds: To wait for the answer.

    Raises:
      ClientSetupError: It is no address of gRPC.
      UnsupportedError: The server does not have the service.
      ServingError: It does not answer, or says that it does not serve.
    """
    import grpc

    about: dict[str, Any] = {"address": address, "model": "any"}
    if addresses.parse(address, "any").is_rest:
        raise ClientSetupError(
            "the health service is gRPC's; give host:port, such as localhost:8500", **about
        )
    # The server is on this machine, or near: no proxy is asked.
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        try:
            answer = channel.unary_unary(_METHOD)(b"", timeout=seconds)
        except grpc.RpcError as error:
            code = Code(error.code().value[0])
            if code is Code.UNIMPLEMENTED:
                raise UnsupportedError(
                    "the server has no health service; TF-Serving has it by its flag "
                    "enable_grpc_healthcheck_service",
                    **about,
                ) from error
            raise error_of(code, error.details() or "", **about) from error
    status = _RESPONSE.FromString(answer).status
    if status != _SERVING:
        raise UnavailableError(f"the server says that it does not serve (status {status})", **about)
