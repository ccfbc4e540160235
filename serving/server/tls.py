"""TLS for both ports, from TF-Serving's SSLConfig: it holds keys and certificates as PEM text."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass

import grpc

from serving.server.text_protos import SSLConfig, read_text_proto
from serving.status import invalid_argument


@dataclass(frozen=True)
class Tls:
    """The TLS settings of gRPC and REST, as their libraries take them."""

    grpc: grpc.ServerCredentials
    rest: ssl.SSLContext


def read(path: str) -> Tls:
    """Reads an SSLConfig.

    Raises:
      StatusError: It cannot be read, or the key and the certificate do not belong together.
    """
    config = read_text_proto(path, SSLConfig())
    if not (config.server_key and config.server_cert):
        raise invalid_argument(f"{path} needs server_key and server_cert: PEM texts, not paths")
    if config.client_verify and not config.custom_ca:
        raise invalid_argument(f"{path} asks for client_verify, and has no custom_ca to verify by")
    credentials = grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # The ssl module reads these two from a file only.
        with tempfile.TemporaryDirectory() as directory:
            pem = os.path.join(directory, "server.pem")
            with open(os.open(pem, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(f"{config.server_key}\n{config.server_cert}\n")
            context.load_cert_chain(pem)
        if config.custom_ca:
            context.load_verify_locations(cadata=config.custom_ca)
    except ssl.SSLError as error:
        raise invalid_argument(f"{path}: {error}") from error
    if config.client_verify:
        context.verify_mode = ssl.CERT_REQUIRED
    return Tls(credentials, context)
