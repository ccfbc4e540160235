"""HTTP as TF-Serving speaks it: paths, methods, headers and connections, against a server."""

from __future__ import annotations

import gzip
import re

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
        ("GET", "/v1/models/half/METADATA"),
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
    one = b"GET /v1/models/half/versions/%d HTTP/1.1\r\nHost: a\r\n\r\n"
    received = send_raw(rest, one % 1 + one % 123)
    assert [int(found) for found in re.findall(rb'"version": "(\d+)"', received)] == [1, 123]
    assert received.count(b"HTTP/1.1 200") == 2


def test_expect_100_continue(rest):
    """The server asks for the body before it is sent."""
    body = b'{"instances":[0]}'
    head = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    received = send_raw(rest, head + b"Content-Length: %d\r\n\r\n" % len(body))
    assert received.startswith(b"HTTP/1.1 100 ")
    received = send_raw(rest, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert b"HTTP/1.1 200" in received


def test_metrics_have_tf_servings_names(rest):
    """Counters without _total, histograms in microseconds, no HELP."""
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
    assert "# HELP" not in text and "_total" not in text
    answer = ask(rest, "GET", "/monitoring/prometheus/metrics?x=1")
    assert answer.body == (
        b"Unexpected path: /monitoring/prometheus/metrics?x=1. Should be "
        b"/monitoring/prometheus/metrics"
    )
    assert answer.status == 400
