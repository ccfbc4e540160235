"""Classes of any names and number, by every call over both transports, sync and async."""

from __future__ import annotations

import math

import pytest

from serving.client import (
    Classification,
    ClassifyResponse,
    Client,
    InMemoryTransport,
    PredictResponse,
    Trace,
)
from serving.errors import ResponseError
from serving.predictions import Prediction
from tests.serving.client.backend import example_of
from tests.serving.models import SPAM_CLASSES, TICKET_CLASSES, TICKET_WORDS

TEXTS = ["I was charged", "money back please", "parcel late parcel", ""]


def softmax(*weights: float) -> list[float]:
    """The probabilities of a model of known weights."""
    total = sum(map(math.exp, weights))
    return [math.exp(weight) / total for weight in weights]


def scores_of(text: str) -> dict[str, float]:
    """What `tickets` says of a text."""
    found = [TICKET_WORDS.get(word, {}) for word in text.split()]
    sums = [sum(word.get(column, 0.0) for word in found) for column in range(3)]
    return dict(zip(TICKET_CLASSES, map(pytest.approx, softmax(*sums)), strict=True))


@pytest.fixture(scope="module")
def servers(classes_root, serve):
    """The embedded server of each model, by name."""
    return {
        name: serve(model_name=name, model_base_path=str(classes_root / "serving_model" / name))
        for name in ("tickets", "mail")
    }


@pytest.fixture(params=["grpc", "rest"])
def ask(request, call, servers):
    """Calls a method of a client of a model: `ask("mail", "predict", texts)`."""

    def ask(model: str, method: str, *arguments):
        server = servers[model]
        address = (
            f"localhost:{server.grpc_port}"
            if request.param == "grpc"
            else f"http://localhost:{server.rest_port}"
        )
        return call(method, *arguments, address=address, model=model)

    return ask


def test_of_three_classes_a_prediction_names_the_likeliest(ask):
    """With its probability; of equals it is the first; there is no sentiment."""
    expected = ["billing", "refund", "shipping", "billing"]
    for predictions in (
        ask("tickets", "predict", TEXTS),
        ask("tickets", "predict_examples", [example_of(text) for text in TEXTS]),
    ):
        assert [one.label for one in predictions] == expected
        assert [one.sentiment for one in predictions] == [None] * 4
        for text, one in zip(TEXTS, predictions, strict=True):
            assert one.probability == one.confidence == scores_of(text)[one.label]
            assert one.model_version == 5


def test_of_two_classes_a_prediction_has_their_own_names(ask):
    """And the probability of the second one, whichever is likelier."""
    spam, ham = ask("mail", "predict", ["winner winner", "lunch"])
    assert (spam.label, spam.sentiment, ham.label, ham.sentiment) == ("spam", "spam", "ham", "ham")
    assert spam.probability == pytest.approx(softmax(0, 4)[1])
    assert ham.probability == pytest.approx(softmax(2, 0)[1])
    assert spam.confidence == spam.probability and ham.confidence == 1 - ham.probability


def test_classify_gives_all_scores_in_the_order_of_the_classes(ask):
    """And predicts what `predict` predicts."""
    for model, names in (("tickets", TICKET_CLASSES), ("mail", SPAM_CLASSES)):
        found = ask(model, "classify", TEXTS)
        assert [tuple(one.scores) for one in found] == [names] * len(TEXTS)
        predictions = ask(model, "predict", TEXTS)
        for one, prediction in zip(found, predictions, strict=True):
            assert one.label == prediction.label
            assert one.prediction.sentiment == prediction.sentiment
            assert one.prediction.probability == pytest.approx(prediction.probability)
            assert one.prediction.confidence == pytest.approx(max(one.scores.values()))
    (money,) = ask("tickets", "classify", TEXTS[1:2])
    assert money.likeliest(2) == list(scores_of(TEXTS[1]).items())[1::-1]


def test_a_trace_of_three_classes_has_a_probability_for_each(ask):
    """After each word, by name; `probabilities` are those of the class that wins at the end."""
    text = "charged late parcel please"
    trace, nothing = ask("tickets", "trace", [text, ""])
    assert (trace.label, trace.model_version) == ("shipping", 5)
    assert trace.words == tuple(text.split())
    assert tuple(trace.scores) == TICKET_CLASSES
    for end in range(1, 5):
        expected = scores_of(" ".join(text.split()[:end]))
        assert {name: of_words[end - 1] for name, of_words in trace.scores.items()} == expected
    assert trace.probabilities == trace.scores["shipping"]
    assert nothing == Trace("", (), (), 5, "billing", dict.fromkeys(TICKET_CLASSES, ()))


def test_a_trace_of_two_classes_is_of_the_second(ask):
    """It has one probability for each word."""
    (trace,) = ask("mail", "trace", ["winner lunch"])
    assert trace.probabilities == pytest.approx((softmax(0, 2)[1], 0.5))
    assert (trace.label, trace.scores) == (None, None)


def test_names_of_classes_are_asked_for_once_a_version(servers):
    """They are not in a trace; a version never changes."""
    asked = []
    with Client(f"localhost:{servers['tickets'].grpc_port}", model="tickets") as client:
        send = client._transport.send
        client._transport.send = lambda request, seconds: (
            asked.append(request) or send(request, seconds)
        )
        client.trace(["a", "b", "c"])
        client.trace(["d", "e"])
    assert [type(request).__name__ for request in asked] == [
        "PredictRequest", "ClassifyRequest", "PredictRequest", "PredictRequest",
    ]  # fmt: skip
    assert asked[1].model.version == 5
    assert [len(asked[index].values) for index in (0, 2, 3)] == [1, 2, 2]


def test_large_traces_are_asked_for_a_few_at_a_time():
    """By what the first one took: 2**20 probabilities a request."""
    asked = []

    def answer(request):
        asked.append(request)
        if hasattr(request, "texts"):
            return ClassifyResponse(1, [[(str(one), 0.0) for one in range(1_000)]])
        rows = len(request.values)
        return PredictResponse(
            1, {"tokens": [["a"] * 200] * rows, "probability": [[[0.001] * 1_000] * 200] * rows}
        )

    with Client(transport=InMemoryTransport(answer)) as client:
        traces = client.trace(list("abcdefghi"))
    assert [trace.text for trace in traces] == list("abcdefghi")
    assert [len(one.values) for one in asked if hasattr(one, "values")] == [1, 5, 3]
    assert len(traces[8].scores["999"]) == 200


def answering(outputs=None, classes=None):
    """A client of a model that answers always the same."""

    def answer(request):
        if hasattr(request, "texts"):
            return ClassifyResponse(1, classes)
        return PredictResponse(1, outputs)

    return Client(transport=InMemoryTransport(answer))


@pytest.mark.parametrize(
    ("probability", "names", "reason"),
    [
        ([[[0.5, 0.5, 0.0]]], "ab", "probabilities of word 'x' of row 0: expected 2, 3 arrived"),
        ([[[0.5, None, 0.5]]], "abc", "word 'x' of row 0 has the probability None, expected a"),
        ([[[0.5, 0.5, 0.0]]], "aab", "row 0 of the request has 3 scores for 2 names of classes"),
        ([[[0.5, 0.5, 0.0]]], "", "row 0 of the request has 0 scores for 0 names of classes"),
    ],
)
def test_traces_that_do_not_fit_the_classes_are_errors(probability, names, reason):
    """Of another number than the classes, no numbers, or classes of one name."""
    outputs = {"tokens": [["x"]], "probability": probability}
    with (
        answering(outputs, [[(name, 0.5) for name in names]]) as client,
        pytest.raises(ResponseError, match=reason),
    ):
        client.trace(["x"])


@pytest.mark.parametrize(
    ("tokens", "probability", "reason"),
    [
        ([["x"], []], [[[0.5, 0.25, 0.25]], []], "words in row 1: expected 1, 0 arrived"),
        ([["x"], ["y"]], [[[0.5, 0.25, 0.25]], [0.5]], "word 'y' of row 1: expected a list, 0.5"),
        ([["x"], ["y"]], [[0.5], [[0.5, 0.25, 0.25]]], "word 'y' of row 1 has the probability \\["),
    ],
)
def test_traces_of_several_shapes_are_errors(tokens, probability, reason):
    """In one answer all texts have the same number of words, and of classes."""
    classes = [[(name, 0.5) for name in "abc"]]

    def answer(request):
        if hasattr(request, "texts"):
            return ClassifyResponse(1, classes)
        if len(request.values) == 1:
            return PredictResponse(1, {"tokens": [["x"]], "probability": [[0.5]]})
        return PredictResponse(1, {"tokens": tokens, "probability": probability})

    with (
        Client(transport=InMemoryTransport(answer)) as client,
        pytest.raises(ResponseError, match=reason),
    ):
        client.trace(["x", "x", "y"])


@pytest.mark.parametrize("label", [1.0, None, ["a"]])
def test_a_label_that_is_no_string_is_an_error(label):
    """It is shown."""
    with (
        answering({"probability": [0.5], "label": [label]}) as client,
        pytest.raises(ResponseError, match=r"row 0 of the request has the label .*expected a str"),
    ):
        client.predict(["x"])


def test_results_can_be_put_into_sets():
    """As before there were scores."""
    scores = {"a": 0.5, "b": 0.25, "c": 0.25}
    assert len({Classification("x", scores, 1).prediction, Prediction(0.5, "a")}) == 2
    assert Classification("x", {"a": 0.5, "b": 0.5}, 1).label == "b"
    assert Classification("x", {"a": 0.5, "b": 0.5, "c": 0.0}, 1).label == "a"
