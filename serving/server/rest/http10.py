"""HTTP/1.0 clients that ask to keep their connection, as `ab -k` and old proxies do.

h11 closes after each request of HTTP/1.0, as the standard says; keeping the connection was an
extension. TF-Serving's libevent keeps it, and answers with `Connection: keep-alive`.
"""

from __future__ import annotations

import h11

_OPTION = "keep-alive"


def keeps(request: h11.Request) -> bool:
    """Returns whether a request of HTTP/1.0 asks to keep the connection, and that is possible.

    The answer to HEAD has no Content-Length here, so only closing the connection ends it.
    """
    return (
        request.http_version == b"1.0"
        and request.method != b"HEAD"
        and any(
            option.strip().lower() == _OPTION
            for name, value in request.headers
            if name == b"connection"
            for option in value.decode("latin-1").split(",")
        )
    )


def kept(connection: h11.Connection, request: h11.Request, max_head: int) -> h11.Connection:
    """Returns a connection that replaces one whose client has sent a request that `keeps`.

    It has the same state, with what the client sent after the request; but for it the request was
    one of HTTP/1.1, so it goes on after the answer.

    Args:
      connection: The request was read from it to its end.
      request: Its head.
      max_head: As of `connection`, in bytes.
    """
    another = h11.Connection(h11.SERVER, max_incomplete_event_size=max_head)
    another.receive_data(b"%s / HTTP/1.1\r\nHost: kept\r\n\r\n" % request.method)
    while not isinstance(another.next_event(), h11.EndOfMessage):
        pass
    behind, is_closed = connection.trailing_data
    if behind:
        another.receive_data(behind)
    if is_closed:
        another.receive_data(b"")
    return another
