"""serve, predict and status: engines, files, formats, and a real server."""

from __future__ import annotations

import csv
import io
import json
import socket

import pytest

from pipeline import cli
from serving.server.flags import Flags


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with version 7 of a model that believes in short texts."""
    import tensorflow as tf

    class Brevity(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def predict_text(self, text):
            probability = 1.0 / (1.0 + tf.cast(tf.strings.length(text), tf.float32))
            names = tf.constant(["negative", "positive"])
            return {
                "probability": probability,
                "sentiment": tf.gather(names, tf.cast(probability >= 0.5, tf.int32)),
            }

    root = tmp_path_factory.mktemp("root")
    model = Brevity()
    folder = root / "serving_model" / "imdb_sentiment" / "7"
    tf.saved_model.save(model, str(folder), signatures={"predict_text": model.predict_text})
    return root


@pytest.fixture(scope="module")
def server(root):
    """The embedded server of that root, on free ports."""
    from serving.server.running import Server

    base = root / "serving_model" / "imdb_sentiment"
    flags = Flags(port=-1, rest_api_port=-1, model_name="imdb_sentiment", model_base_path=str(base))
    server = Server(flags)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def addresses(root, server):
    """Flags of each way to ask: no server, gRPC, REST."""
    return (
        ["--root", str(root)],
        ["--server", f"localhost:{server.grpc_port}"],
        ["--server", f"http://localhost:{server.rest_port}"],
    )


def test_each_way_to_ask_gives_the_same_answer(addresses, capfd):
    """Without a server, over gRPC, and over REST; nothing goes to standard error."""
    for flags in addresses:
        assert cli.main(["predict", "a", "four", *flags, "--format", "json"]) == 0
        output, errors = capfd.readouterr()
        first, second = map(json.loads, output.splitlines())
        assert first == {
            "text": "a", "probability": 0.5, "sentiment": "positive", "model_version": 7,
        }  # fmt: skip
        assert second["probability"] == pytest.approx(0.2)
        assert errors == ""


def test_a_long_file_keeps_its_order_in_csv(root, tmp_path, capsys):
    """More texts than a batch holds; commas and line breaks stay within their fields."""
    texts = [f'{"x" * (number % 9)}, "{number}"' for number in range(300)]
    file = tmp_path / "reviews.jsonl"
    file.write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    flags = ["--file", str(file), "--text-column", "body", "--format", "csv", "--root", str(root)]
    assert cli.main(["predict", *flags]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["text"] for row in rows] == texts
    assert [float(row["probability"]) for row in rows] == pytest.approx(
        [1 / (1 + len(text)) for text in texts]
    )


def test_status_lists_the_versions(server, capsys):
    """With exit code 0 as one of them answers."""
    assert cli.main(["status", "--server", f"localhost:{server.grpc_port}"]) == 0
    assert capsys.readouterr().out == "7  AVAILABLE\n"


def test_a_server_that_is_not_there_is_one_line(capsys):
    """It names the address and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"localhost:{taken.getsockname()[1]}"
        assert cli.main(["status", "--server", f"http://{address}"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"sentiment: error: http://{address}, model 'imdb_sentiment': ")
    assert error.count("\n") == 1


def test_a_port_that_is_taken_is_told_at_once(root, capsys):
    """Before the model is loaded; the flag is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        flags = ["--engine", "embedded", "--root", str(root), f"--rest_api_port={port}"]
        assert cli.main(["serve", *flags, "--port=0"]) == 2
    assert f"--rest-api-port {port}: cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_serving_before_a_push_says_run_first(tmp_path, capsys):
    """Wrong use, in one line."""
    assert cli.main(["serve", "--root", str(tmp_path)]) == 2
    assert "Run `sentiment run` first" in capsys.readouterr().err


def test_flags_that_tf_serving_lacks_are_refused(root, capsys):
    """Rather than passed to a server that ends at them."""
    flags = ["--root", str(root), "--engine", "binary", "--host=0.0.0.0"]
    assert cli.main(["serve", *flags]) == 2
    assert "--host does not work with --engine binary" in capsys.readouterr().err
