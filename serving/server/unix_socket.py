"""gRPC on a Unix socket, for clients on this machine: no port, and access by file permissions."""

from __future__ import annotations

import os
import socket
import stat

import grpc

# Of sockaddr_un on Linux, without the NUL at its end.
_LONGEST_PATH = 107


def problem_of(path: str) -> str:
    """Returns why a server cannot listen at a path; an empty string if nothing prevents it now.

    gRPC itself would replace the socket of a server that listens there already.
    """
    size = len(os.fsencode(path))
    if size > _LONGEST_PATH:
        return f"the path has {size} bytes, and a Unix socket's at most {_LONGEST_PATH}"
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return ""
    if not stat.S_ISSOCK(mode):
        return "a file that is no socket is there"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return ""  # left by a server that was killed; gRPC replaces it
        except OSError as error:
            return f"what is there does not answer ({error.strerror or error})"
    return "another server listens there"


def listen(server: grpc.Server, path: str, credentials: grpc.ServerCredentials | None) -> None:
    """Lets a server that is not started yet listen at a path; gRPC removes the file when it stops.

    Raises:
      OSError: It cannot.
    """
    problem = problem_of(path)
    # The address is a URI, in which a percent sign stands for itself only as %25.
    address = "unix:" + path.replace("%", "%25")
    try:
        if problem:
            raise RuntimeError(problem)
        if credentials is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(
            f"gRPC cannot listen at --grpc_socket_path {path}: {problem or error}. Name another "
            "path"
        ) from error
