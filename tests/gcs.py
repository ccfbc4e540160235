"""Google Cloud Storage on this machine, for TensorFlow and Beam, that fails on purpose.

fake-gcs-server, a Go program, holds the objects. TensorFlow has no setting for another one, and
asks Google's; but it takes a proxy and a certificate authority from the environment. So a gateway
stands in front: it is the proxy, plays Google's servers by a certificate of its own, and passes
requests on. Nothing leaves the machine. (The wheel tensorflow_io_gcs_filesystem knows
$CLOUD_STORAGE_EMULATOR_ENDPOINT, and crashes at its first call, with TensorFlow 2.16.)

`go install github.com/fsouza/fake-gcs-server@latest` makes the program; $FAKE_GCS_SERVER names it
where it is not on PATH.
"""

from __future__ import annotations

import contextlib
import datetime
import email
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

# Metadata and uploads; objects' content; tokens.
_API, _CONTENT, _TOKENS = "www.googleapis.com", "storage.googleapis.com", "oauth2.googleapis.com"
_HOSTS = (_API, _CONTENT, _TOKENS)
_START_SECONDS = 20
# Of one connection to the next server only; the gateway says itself how long a body is.
_NOT_PASSED_ON = {"host", "transfer-encoding", "connection", "expect", "content-length", "te"}


def program() -> str | None:
    """Returns the path of fake-gcs-server; None where it is not installed."""
    return os.environ.get("FAKE_GCS_SERVER") or shutil.which("fake-gcs-server")


@dataclass
class Gcs:
    """The storage.

    Attributes:
      port: Where the gateway listens.
      upstream: Where fake-gcs-server does.
      certificate: File of the certificate that Google's servers have here.
      requests: Method and path of all requests so far.
    """

    port: int
    upstream: int
    certificate: Path
    requests: list[tuple[str, str]] = field(default_factory=list)
    _failures: dict[str, int] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a process that is to see this storage."""
        here = f"http://127.0.0.1:{self.port}"
        return {
            "https_proxy": here,
            "HTTPS_PROXY": here,
            "no_proxy": "localhost,127.0.0.1,::1",
            # TensorFlow's, requests', and httplib2's.
            "CURL_CA_BUNDLE": str(self.certificate),
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "HTTPLIB2_CA_CERTS": str(self.certificate),
            "NO_GCE_CHECK": "true",
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.certificate.with_name("gcs-user.json")),
            "STORAGE_EMULATOR_HOST": here,
        }

    def make_bucket(self, name: str) -> str:
        """Makes a bucket; returns its path."""
        self._ask("POST", "/storage/v1/b?project=tests", json.dumps({"name": name}).encode())
        return f"gs://{name}"

    def put(self, bucket: str, name: str, content: bytes) -> str:
        """Writes an object; returns its path."""
        self._ask("POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}", content)
        return f"gs://{bucket}/{name}"

    def names(self, bucket: str, prefix: str = "") -> list[str]:
        """Returns the names of objects, sorted."""
        said = self._ask("GET", f"/storage/v1/b/{bucket}/o?prefix={prefix}&maxResults=100000")
        return sorted(item["name"] for item in json.loads(said).get("items", []))

    def remove(self, bucket: str, prefix: str) -> None:
        """Removes the objects whose names begin with `prefix`."""
        for name in self.names(bucket, prefix):
            self._ask("DELETE", f"/storage/v1/b/{bucket}/o/{name.replace('/', '%2F')}")

    def refuse_writes(self, pattern: str, times: int = 1_000_000) -> None:
        """Refuses to write objects, by 403, whose names hold a regular expression's match."""
        self._failures[pattern] = times

    def mend(self) -> None:
        """Refuses nothing any more."""
        self._failures.clear()

    def refuses(self, method: str, path: str) -> bool:
        """Returns whether a request is to be refused; counts it."""
        self.requests.append((method, path))
        if method not in ("POST", "PUT") or "/o" not in path:
            return False
        for pattern, left in self._failures.items():
            if left and re.search(pattern, unquote(unquote(path))):
                self._failures[pattern] -= 1
                return True
        return False

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.upstream)) as to:
            to.request(method, path, body)
            answer = to.getresponse()
            said = answer.read()
            assert answer.status < 300, said
            return said


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Gcs]:
    """Starts the storage, empty; `folder` is for a certificate."""
    path = program()
    assert path, "fake-gcs-server is not installed"
    upstream = _free_port()
    address = f"http://127.0.0.1:{upstream}"
    command = [path, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1"]
    command += ["-port", str(upstream), "-external-url", address, "-public-host", _CONTENT]
    command += ["-log-level", "error"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    gateway = None
    try:
        _wait_for(upstream)
        key, certificate = _certificate(folder)
        gateway = _Server(("127.0.0.1", 0), _Gateway)
        gateway.tls.load_cert_chain(certificate, key)
        gateway.gcs = Gcs(gateway.server_address[1], upstream, certificate)
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        yield gateway.gcs
    finally:
        if gateway:
            gateway.shutdown()
            gateway.server_close()
        server.kill()
        server.wait()


class _Server(http.server.ThreadingHTTPServer):
    """Listens; what each connection needs to know is here."""

    daemon_threads = True
    gcs: Gcs

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class _Gateway(http.server.BaseHTTPRequestHandler):
    """Passes requests on; what comes in a tunnel to Google's servers is decrypted first."""

    protocol_version = "HTTP/1.1"
    server: _Server
    _host = ""

    def do_CONNECT(self) -> None:
        self._host = self.path.removesuffix(":443")
        if self._host not in _HOSTS:
            self.send_error(403, "no way out")
            return
        self.send_response_only(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile.flush()
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def finish(self) -> None:
        """Closes the connection; the server knows only the one that was there before TLS."""
        super().finish()
        self.connection.close()

    def _pass_on(self) -> None:
        # TensorFlow gives a length, and sends chunks.
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/token"):
            told = {"access_token": "of-tests", "token_type": "Bearer", "expires_in": 3600}
            self._answer(200, [("Content-Type", "application/json")], json.dumps(told).encode())
            return
        if self.path.startswith("/batch/"):
            self._batch(body)
            return
        if self.server.gcs.refuses(self.command, self.path):
            said = json.dumps({"error": {"code": 403, "message": "refused on purpose"}}).encode()
            self._answer(403, [("Content-Type", "application/json")], said)
            return
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in _NOT_PASSED_ON
        }
        if self._host == _CONTENT:
            headers["Host"] = _CONTENT
        answer, said = self._ask(self.command, self.path, body, headers)
        self._answer(answer.status, answer.getheaders(), said)

    # The names by which http.server looks for methods.
    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _pass_on  # noqa: N815

    def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        to = http.client.HTTPConnection("127.0.0.1", self.server.gcs.upstream, timeout=60)
        with contextlib.closing(to):
            # Also an empty body has a length.
            to.request(method, path, body, headers | {"Content-Length": str(len(body))})
            answer = to.getresponse()
            return answer, answer.read()

    def _batch(self, body: bytes) -> None:
        """Answers requests that came in one, which fake-gcs-server does not.

        https://cloud.google.com/storage/docs/batch
        """
        kind = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        answers = []
        for part in email.message_from_bytes(kind + body).get_payload():
            head, _, content = part.get_payload().replace("\r\n", "\n").partition("\n\n")
            first = head.partition("\n")[0]
            method, url, _ = first.split(" ", 2)
            path = url if url.startswith("/") else f"/{url.split('/', 3)[3]}"
            if self.server.gcs.refuses(method, path):
                answers.append("HTTP/1.1 403 Forbidden\n\n{}")
                continue
            headers = {"Content-Type": "application/json"}
            answer, said = self._ask(method, path, content.strip().encode(), headers)
            status = f"HTTP/1.1 {answer.status} {answer.reason or 'told'}"
            answers.append(f"{status}\nContent-Type: application/json\n\n{said.decode()}")
        text = "".join(f"--part\nContent-Type: application/http\n\n{each}\n" for each in answers)
        kind_of_answer = [("Content-Type", 'multipart/mixed; boundary="part"')]
        self._answer(200, kind_of_answer, f"{text}--part--\n".encode())

    def _answer(self, status: int, headers: list[tuple[str, str]], said: bytes) -> None:
        self.send_response_only(status)
        own = f"http://127.0.0.1:{self.server.gcs.upstream}"
        here = f"https://{_API}" if self._host else f"http://127.0.0.1:{self.server.gcs.port}"
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value.replace(own, here))
        said = said.replace(own.encode(), here.encode()) if len(said) < 10_000 else said
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Returns the files of a key and of its certificate; writes a user's credentials beside."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _API)])
    names = [x509.DNSName(host) for host in _HOSTS]
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = folder / "gcs-key.pem", folder / "gcs-certificate.pem"
    user = {"type": "authorized_user", "client_id": "tests", "client_secret": "none"}
    told = json.dumps(user | {"refresh_token": "none"})
    (folder / "gcs-user.json").write_text(told, encoding="utf-8")
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(encoding, form, serialization.NoEncryption())
    written[0].write_bytes(pem)
    written[1].write_bytes(certificate.public_bytes(encoding))
    return written
