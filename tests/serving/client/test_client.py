"""Every call, over both transports, sync and async: the same answers by value."""

from __future__ import annotations

import pytest

from serving.client import (
    Classification,
    Client,
    Prediction,
    Retries,
    Signature,
    TensorSpec,
    Trace,
    VersionStatus,
)
from serving.errors import ModelNotFoundError, NotReadyError, ResponseError
from serving.status import Code
from tests.serving.client.backend import LENGTH, PlannedError, example_of, float32, probability_of

TEXTS = ["a great film", "not good at all", "", "caf\u00e9 \u4e2d\u6587 \U0001f3ac", 'a "\\\n\0b']
PROBABILITIES = [probability_of(text.encode()) for text in TEXTS]


def sentiment(probability):
    return "positive" if probability >= 0.5 else "negative"


EXPECTED = [
    Prediction(probability, sentiment(probability), 7, text)
    for text, probability in zip(TEXTS, PROBABILITIES, strict=True)
]


def test_predict_answers_for_every_text_in_order(call, address):
    """Probability, sentiment, version and text are those of the server, over any transport."""
    assert len(set(PROBABILITIES)) == len(TEXTS)
    assert call("predict", TEXTS, address=address) == EXPECTED


def test_predict_examples_sends_bytes_as_they_are(call, address):
    """Serialized tf.Examples get their texts' probabilities."""
    predictions = call("predict_examples", [example_of(text) for text in TEXTS], address=address)
    assert predictions == [
        Prediction(one.probability, one.sentiment, 7, text=None) for one in EXPECTED
    ]


def test_any_signature_can_be_asked(call, address):
    """By the names of its input and outputs; texts or bytes."""
    outputs = ("probability", "sentiment")
    for signature, name, values in (
        ("predict_text", "text", TEXTS),
        ("serving_default", "examples", [example_of(text) for text in TEXTS]),
    ):
        answer = call("ask_signature", signature, name, values, outputs, address=address)
        assert answer == {
            "probability": PROBABILITIES,
            "sentiment": [one.sentiment for one in EXPECTED],
        }


def test_classify_gives_the_score_of_each_class(call, address):
    """The Classify API's labels and scores come back as a dict."""
    assert call("classify", TEXTS, address=address) == [
        Classification(text, {"negative": float32(1 - one), "positive": one}, 7)
        for text, one in zip(TEXTS, PROBABILITIES, strict=True)
    ]


def test_trace_gives_what_is_believed_after_each_word(call, address):
    """Padding is left out; a review without words has none."""
    long = "one two three four five six seven eight"
    assert call("trace", ["a great film", "", long], address=address) == [
        Trace(
            "a great film",
            ("a", "great", "film"),
            tuple(probability_of(read) for read in (b"a", b"a great", b"a great film")),
            7,
        ),
        Trace("", (), (), 7),
        Trace(
            long,
            tuple(long.split()[-LENGTH:]),
            tuple(probability_of(" ".join(long.split()[2:end]).encode()) for end in range(3, 9)),
            7,
        ),
    ]


def test_status_lists_the_versions_and_their_errors(call, address, backend):
    """The newest version comes first, and one that did not load says why."""
    backend.versions = {6: "UNLOADING", 7: "AVAILABLE", 8: "END"}
    assert call("status", address=address) == [
        VersionStatus(8, "END", "UNKNOWN", "it is broken"),
        VersionStatus(7, "AVAILABLE"),
        VersionStatus(6, "UNLOADING"),
    ]


def test_metadata_lists_the_signatures(call, address):
    """Inputs and outputs have TensorFlow's types, and -1 for a size that is not known."""
    metadata = call("metadata", address=address)
    assert metadata.model_version == 7
    assert set(metadata.signatures) == {"serving_default", "predict_text", "trace_text"}
    assert metadata.signatures["trace_text"] == Signature(
        inputs={"text": TensorSpec("DT_STRING", (-1,))},
        outputs={
            "tokens": TensorSpec("DT_STRING", (-1, LENGTH)),
            "probability": TensorSpec("DT_FLOAT", (-1, LENGTH)),
        },
        method_name="tensorflow/serving/predict",
    )


@pytest.mark.parametrize(
    ("choice", "version"), [({}, 9), ({"version": 0}, 0), ({"label": "stable one"}, 7)]
)
def test_the_version_that_is_asked_for_answers(call, address, backend, choice, version):
    """The newest by default, else that of the number, even 0, or of the label."""
    backend.versions = dict.fromkeys((0, 7, 9), "AVAILABLE")
    backend.labels = {"stable one": 7}
    [prediction] = call("predict", ["a film"], address=address, **choice)
    assert prediction.model_version == version


def test_no_texts_are_answered_without_asking(call, address, backend):
    """An empty list gives an empty list."""
    assert call("predict", [], address=address) == []
    assert backend.asked == []


def test_large_batches_are_cut_and_joined_in_order(call, address, backend):
    """Ten texts in batches of four are three requests, and ten answers in the texts' order."""
    texts = ["a" * count + "b" * (10 - count) for count in range(10)]
    predictions = call("predict", texts, address=address, batch_size=4)
    assert [one.text for one in predictions] == texts
    assert [one.probability for one in predictions] == [
        probability_of(text.encode()) for text in texts
    ]
    assert [rows for method, rows, _ in backend.asked if method == "predict"] == [4, 4, 2]


def test_rest_asks_for_the_versions_number_once_a_second(backend, rest_address):
    """The metadata are asked for before the first prediction, not before the next ones."""
    with Client(rest_address, batch_size=1) as client:
        client.predict(["a", "b"])
        client.predict(["c"])
    assert backend.asked == [("metadata", None, None), *[("predict", 1, 7)] * 3]


def test_rest_follows_a_version_that_is_swapped(backend, rest_address):
    """A version that was unloaded a moment ago is replaced by the newest, without an error."""
    with Client(rest_address) as client:
        assert client.predict(["a"])[0].model_version == 7
        backend.versions = {7: "END", 8: "AVAILABLE"}
        assert client.predict(["a"])[0].model_version == 8
    assert backend.asked[2:] == [("predict", 1, 7), ("metadata", None, None), ("predict", 1, 8)]


def test_a_missing_version_is_an_error(call, address):
    """A version that was asked for by number is not replaced by another."""
    with pytest.raises(ModelNotFoundError, match=r"Servable not found.*Specific\(.*, 5\)"):
        call("predict", ["a"], address=address, version=5)


def test_wait_until_ready_returns_the_version(call, address, backend):
    """Failures and versions that load are waited for."""
    backend.failures.extend([PlannedError(Code.UNAVAILABLE), PlannedError(Code.NOT_FOUND)])
    assert call("wait_until_ready", 5.0, address=address) == 7
    assert len(backend.asked) == 3


def test_wait_until_ready_waits_for_the_version_asked_for(call, address, backend):
    """Another version, or an unknown label, is not enough; the error tells what was seen."""
    backend.versions = {7: "AVAILABLE", 8: "LOADING"}
    with pytest.raises(NotReadyError, match="at the last look: version 8 LOADING"):
        call("wait_until_ready", 0.2, address=address, version=8)
    with pytest.raises(NotReadyError, match="Unrecognized servable version label: new"):
        call("wait_until_ready", 0.2, address=address, label="new")
    backend.labels = {"new": 7}
    assert call("wait_until_ready", 0.2, address=address, label="new") == 7


def test_wait_until_ready_tells_why_it_gave_up(call, address, backend):
    """The states that were seen last, and a load's error."""
    backend.versions = {7: "LOADING", 8: "END"}
    with pytest.raises(
        NotReadyError,
        match=r"not ready after 0.3 s; at the last look: version 8 END \(UNKNOWN: it is broken\), "
        "version 7 LOADING",
    ):
        call("wait_until_ready", 0.3, address=address)
    assert 2 <= len(backend.asked) <= 4


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"probability": [0.5]}, "the answer has no output 'sentiment'; it has: probability"),
        (
            {"probability": [0.5, 0.5], "sentiment": [b"positive"]},
            "rows of 'probability': expected 1, 2 arrived",
        ),
        (
            {"probability": 0.5, "sentiment": [b"positive"]},
            "rows of 'probability': expected a list, 0.5 arrived",
        ),
        (
            {"probability": [float("nan")], "sentiment": [b"positive"]},
            "row 0 of the request has the probability nan, expected a number from 0 to 1",
        ),
        (
            {"probability": [1.5], "sentiment": [b"positive"]},
            "row 0 of the request has the probability 1.5, expected a number from 0 to 1",
        ),
        (
            {"probability": [0.5], "sentiment": [1.0]},
            "row 0 of the request has the sentiment 1.0, expected a string",
        ),
    ],
)
def test_wrong_answers_are_errors(call, address, backend, outputs, reason):
    """An answer of another shape, a number that is none, or another type is never passed on."""
    backend.outputs = outputs
    with pytest.raises(ResponseError) as caught:
        call("predict", ["a"], address=address, retries=Retries(attempts=1))
    assert caught.value.reason == reason
