"""Binds the server's ports: before the models are loaded, so that a port in use fails at once."""

from __future__ import annotations

import contextlib
import socket


def bind(host: str, port: int) -> list[socket.socket]:
    """Binds a port on all addresses of a host; nobody can connect before the server listens.

    Args:
      host: A name, or an address, with or without brackets.
      port: 0 for a free one.

    Raises:
      OSError: The port is taken, or not allowed.
    """
    found = socket.getaddrinfo(
        host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with contextlib.ExitStack() as undo:
        sockets: list[socket.socket] = []
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = undo.enter_context(socket.socket(family, kind, protocol))
            # As asyncio and gRPC do: a port whose connections have just ended can be bound again.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            chosen = port or (sockets[0].getsockname()[1] if sockets else 0)
            one.bind((address[0], chosen, *address[2:]))
            sockets.append(one)
        undo.pop_all()
    return sockets
