"""Encrypted connections, with certificates made for the test."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from serving.client import Client, Retries, Tls
from serving.errors import ClientSetupError, UnavailableError
from tests.serving.client.backend import CERTIFIED_HOST
from tests.serving.client.grpc_server import grpc_server
from tests.serving.client.rest_server import rest_server

ONCE = Retries(attempts=1)


@dataclass(frozen=True)
class SelfSigned:
    """The PEM files of a certificate that vouches for itself."""

    certificate: Path
    key: Path


def self_signed(folder: Path, name: str) -> SelfSigned:
    """Makes a certificate for `name`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = SelfSigned(folder / f"{name}.crt", folder / f"{name}.key")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.fixture(scope="module")
def server_files(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("server"), CERTIFIED_HOST)


@pytest.fixture(scope="module")
def client_files(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("client"), "a-client")


@pytest.fixture(params=["grpc", "rest"])
def serve(request, backend, server_files, client_files):
    """Opens an encrypted server; `serve(asks=True)` asks clients for their certificate."""

    def by_grpc(asks=False):
        credentials = grpc.ssl_server_credentials(
            [(server_files.key.read_bytes(), server_files.certificate.read_bytes())],
            root_certificates=client_files.certificate.read_bytes() if asks else None,
            require_client_auth=asks,
        )
        return grpc_server(backend, credentials)

    def by_rest(asks=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_files.certificate, server_files.key)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_files.certificate)
        return rest_server(backend, context)

    return {"grpc": by_grpc, "rest": by_rest}[request.param]


def test_a_server_is_trusted_by_its_root_certificate(call, serve, server_files):
    """With the right root the answer is the same as without encryption."""
    with serve() as address:
        tls = Tls(root_certificates=server_files.certificate)
        [prediction] = call("predict", ["a film"], address=address, tls=tls)
    assert prediction.model_version == 7


def test_a_server_that_nobody_vouches_for_is_not_asked(call, serve, backend, client_files):
    """With another root, nothing is sent."""
    with serve() as address:
        tls = Tls(root_certificates=client_files.certificate)
        with pytest.raises(UnavailableError, match=r"(?i)certificate.*verify|verify.*certificate"):
            call("predict", ["a film"], address=address, tls=tls, retries=ONCE)
    assert backend.asked == []


def test_a_client_shows_its_certificate(call, serve, server_files, client_files, backend):
    """A server that asks for one answers those who have it, and nobody else."""
    with serve(asks=True) as address:
        roots = server_files.certificate
        tls = Tls(roots, client_files.certificate, client_files.key)
        [prediction] = call("predict", ["a film"], address=address, tls=tls)
        asked = len(backend.asked)
        with pytest.raises(UnavailableError):
            call("predict", ["a film"], address=address, tls=Tls(roots), retries=ONCE)
    assert prediction.model_version == 7
    assert len(backend.asked) == asked


@pytest.mark.parametrize(
    ("address", "tls", "reason"),
    [
        ("http://localhost:8501", Tls(), "not encrypted, but `tls` is given: use https://"),
        ("https://localhost:8501", Tls("missing.crt"), "certificates cannot be used: .*No such"),
        ("localhost:8500", Tls("missing.crt"), "certificates cannot be used: .*No such"),
        ("localhost:8500", Tls(client_key="a.key"), "go together: give both or neither"),
        ("https://localhost:8501", Tls(__file__), "certificates cannot be used: "),
    ],
)
def test_certificates_that_cannot_be_used_are_refused(address, tls, reason):
    """The error comes when the client is made, and says what is wrong."""
    with pytest.raises(ClientSetupError, match=reason):
        Client(address, tls=tls)
