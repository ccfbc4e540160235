"""TLS on both ports, from TF-Serving's SSLConfig."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import ssl
import urllib.error
import urllib.request

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.server import tls
from serving.status import StatusError

from .calling import floats, predict_request


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """A key and its own certificate for 127.0.0.1, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def _config(tmp_path, **fields: str) -> str:
    file = tmp_path / "ssl.config"
    file.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items()))
    return str(file)


@pytest.mark.parametrize("client_verify", [False, True])
def test_both_ports_speak_tls(pair, model_directory, serve, tmp_path, client_verify):
    """With a client's certificate where one is asked for, and not without."""
    key, certificate = pair
    server = serve(
        model_name="half",
        model_base_path=str(model_directory / "half"),
        ssl_config_file=_config(
            tmp_path, server_key=key, server_cert=certificate, custom_ca=certificate,
            client_verify=client_verify,
        ),
    )  # fmt: skip
    ours = (key.encode(), certificate.encode()) if client_verify else (None, None)
    channel = grpc.secure_channel(
        f"127.0.0.1:{server.grpc_port}",
        grpc.ssl_channel_credentials(certificate.encode(), *ours),
    )
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = stub.Predict(predict_request("half", x=floats(0)), timeout=30)
    assert response.outputs["y"].float_val[0] == 3.0

    url = f"https://127.0.0.1:{server.rest_port}/v1/models/half:predict"
    context = ssl.create_default_context(cadata=certificate)
    if client_verify:
        with pytest.raises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(url, b'{"instances":[0]}', timeout=10, context=context).read()
        (tmp_path / "client.pem").write_text(key + certificate)
        context.load_cert_chain(tmp_path / "client.pem")
    with urllib.request.urlopen(url, b'{"instances":[0]}', timeout=30, context=context) as answer:
        assert json.load(answer) == {"predictions": [3.0]}
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        urllib.request.urlopen(url.replace("https", "http"), timeout=10).read()


def test_what_cannot_be_used_is_named(pair, tmp_path):
    """A certificate without its key, a file instead of a text, nothing to verify by."""
    key, certificate = pair
    with pytest.raises(StatusError, match="needs server_key and server_cert"):
        tls.read(_config(tmp_path, server_key=key))
    with pytest.raises(StatusError, match="has no custom_ca"):
        tls.read(_config(tmp_path, server_key=key, server_cert=certificate, client_verify=True))
    with pytest.raises(StatusError, match="INVALID_ARGUMENT"):
        tls.read(_config(tmp_path, server_key="/a/key.pem", server_cert="/a/cert.pem"))
