"""HTTP as TF-Serving speaks it: paths, methods, headers and connections, against a server."""

from __future__ import annotations

import gzip
import re
import socket

import pytest

from ..calling import ask, predict, send_raw

HTML_404 = (
    b"<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n"
    b"</BODY></HTML>\n"
)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/v1/models/half:predict"),
        ("DELETE", "/v1/models/half"),
        ("PATCH", "/v1/models/half"),
        ("POST", "/v1/models/half"),
        ("POST", "/v1/models/half:PREDICT"),
        ("POST", "/v1/models/half:predict?x=1"),
        ("POST", "/v1/models/half/versions/x:predict"),
        ("POST", "/v1/models/half/versions/1/labels/stable:predict"),
        ("GET", "/v1/models/half:predict"),
        ("GET", "/v1/models/half/"),
        ("GET", "/v1/models//metadata/x"),
        ("GET", "/v1/anything"),
    ],
)
def test_unmatched_requests_are_malformed(rest, method, target):
    """What matches no form is 400, never 405, and is echoed as it came."""
    answer = ask(rest, method, target, b"{}" if method == "POST" else None)
    assert answer.status == 400
    assert answer.error == f"Malformed request: {method} {target}"
    assert answer.headers["content-type"] == "application/json"


def test_head_is_malformed_and_has_no_body(rest):
    """HEAD is one of the methods that are not supported."""
    answer = ask(rest, "HEAD", "/v1/models/half")
    assert (answer.status, answer.body) == (400, b"")
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("target", ["/other", "/v1", "/v2/models/half", "/favicon.ico"])
def test_other_paths_are_html_404(rest, target):
    """Paths outside /v1/ get libevent's page, and the connection is closed."""
    answer = ask(rest, "GET", target)
    assert (answer.status, answer.body) == (404, HTML_404)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["connection"] == "close"


def test_unknown_methods_are_html_501(rest):
    """TRACE and made-up methods are libevent's to refuse."""
    assert ask(rest, "TRACE", "/v1/models/half").status == 501
    assert ask(rest, "BREW", "/v1/models/half").status == 501


def test_options_needs_an_origin(rest):
    """200 with one, 400 without, both empty."""
    allowed = ask(rest, "OPTIONS", "/v1/models", headers={"Origin": "http://a"})
    assert (allowed.status, allowed.body) == (200, b"")
    assert allowed.headers["content-type"] == "text/html; charset=ISO-8859-1"
    assert ask(rest, "OPTIONS", "/v1/models").status == 400
    assert "access-control-allow-origin" not in allowed.headers


def test_gzip_bodies_are_read(rest):
    """Whatever the content type says."""
    body = gzip.compress(b'{"instances":[0]}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/nonsense"}
    assert ask(rest, "POST", "/v1/models/half:predict", body, headers).json == {
        "predictions": [3.0]
    }


def test_keep_alive_and_pipelining(rest):
    """Two requests at once are answered in order, on one connection."""
    one = b"GET /v1/models/half/versions/%d HTTP/1.1\r\nHost: a\r\n%s\r\n"
    received = _send(rest, one % (1, b"") + one % (123, b"Connection: close\r\n"))
    assert [int(found) for found in re.findall(rb'"version": "(\d+)"', received)] == [1, 123]
    assert received.count(b"HTTP/1.1 200") == 2


def test_http_1_0_is_kept_where_it_asks_to_be(rest):
    """The answer says so; without the header, the first answer ends the connection."""
    one = b"GET /v1/models/half/versions/%d HTTP/1.0\r\n%s\r\n"
    keep, close = b"Connection: Keep-Alive\r\n", b""
    with socket.create_connection(("127.0.0.1", rest), timeout=30) as connection:
        received = b""
        for version, header in ((1, keep), (123, keep), (1, close)):
            connection.sendall(one % (version, header))
            while b'"version": "%d"' % version not in received.rpartition(b"\r\n\r\n")[2]:
                received += connection.recv(65536)
        while chunk := connection.recv(65536):
            received += chunk
    found = re.findall(rb'"version": "(\d+)"', received)
    assert [int(version) for version in found] == [1, 123, 1]
    assert received.lower().count(b"connection: keep-alive\r\n") == 2
    body = b'{"instances":[0]}'
    one = b"POST /v1/models/half:predict HTTP/1.0\r\n%sContent-Length: 17\r\n\r\n" + body
    received = _send(rest, one % keep + one % close)
    assert received.count(b'"predictions": [3.0') == 2


def _send(port: int, data: bytes) -> bytes:
    """Sends bytes and returns what comes back until the server closes; both halves stay open."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize("origin", ["http://a", "HTTP://127.0.0.1:8501", "https://[::1]:1"])
def test_targets_may_have_the_absolute_form(rest, origin):
    """A proxy's clients send it; the host does not count, the path is what it is alone."""
    answer = ask(rest, "GET", f"{origin}/v1/models/half/versions/1")
    assert answer.json["model_version_status"][0]["version"] == "1"
    body = {"instances": [0]}
    assert ask(rest, "POST", f"{origin}/v1/models/half:predict", body).json == {
        "predictions": [3.0]
    }
    assert ask(rest, "GET", f"{origin}/v1/x").error == "Malformed request: GET /v1/x"
    assert ask(rest, "GET", f"{origin}/other").body == HTML_404


@pytest.mark.parametrize("name", ["a%", "a%zz", "a%2", "%", "a|b", 'a"b', "a^b", "{a}", "a\\b"])
def test_what_is_no_uri_is_refused(rest, name):
    """By libevent, with its page; a percent sign needs its two digits."""
    for target in (f"/v1/models/{name}", f"/other/{name}", f"/v1/models/half?{name}"):
        answer = ask(rest, "GET", target)
        assert answer.status == 400
        assert b"<H1>Bad Request</H1>" in answer.body
    assert ask(rest, "GET", "/v1/models/a%25").error == "Could not find any versions of model a%"


def test_expect_100_continue(rest):
    """The server asks for the body before it is sent."""
    body = b'{"instances":[0]}'
    head = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    received = send_raw(rest, head + b"Content-Length: %d\r\n\r\n" % len(body))
    assert received.startswith(b"HTTP/1.1 100 ")
    received = send_raw(rest, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert b"HTTP/1.1 200" in received


def test_metrics_have_tf_servings_names(rest):
    """A counter of examples and no other ends in _total, latencies are in microseconds; no HELP."""
    body = {"signature_name": "classify", "examples": [{"x": 0.25}, {"x": 1.0}, {"x": 0.5}]}
    assert ask(rest, "POST", "/v1/models/examples:classify", body).status == 200
    predict(rest, "half", {"instances": [0]})
    predict(rest, "half", {})
    page = ask(rest, "GET", "/monitoring/prometheus/metrics")
    assert page.headers["content-type"] == "text/plain"
    text = page.body.decode()
    assert "# TYPE :tensorflow:serving:request_count counter" in text
    assert re.search(
        r'^:tensorflow:serving:request_count\{model_name="half",status="OK"\} [1-9]', text, re.M
    )
    assert ':request_count{model_name="half",status="INVALID_ARGUMENT"}' in text
    labels = 'model_name="half",API="predict",entrypoint="REST"'
    assert f':tensorflow:serving:request_latency_bucket{{{labels},le="18"}}' in text
    assert f':tensorflow:serving:request_latency_bucket{{{labels},le="+Inf"}}' in text
    assert ':runtime_latency_count{model_name="half",API="Predict",runtime="TF1"}' in text
    assert "# TYPE :tensorflow:serving:request_example_counts histogram" in text
    assert re.search(
        r'^:tensorflow:serving:request_example_counts_bucket\{model="examples",le="4"\} [1-9]',
        text, re.M,
    )  # fmt: skip
    assert re.search(
        r'^:tensorflow:serving:request_example_count_total\{model="examples"\} ([3-9]|\d\d)',
        text, re.M,
    )  # fmt: skip
    assert "# HELP" not in text
    totals = re.findall(r"^# TYPE (\S+_total) ", text, re.M)
    assert ":tensorflow:serving:request_example_count_total" in totals
    assert not any(name.endswith("request_count_total") for name in totals)
    answer = ask(rest, "GET", "/monitoring/prometheus/metrics?x=1")
    assert answer.body == (
        b"Unexpected path: /monitoring/prometheus/metrics?x=1. Should be "
        b"/monitoring/prometheus/metrics"
    )
    assert answer.status == 400
