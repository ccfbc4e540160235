"""Making a client: addresses, options, transports; what the messages say."""

from __future__ import annotations

import asyncio
import sys

import pytest

from serving import errors
from serving.client import (
    AsyncClient,
    AsyncInMemoryTransport,
    Client,
    InMemoryTransport,
    Prediction,
    Retries,
)
from serving.client.address import Address, parse
from serving.client.messages import Model, PredictRequest, PredictResponse
from serving.errors import (
    ClientSetupError,
    InvalidInputError,
    ModelNotFoundError,
    ResponseError,
    ServingError,
    UnavailableError,
    code_of_http_status,
    error_of,
)
from serving.status import HTTP_STATUS, Code

CHOICES = (
    "Give host:port for gRPC, such as localhost:8500, or http://host:port or https://host:port "
    "for REST, such as http://localhost:8501."
)


def answer(request):
    """Says of every text that it is positive by 0.75."""
    assert isinstance(request, PredictRequest)
    rows = len(request.values)
    return PredictResponse(3, {"probability": [0.75] * rows, "sentiment": ["positive"] * rows})


def test_a_transport_of_ones_own_takes_the_place_of_an_address():
    """Code that uses a client is tested without a server; sync and async alike."""
    expected = [Prediction(0.75, "positive", 3, "a film")]
    with Client(transport=InMemoryTransport(answer)) as client:
        assert client.predict(["a film"]) == expected

    async def ask():
        async with AsyncClient(transport=AsyncInMemoryTransport(answer)) as client:
            return await client.predict(["a film"])

    assert asyncio.run(ask()) == expected


def test_a_request_names_signature_input_and_outputs():
    """What a transport is handed is all that it needs; no outputs are all outputs."""
    handed = []

    def keep(request):
        handed.append(request)
        return answer(request)

    Client(transport=InMemoryTransport(keep), model="m", label="stable").predict(["a"])
    assert handed == [
        PredictRequest(Model("m", label="stable"), "predict_text", "text", ["a"], outputs=())
    ]


def test_async_calls_run_side_by_side(address, backend):
    """Eight calls of 0.2 s each, in fours, take far less than one after another."""
    backend.delay = 0.2

    async def ask():
        async with AsyncClient(address, version=7) as client:
            started = asyncio.get_running_loop().time()
            answers = await asyncio.gather(*(client.predict([str(i)]) for i in range(8)))
            return answers, asyncio.get_running_loop().time() - started

    answers, seconds = asyncio.run(ask())
    assert [one.text for [one] in answers] == [str(i) for i in range(8)]
    assert seconds < 1.2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("localhost:8500", (False, False, True)),
        ("127.0.0.1:8500", (False, False, True)),
        ("[::1]:8500", (False, False, True)),
        ("models.example:8500", (False, False, False)),
        ("unix:/run/models.sock", (False, False, True)),
        ("http://localhost:8501", (True, False, True)),
        ("https://models.example/reviews", (True, True, False)),
    ],
)
def test_the_address_chooses_the_transport(text, parts):
    """A URL means REST, host and port mean gRPC."""
    assert parse(text, "m") == Address(text, *parts)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("localhost", "this is no address of a server: it has no host and port."),
        ("", "this is no address of a server: it has no host and port."),
        ("localhost:8500/v1", "this is no address of a server: it has a path."),
        ("http://", "this is no address of a server: it has no host."),
        ("http://localhost:8501/?a=1", "this is no address of a server: it has a query or"),
        ("localhost:99999", "Port out of range 0-65535."),
        ("localhost:http", "Port could not be cast to integer value as 'http'."),
        ("grpc://localhost:8500", "this is no address of a server: it begins with 'grpc://'."),
        ("http://a..b:8501", "this is no address of a server: its host is no name."),
    ],
)
def test_what_is_no_address_is_refused(address, reason):
    """The error says what arrived, and lists the choices."""
    with pytest.raises(ClientSetupError) as caught:
        Client(address)
    message = str(caught.value)
    assert message.startswith(f"{address}, model 'imdb_sentiment': {reason}")
    assert message.endswith(CHOICES)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "give either an address or a transport"),
        (
            {"address": "localhost:1", "transport": InMemoryTransport(answer)},
            "give either an address or a transport",
        ),
        ({"address": "localhost:1", "model": ""}, "the model's name is empty"),
        (
            {"address": "localhost:1", "version": 1, "label": "stable"},
            "give a version or a label, not both",
        ),
        (
            {"address": "localhost:1", "version": -1},
            r"version is -1; give a number from 0 to 2\*\*63 - 1",
        ),
        (
            {"address": "localhost:1", "timeout": 0},
            "timeout is 0; give a number",
        ),
        ({"address": "localhost:1", "timeout": float("nan")}, "timeout is nan; give a number"),
        (
            {"address": "localhost:1", "batch_size": 0},
            "batch_size is 0; give a number of rows, 1 or more",
        ),
        (
            {"address": "localhost:1", "retries": Retries(attempts=0)},
            "retries.attempts is 0; give 1, or more to ask again",
        ),
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_options_that_cannot_be_used_are_refused(kind, options, reason):
    """The error comes when the client is made."""
    with pytest.raises(ClientSetupError, match=reason):
        kind(**options)


@pytest.mark.parametrize(
    ("method", "items", "reason"),
    [
        (
            "predict",
            "a film",
            "expected a list of texts, str arrived; pass [text] for a single",
        ),
        ("predict", ["a", b"b"], "expected str in row 1, bytes arrived"),
        ("trace", [None], "expected str in row 0, NoneType arrived"),
        ("classify", iter(["a"]), "expected a list of texts, list_iterator arrived; pass"),
        ("predict_examples", ["a"], "expected bytes in row 0, str arrived"),
        ("predict_examples", b"a", "expected a list of serialized tf.Examples, bytes arrived"),
        ("predict", ["a", "b\ud800"], "text 1 has half a surrogate pair at character 1, which"),
    ],
)
def test_what_cannot_be_sent_is_refused(method, items, reason):
    """Nothing is sent, and the error names the row."""
    client = Client(transport=InMemoryTransport(lambda request: pytest.fail("it was sent")))
    with pytest.raises(InvalidInputError) as caught:
        getattr(client, method)(items)
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize("library", ["grpc", "httpx"])
def test_a_missing_library_is_named_with_the_command_that_brings_it(library, monkeypatch):
    """Without gRPC or HTTPX the error says how to install them."""
    transport = "grpc_transport" if library == "grpc" else "rest_transport"
    monkeypatch.delitem(sys.modules, f"serving.client.transports.{transport}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    address = "localhost:8500" if library == "grpc" else "http://localhost:8501"
    with pytest.raises(ClientSetupError, match=rf"{library}.*pip install 'sentiment\[client\]'"):
        Client(address)


def test_messages_name_address_model_reason_and_next_step(address, backend):
    """The whole message, as a user reads it."""
    with Client(address, model="imbd") as client, pytest.raises(ModelNotFoundError) as caught:
        client.metadata()
    assert str(caught.value) == (
        f"{address}, model 'imbd': Servable not found for request: Latest(imbd). Check the "
        "model's name against the server's --model_name, and the version against `status()`; a "
        "model that is still loading is awaited by `wait_until_ready()`."
    )


@pytest.mark.parametrize("address", ["localhost:1", "http://localhost:1"])
def test_nobody_at_the_address_is_said_so(call, address):
    """Reason and next step, over either transport."""
    with pytest.raises(UnavailableError) as caught:
        call("status", address=address, retries=Retries(attempts=1), version=4)
    assert str(caught.value).startswith(f"{address}, model 'imdb_sentiment, version 4': ")
    assert "Connection refused" in caught.value.reason
    assert "Start the server (`sentiment serve`) or check the address" in str(caught.value)


def test_grpc_spoken_to_a_rest_server_is_an_error(call, rest_address):
    """The wrong port is a ServingError that names the two ports."""
    with pytest.raises(UnavailableError, match="gRPC is at 8500, REST at 8501"):
        call("status", address=rest_address.removeprefix("http://"), retries=Retries(attempts=1))


def test_rest_spoken_to_a_grpc_server_is_an_error(call, grpc_address):
    """And the other way round."""
    with pytest.raises(UnavailableError, match="gRPC is at 8500, REST at 8501"):
        call("status", address=f"http://{grpc_address}", retries=Retries(attempts=1))


def test_every_code_has_an_http_status_and_an_error():
    """The table of TF-Serving, and its reverse."""
    assert set(HTTP_STATUS) == set(Code)
    for code in set(Code) - {Code.OK}:
        error = error_of(code, "so it is.", address="a", model="m")
        assert error.code is code
        assert error.http_status == HTTP_STATUS[code]
        assert str(error).startswith("a, model 'm': so it is. ")
        assert HTTP_STATUS[code_of_http_status(error.http_status)] == error.http_status
    assert code_of_http_status(400) is Code.INVALID_ARGUMENT
    assert code_of_http_status(500) is Code.INTERNAL
    assert code_of_http_status(502) is Code.UNAVAILABLE
    assert code_of_http_status(418) is Code.INVALID_ARGUMENT
    assert code_of_http_status(302) is Code.UNKNOWN


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    """Every error is drawn, under its parent."""
    drawn = {}
    path = []
    for line in errors.__doc__.splitlines():
        words = line.replace("\u2502", " ").replace("\u251c\u2500\u2500", "   ")
        words = words.replace("\u2514\u2500\u2500", "   ")
        name = words.split()[0] if words.split() else ""
        if name.endswith("Error") and line.startswith("    "):
            depth = (len(words) - len(words.lstrip())) // 4 - 1
            path[depth:] = [name]
            drawn[name] = path[depth - 1] if depth else "Exception"
    defined = {
        name: kind.__base__.__name__
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, ServingError)
    }
    assert drawn == defined


def test_error_types_are_catchable_by_the_base():
    """One except clause is enough."""
    with pytest.raises(ServingError):
        Client(transport=InMemoryTransport(lambda _: PredictResponse(1, {}))).predict(["a"])
    assert issubclass(ResponseError, ServingError)
