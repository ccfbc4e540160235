"""What gRPC submits to its threads tells whose call it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc

from serving.server.grpc import grpc_adapter
from tests.canary import canary


class Recording(ThreadPoolExecutor):
    """Threads that write down whose calls they were given."""

    peers = ()

    def submit(self, function, /, *arguments, **keywords):
        """Notes the peer."""
        self.peers += (grpc_adapter.peer_of(arguments),)
        return super().submit(function, *arguments, **keywords)


def test_the_peer_of_a_call_is_known_when_it_is_submitted():
    """It is the one that the call's own context tells."""
    told = []

    def answer(request, context):
        told.append(context.peer())
        return request

    with canary(grpc_adapter.LIBRARY, grpc_adapter.__name__):
        threads = Recording(1)
        server = grpc.server(threads)
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "t", {"Ask": grpc.unary_unary_rpc_method_handler(answer)}
                ),
            )
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                assert channel.unary_unary("/t/Ask")(b"x", timeout=30) == b"x"
        finally:
            server.stop(None).wait()
        assert told[0].startswith("ipv4:127.0.0.1:")
        assert [*filter(None, threads.peers)] == told
    threads.shutdown()


def test_arguments_that_tell_nothing_are_nobodys():
    """The health service submits its own."""
    assert grpc_adapter.peer_of((1, "x", object())) == ""
