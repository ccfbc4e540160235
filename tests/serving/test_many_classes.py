"""A model of 1,000 classes in the embedded server: whole answers, and what they may take."""

from __future__ import annotations

import json
import math

import pytest

from serving.client import Client
from serving.errors import ServingError
from serving.status import Code

from .calling import ask, predict

NAMES = [f"class {number}" for number in range(1_000)]


@pytest.fixture(scope="module")
def server(thousand, serve):
    """The embedded server of the model."""
    return serve(model_name="m", model_base_path=str(thousand))


@pytest.fixture(params=["grpc", "rest"])
def client(request, server):
    """A client of it over each transport."""
    address = {
        "grpc": f"localhost:{server.grpc_port}",
        "rest": f"http://localhost:{server.rest_port}",
    }[request.param]
    with Client(address, model="m") as client:
        yield client


def test_every_class_has_its_score(client):
    """In the order of the classes, of more texts than one run has rows."""
    texts = ["a", "b b", "zzz"] * 100
    found = client.classify(texts)
    assert [one.label for one in found[:3]] == ["class 7", "class 8", "class 0"]
    assert all(list(one.scores) == NAMES for one in found[::100])
    assert found[298].scores["class 8"] == pytest.approx(math.exp(8) / (math.exp(8) + 999))
    assert [one.scores for one in found[297:]] == [one.scores for one in found[:3]]
    predictions = client.predict(texts[:3])
    assert [one.label for one in predictions] == ["class 7", "class 8", "class 0"]


def test_a_trace_has_a_probability_for_every_class(client):
    """Of each word, by name; the names are asked for as well."""
    texts = ["zzz a", "b", ""]
    first, second, third = client.trace(texts)
    assert [first.label, second.label, third.label] == ["class 7", "class 8", "class 0"]
    assert list(first.scores) == list(second.scores) == list(third.scores) == NAMES
    assert first.scores["class 1"] == pytest.approx((0.001, first.scores["class 2"][1]))
    assert first.probabilities == first.scores["class 7"]
    assert second.probabilities == pytest.approx((math.exp(4) / (math.exp(4) + 999),))


def test_an_answer_beyond_the_limit_is_refused(server):
    """By what its shape tells: 21 texts with 200 words of 1,000 classes."""
    with (
        Client(f"localhost:{server.grpc_port}", model="m") as client,
        pytest.raises(ServingError) as error,
    ):
        client.ask_signature("trace_text", "text", ["a"] * 21, ["probability"])
    assert error.value.code is Code.RESOURCE_EXHAUSTED
    assert "would hold 4200000 values; at most 4194304 are sent" in error.value.reason


def test_rest_answers_with_strings_and_rows_of_classes(server):
    """`:classify` with pairs, `:predict` with lists by row."""
    body = json.dumps({"signature_name": "classify", "examples": [{"text": "a"}, {"text": "b"}]})
    results = ask(server.rest_port, "POST", "/v1/models/m:classify", body).json["results"]
    assert [[name for name, _ in row] for row in results] == [NAMES, NAMES]
    (row,) = predict(
        server.rest_port, "m", {"signature_name": "predict_text", "instances": ["b"]}
    ).json["predictions"]
    assert row == {"label": "class 8", "probability": results[1][8][1]}
    (row,) = predict(
        server.rest_port, "m", {"signature_name": "trace_text", "instances": ["b"]}
    ).json["predictions"]
    assert len(row["tokens"]) == 200
    assert [len(each) for each in row["probability"]] == [1_000] * 200
