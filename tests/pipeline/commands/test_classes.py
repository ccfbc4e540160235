"""predict and status with more than two classes, and with two that have names of their own."""

from __future__ import annotations

import csv
import io
import json

import pytest

from pipeline import cli
from serving.client import Client
from serving.server.flags import Flags
from serving.server.server import Server
from tests.pipeline.console.pseudo_terminal import in_a_terminal
from tests.serving import models

TEXTS = ["I was charged", "money back please"]


@pytest.fixture(scope="module")
def servers(classes_root):
    """The embedded server of each model, by name."""
    started = {}
    for name in ("tickets", "mail"):
        base = str(classes_root / "serving_model" / name)
        started[name] = Server(
            Flags(port=-1, rest_api_port=-1, model_name=name, model_base_path=base)
        )
        started[name].start()
    yield started
    for server in started.values():
        server.stop()


@pytest.fixture(params=["local", "grpc", "rest"])
def predict(request, classes_root, servers, capfd):
    """Asks a model in each way; returns what is printed."""

    def predict(name: str, *arguments: str) -> str:
        flags = {
            "local": ["--root", str(classes_root)],
            "grpc": ["--server", f"localhost:{servers[name].grpc_port}"],
            "rest": ["--server", f"http://localhost:{servers[name].rest_port}"],
        }[request.param]
        assert cli.main(["predict", *arguments, *flags, "--model-name", name]) == 0
        output, errors = capfd.readouterr()
        assert errors == ""
        return output

    return predict


def test_a_table_names_the_likeliest_class(predict):
    """With its probability; in two classes the probability is that of the second."""
    assert predict("tickets", *TEXTS, " ") == (
        "0.7870  billing   I was charged\n0.7361  refund    money back please\n-       no text\n"
    )
    assert (
        predict("mail", "winner", "lunch") == "0.8808  spam      winner\n0.1192  ham       lunch\n"
    )


def test_json_has_a_label_where_there_is_no_sentiment(predict):
    """The columns are those of the model in each line, blank ones before and after."""
    first, second, third = map(
        json.loads, predict("tickets", "", TEXTS[0], " ", "--format", "json").splitlines()
    )
    nothing = {"probability": None, "label": None, "model_version": None}
    assert (first, third) == ({"text": "", **nothing}, {"text": " ", **nothing})
    assert list(second) == ["text", "probability", "label", "model_version"]
    assert (second["label"], second["model_version"]) == ("billing", 5)
    (mail,) = map(json.loads, predict("mail", "lunch", "--format", "json").splitlines())
    assert list(mail) == ["text", "probability", "sentiment", "model_version"]
    assert mail["sentiment"] == "ham"


def test_csv_has_a_column_for_each_class_if_asked(predict):
    """Behind the others, in the order of the classes; blank texts have none."""
    plain = list(csv.reader(io.StringIO(predict("tickets", *TEXTS, "--format", "csv"))))
    assert plain[0] == ["text", "probability", "label", "model_version"]
    with_scores = predict("tickets", "", *TEXTS, "--format", "csv", "--scores")
    header, blank, *scored = csv.reader(io.StringIO(with_scores))
    assert header == [*plain[0], *(f"score_{name}" for name in models.TICKET_CLASSES)]
    assert blank == [""] * 7
    for row, without in zip(scored, plain[1:], strict=True):
        assert (row[0], row[2:4]) == (without[0], without[2:4])
        assert float(row[1]) == pytest.approx(float(without[1]))
        assert sum(map(float, row[4:])) == pytest.approx(1)
        assert row[1] == row[4 + models.TICKET_CLASSES.index(row[2])]


def test_json_and_a_table_have_all_scores_if_asked(predict):
    """An object by class; a line below, the likeliest class first; of two classes as well."""
    (line,) = predict("mail", "winner", "--format", "json", "--scores").splitlines()
    scores = json.loads(line)["scores"]
    assert scores == {
        "ham": pytest.approx(0.1192, abs=1e-4),
        "spam": json.loads(line)["probability"],
    }
    blank = predict("mail", "", "winner", "--format", "json", "--scores").splitlines()[0]
    assert json.loads(blank)["scores"] is None
    assert predict("tickets", TEXTS[0], "--scores") == (
        "0.7870  billing   I was charged\n        billing 0.7870, refund 0.1065, shipping 0.1065\n"
    )


def test_a_terminal_shows_the_likeliest_three(classes_root, servers):
    """Below the text, of three classes; two are told by one number."""
    server = f"localhost:{servers['tickets'].grpc_port}"
    for flags in (["--root", str(classes_root)], ["--server", server]):
        drawn = in_a_terminal(
            f"""
            import sys
            from pipeline import cli
            sys.exit(cli.main(["predict", "I was charged " * 6, "--model-name", "tickets",
                               *{flags!r}]))
            """
        )
        assert drawn.split("\x1b[K")[-1] == (
            "1.0000  billing   I was charged I was charged I was charged I was charged I was\r\n"
            "                  charged I was charged\r\n"
            "        refund 0.0000, shipping 0.0000\r\n"
        )
    drawn = in_a_terminal(
        f"""
        import sys
        from pipeline import cli
        sys.exit(cli.main(["predict", "lunch", "--server", "localhost:{servers["mail"].grpc_port}",
                           "--model-name", "mail"]))
        """
    )
    assert drawn == "0.1192  ham       lunch\r\n"


HOSTILE = ("a\x1b[31m,\n\u202e", "x" * 10_000, "مرحبا", "<script>alert(1)</script>")


@pytest.fixture(scope="module")
def hostile_root(tmp_path_factory):
    """A root with a model whose classes have names that do harm if they can."""
    root = tmp_path_factory.mktemp("hostile")
    words = {word: {column: 9.0} for column, word in enumerate("abcd")}
    models.save_classes(root / "serving_model" / "m" / "1", HOSTILE, words)
    return root


def test_names_of_classes_can_do_no_harm(hostile_root, capfd):
    """A table shows control characters by escapes, and long names by their beginning."""
    flags = ["--root", str(hostile_root)]
    assert cli.main(["predict", *"abcd", *flags]) == 0
    first, second, *_ = capfd.readouterr().out.splitlines()
    assert first == r"0.9996  a\x1b[31m,\n\u202e  a"
    assert second == f"0.9996  {'x' * 31}…  b"
    assert cli.main(["predict", *"abcd", *flags, "--format", "csv", "--scores"]) == 0
    header, *rows = csv.reader(io.StringIO(capfd.readouterr().out, newline=""))
    assert header[4:] == [f"score_{name}" for name in HOSTILE]
    assert [row[2] for row in rows] == list(HOSTILE)
    assert cli.main(["predict", *"abcd", *flags, "--format", "json"]) == 0
    output = capfd.readouterr().out
    assert [json.loads(line)["label"] for line in output.splitlines()] == list(HOSTILE)
    assert "\x1b" not in output and "\u202e" not in output


def test_status_names_the_classes(servers, capsys):
    """Of the version that answers."""
    for name, words in (
        ("tickets", "5  AVAILABLE  3 classes: billing, refund, shipping\n"),
        ("mail", "6  AVAILABLE  2 classes: ham, spam\n"),
    ):
        for address in (
            f"localhost:{servers[name].grpc_port}", f"http://localhost:{servers[name].rest_port}",
        ):  # fmt: skip
            assert cli.main(["status", "--server", address, "--model-name", name]) == 0
            assert capsys.readouterr().out == words


def test_scores_of_a_model_that_has_none_are_an_error(tmp_path, capfd):
    """In one line, without a server and with one."""
    models.save_sentiment(tmp_path / "serving_model" / "m" / "1", "predict_text")
    assert cli.main(["predict", "a", "--scores", "--root", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert "m/1 has no signature 'classify'. It has: predict_text" in error
    base = str(tmp_path / "serving_model" / "m")
    server = Server(Flags(port=-1, rest_api_port=-1, model_name="m", model_base_path=base))
    server.start()
    try:
        address = f"localhost:{server.grpc_port}"
        flags = ["--server", address, "--model-name", "m"]
        assert cli.main(["predict", "a", "--scores", *flags]) == 1
        assert "No signature was found with the name: classify" in capfd.readouterr().err
        with Client(address, model="m") as client:
            assert client.predict(["great"])[0].label == "positive"
    finally:
        server.stop()
