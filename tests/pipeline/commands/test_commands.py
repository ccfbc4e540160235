"""serve, predict and status: engines, files, formats, and a real server."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import cli
from serving.server.flags import Flags
from tests.pipeline.console.pseudo_terminal import in_a_terminal


@pytest.fixture(scope="module")
def root(brief_is_better):
    """A root with version 7 of `imdb_sentiment`."""
    return brief_is_better


@pytest.fixture(scope="module")
def server(root):
    """The embedded server of that root, on free ports."""
    from serving.server.server import Server

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


BLANKS = ["", "four", " \t", "\u3000"]


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        (
            "table",
            ["-       no text", "0.2000  negative  four", "-       no text", "-       no text"],
        ),
        (
            "csv",
            ["text,probability,sentiment,model_version", ",,,", "four,0.2,negative,7",
             " \t,,,", "\u3000,,,"],
        ),
        (
            "json",
            [
                json.dumps(
                    {
                        "text": text,
                        "probability": 0.2 if text == "four" else None,
                        "sentiment": "negative" if text == "four" else None,
                        "model_version": 7 if text == "four" else None,
                    },
                    ensure_ascii=False,
                )
                for text in BLANKS
            ],
        ),
    ],
)  # fmt: skip
def test_a_blank_text_is_no_text(addresses, capfd, form, lines):
    """A line for each text, in their order; the model is asked about the others alone."""
    for flags in addresses:
        assert cli.main(["predict", *BLANKS, *flags, "--format", form]) == 0
        output, errors = capfd.readouterr()
        rounded = re.sub(r"0\.200000\d+|0\.2000(?=[,}])", "0.2", output)
        assert rounded.splitlines() == lines
        assert errors == ""


def test_without_a_word_no_model_is_needed(tmp_path, capfd):
    """Nor a server."""
    assert cli.main(["predict", "", "--root", str(tmp_path)]) == 0
    assert capfd.readouterr() == ("-       no text\n", "")
    (tmp_path / "blank.txt").write_text("\n \n")
    flags = ["--file", str(tmp_path / "blank.txt"), "--root", str(tmp_path)]
    assert cli.main(["predict", *flags]) == 0
    assert capfd.readouterr().out == "-       no text\n" * 2


def test_json_and_csv_are_data_and_a_table_is_for_people(root, capfd):
    """To a pipe, a text comes back as it was given; JSON has escapes of its own."""
    text = "a\x1b[31m\u202eé"
    expected = {
        "json": r'{"text": "a\u001b[31m\u202eé", ',
        "csv": f"text,probability,sentiment,model_version\n{text},",
        "table": r"0.0833  negative  a\x1b[31m\u202eé",
    }
    for form, words in expected.items():
        assert cli.main(["predict", text, "--root", str(root), "--format", form]) == 0
        output = capfd.readouterr().out
        assert output.startswith(words)
    assert cli.main(["predict", text, "--root", str(root), "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["text"] == text


@pytest.fixture
def two_models(root, tmp_path):
    """A root with two models; a third has no version."""
    for name in ("imdb_sentiment", "films"):
        (tmp_path / "serving_model" / name).mkdir(parents=True)
        os.symlink(root / "serving_model/imdb_sentiment/7", tmp_path / "serving_model" / name / "7")
    (tmp_path / "serving_model" / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "a film"],
        ["serve", "--engine", "embedded"],
        ["score", "--input", "a.csv", "--output", "out"],
    ],
)
def test_which_of_several_models_is_asked_for(two_models, capfd, command):
    """They are listed; none is taken silently."""
    assert cli.main([*command, "--root", str(two_models)]) == 2
    assert capfd.readouterr().err == (
        f"sentiment: error: {two_models}/serving_model holds 2 models: films, imdb_sentiment. "
        "Choose one by --model-name.\n"
    )


def test_the_only_model_needs_no_name(two_models, capfd):
    """Whatever it is called."""
    shutil.rmtree(two_models / "serving_model" / "imdb_sentiment")
    assert cli.main(["predict", "four", "--root", str(two_models)]) == 0
    assert capfd.readouterr() == ("0.2000  negative  four\n", "")


def test_loading_is_shown_on_a_terminal_and_taken_away_again(root):
    """Nothing of it remains, and a pipe sees nothing of it. Verdicts hold in the terminal."""
    flags = ["--root", str(root)]
    code = f"""
        import sys
        from pipeline import cli
        sys.exit(cli.main(["predict", "four", "a long review " * 6, *{flags!r}]))
    """
    drawn = in_a_terminal(code, keeps_errors=True)
    assert drawn == (
        "Loading imdb_sentiment, version 7 ...\r\x1b[K0.2000  negative  four\r\n"
        "0.0118  negative  a long review a long review a long review a long review a long\r\n"
        "                  review a long review\r\n"
    )


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


CASES = {
    "semicolon.csv": "id;text\n1;four, yes\n2;a\n".encode("utf-16"),
    "quoted.tsv": b"text\tid\nfour, yes\t1\na\t2\n",
    "array.json": json.dumps([{"text": "four, yes"}, {"text": "a"}], indent=1).encode(),
    "packed.csv": gzip.compress(b'text\r\n"four, yes"\r\na\r\n'),
    "old.csv": b'text,id\r"four, yes",1\ra,2\r',
    "lines.txt": b"four, yes\na\n",
}


@pytest.mark.parametrize("name", CASES)
def test_any_table_is_answered_line_by_line(root, tmp_path, capsys, name):
    """The same words as from a run's reader; what was found is told on standard error."""
    (tmp_path / name).write_bytes(CASES[name])
    flags = ["--file", str(tmp_path / name), "--format", "json", "--root", str(root)]
    assert cli.main(["predict", *flags]) == 0
    output, errors = capsys.readouterr()
    answers = [json.loads(line) for line in output.splitlines()]
    assert [answer["text"] for answer in answers] == ["four, yes", "a"]
    assert [answer["probability"] for answer in answers] == pytest.approx([1 / 10, 1 / 2])
    if name == "semicolon.csv":
        assert errors == f"sentiment: {name}: UTF-16 with a byte-order mark, delimiter ';'\n"


def test_standard_input_is_read_as_what_it_is(root, capsys, monkeypatch):
    """A table by its header, else a text a line."""
    for content in (b"id;text\n1;four, yes\n", b'[{"text": "four, yes"}]', b"four, yes\n"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert cli.main(["predict", "--file", "-", "--format", "json", "--root", str(root)]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["text"] == "four, yes"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            b"text,id\nloved it, but no,1\nfine,2\n",
            "a.csv, record 1: 3 fields, expected 2",
        ),
        ("a.csv", b'text\n"a great film\na dull one\n', "a.csv, record 1: line 2: unexpected end"),
        ("a.csv", b"text,label,label\nx,1,0\n", "a.csv has two columns 'label'"),
        ("a.csv", b"text,id\ncaf\xe9,1\n", "--encoding latin-1 reads it"),
        ("a.csv", b"text\n", "a.csv holds no texts"),
    ],
)
def test_a_file_is_answered_whole_or_refused(root, tmp_path, capsys, name, content, message):
    """With exit code 2, file and record, and no answer; never about half of a text."""
    (tmp_path / name).write_bytes(content)
    assert cli.main(["predict", "--file", str(tmp_path / name), "--root", str(root)]) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert message in error and error.count("\n") == 1


def test_settings_say_how_a_file_is_written(root, tmp_path, capsys):
    """Where its content does not; and bad records may be left out, which is told."""
    (tmp_path / "a.csv").write_bytes("café^1\nso^so^2\nfin^2\n".encode("latin-1"))
    flags = ["--file", str(tmp_path / "a.csv"), "--format", "json", "--root", str(root)]
    flags += ["--encoding", "latin-1", "--no-header", "--delimiter", "^", "--text-column", "1"]
    assert cli.main(["predict", *flags, "--max-bad-records", "0.4"]) == 0
    output, error = capsys.readouterr()
    assert [json.loads(line)["text"] for line in output.splitlines()] == ["café", "fin"]
    assert error == (
        "sentiment: 1 records were left out, e.g. a.csv, record 2: 3 fields, expected 2\n"
    )


def test_status_lists_the_versions(server, capsys):
    """With exit code 0 as one of them answers."""
    assert cli.main(["status", "--server", f"localhost:{server.grpc_port}"]) == 0
    assert capsys.readouterr().out == "7  AVAILABLE\n"


def test_a_model_that_the_server_does_not_have_is_named_by_a_flag(server, capsys):
    """Not by the calls of Python's client, whose message it is."""
    for address in (f"localhost:{server.grpc_port}", f"http://localhost:{server.rest_port}"):
        for asks in (["status"], ["predict", "a film"]):
            assert cli.main([*asks, "--server", address, "--model-name", "films"]) == 1
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith(f"sentiment: error: {address}, model 'films': ")
            assert "Give the name of the server's model by --model-name" in line
            assert "status()" not in line


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
    advice = f"Run `sentiment run --root {tmp_path}` first"
    assert advice in capsys.readouterr().err


def test_flags_that_tf_serving_lacks_are_refused(root, capsys):
    """Rather than passed to a server that ends at them."""
    flags = ["--root", str(root), "--engine", "binary", "--host=0.0.0.0"]
    assert cli.main(["serve", *flags]) == 2
    assert "--host does not work with --engine binary" in capsys.readouterr().err


SENTIMENT = str(Path(sys.executable).with_name("sentiment"))
# As a shell has it, rather than as these tests do.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}


def test_predict_leaves_standard_error_to_errors(root):
    """What TensorFlow says of processors and graphics cards does not get there."""
    result = subprocess.run(
        [SENTIMENT, "predict", "a", "--root", str(root)],
        capture_output=True, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr) == (0, "0.5000  positive  a\n", "")


def test_serve_writes_nothing_but_its_log(root):
    """Each line has a time and a level, up to the end."""
    flags = ["--engine=embedded", "--root", str(root), "--port=-1", "--rest_api_port=-1"]
    with subprocess.Popen(
        [SENTIMENT, "serve", *flags], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True, env=ENVIRONMENT,
    ) as process:  # fmt: skip
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Exporting HTTP/REST API" in line:
                process.terminate()
    assert process.returncode == 0
    pattern = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO \S.*\n")
    assert [line for line in lines if not pattern.fullmatch(line)] == []
    assert len(lines) > 3
