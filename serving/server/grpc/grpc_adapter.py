"""What is used of gRPC beyond its public names: whose call a server hands to its threads.

gRPC's server takes any executor, and submits each call with objects of its own as arguments.
Another release may submit others.
"""

from __future__ import annotations

from typing import Any

LIBRARY = "grpcio"


def peer_of(arguments: tuple[Any, ...]) -> str:
    """Returns the client's address, as ServicerContext.peer() does; empty if it cannot be told.

    Args:
      arguments: What gRPC's server submits to its executor beside the function.
    """
    for argument in arguments:
        call = getattr(argument, "call", None)
        if call is not None and hasattr(call, "peer"):
            peer = call.peer()
            return peer.decode() if isinstance(peer, bytes) else str(peer)
    return ""
