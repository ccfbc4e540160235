"""Nothing that a message quotes reaches the terminal or the log as a control character."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import DatasetError, TrainingError
from pipeline import cli
from pipeline.runners import local
from serving.printable import UNSAFE

# A colour, a title of the window, an 8-bit sequence, text that runs backwards, lines.
HOSTILE = "te\x1b[31mxt\x07\x9b2J\x85\u202e\u2066\u200f\x7f\r\t\u2028\nx"
SHOWN = r"te\x1b[31mxt\x07\x9b2J\x85\u202e\u2066\u200f\x7f\r\t\u2028\nx"
BYTES = os.fsdecode(b"caf\xe9\x1b")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with files that hold HOSTILE in all places that messages quote."""
    monkeypatch.chdir(tmp_path)
    column = HOSTILE.replace("\r", "").replace("\n", "")
    Path("columns.csv").write_text(f'"{column}",label\nx,1\n')
    Path("columns.tsv").write_text(f'"{column}"\tlabel\nx\t1\n')
    Path("keys.jsonl").write_text(json.dumps({HOSTILE: "x", "label": 1}) + "\n")
    Path(f"{HOSTILE}.doc").write_text("x")
    pq.write_table(pa.table({HOSTILE: ["x"], "label": [1]}), "columns.parquet")
    Path("key.toml").write_text(f"{json.dumps(HOSTILE)} = 1\n")
    Path("value.toml").write_text(f"model = {json.dumps(HOSTILE)}\n")
    Path("key.json").write_text(json.dumps({HOSTILE: 1}))
    Path("config.pbtxt").write_text(f'model_config_list {{ config {{ name: "{HOSTILE}" }} }}')
    version = Path("serving_model", HOSTILE, "7")
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"no model")
    return tmp_path


def logs(folder: Path) -> str:
    """Returns all that was logged."""
    return "".join(path.read_text() for path in folder.rglob("*.log"))


def assert_harmless(*texts: str) -> None:
    """Line feeds are the only control characters."""
    for text in texts:
        assert not UNSAFE.search(text.replace("\n", "")), ascii(text)


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        ["run", f"--{HOSTILE}"],
        ["run", "--epochs", HOSTILE],
        ["run", "--model", HOSTILE],
        ["run", "--schedule", HOSTILE],
        ["run", "--pipeline-name", HOSTILE, "--data", "sample"],
        ["run", "--data", HOSTILE],
        ["run", "--data", f"{HOSTILE}.doc"],
        ["run", "--data", "columns.csv"],
        ["run", "--data", "columns.tsv"],
        ["run", "--data", "keys.jsonl"],
        ["run", "--data", "columns.parquet"],
        ["run", "--data", "key.json", "--text-column", HOSTILE],
        ["run", "--config", HOSTILE],
        ["run", "--config", "key.toml"],
        ["run", "--config", "value.toml"],
        ["run", "--data", "sample", "--hyperparameters-from", HOSTILE],
        ["run", "--data", "sample", "--hyperparameters-from", "key.json"],
        ["run", "--data", "sample", "--root", HOSTILE],
        ["run", "--data", BYTES],
        ["compare", "--models", HOSTILE],
        ["compare", "--models", "lstm", "--seeds", HOSTILE],
        ["compare", "--models", "lstm", "--data", "sample", "--name", HOSTILE],
        ["predict", "--root", ".", "--model-name", f"{HOSTILE}y", "a film"],
        ["predict", "--file", HOSTILE],
        ["predict", "--file", "columns.csv", "--text-column", f"{HOSTILE}y"],
        ["predict", "--server", HOSTILE, "a film"],
        ["predict", "--server", "localhost:1", "--model-name", HOSTILE, "a film"],
        ["predict", "--format", HOSTILE, "a film"],
        ["predict", BYTES],
        ["status", "--server", f"http://{HOSTILE}"],
        ["score", "--input", HOSTILE, "--output", "out", "--root", "."],
        ["score", "--input", "columns.csv", "--output", "out", "--root", "."],
        ["score", "--input", "columns.csv", "--output", "out", "--model", HOSTILE],
        ["serve", "--root", ".", "--engine", HOSTILE],
        ["serve", "--root", ".", "--port", HOSTILE],
        ["serve", "--root", HOSTILE],
        ["serve", "--root", ".", "--engine", "embedded", "--host", HOSTILE],
        ["serve", "--model_config_file", HOSTILE, "--engine", "embedded"],
        ["serve", "--model_config_file", "config.pbtxt", "--engine", "embedded"],
    ],
    ids=lambda arguments: ascii(" ".join(arguments).replace(HOSTILE, "HOSTILE"))[1:-1],
)
def test_whatever_is_quoted_is_harmless(folder, capfd, arguments):
    """Values of flags, names of files, columns, keys and models: a line, shown by escapes."""
    assert cli.main(arguments) != 0

    output, errors = capfd.readouterr()
    assert_harmless(output, errors, logs(folder))
    assert r"\x1b" in errors or r"\xe9" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--data", "binary.csv"],
        ["score", "--input", "binary.csv", "--output", "out", "--root", "."],
        ["predict", "--file", "binary.csv"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_compressed_file_under_a_false_name_is_harmless(folder, capfd, arguments):
    """Whether it is read or refused, none of its bytes is shown."""
    Path("binary.csv").write_bytes(gzip.compress(f"text,{HOSTILE}\n{HOSTILE},1\n".encode()))
    assert cli.main(arguments) != 0

    assert_harmless(*capfd.readouterr(), logs(folder))


@pytest.mark.parametrize("debug", [[], ["--debug"]])
@pytest.mark.parametrize(
    "error", [TrainingError(HOSTILE), ValueError(HOSTILE), OSError(2, HOSTILE, HOSTILE)], ids=repr
)
def test_what_libraries_raise_and_log_is_harmless(folder, monkeypatch, capfd, error, debug):
    """On the console, in its lines and in tracebacks, and in the log."""
    import logging

    def pipeline(config, console, log_path):
        console.notice(HOSTILE)
        console.run_started(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
        console.component_started(HOSTILE)
        console.component_cached(HOSTILE, HOSTILE)
        console.comparison_started(HOSTILE, HOSTILE, 1, HOSTILE)
        console.attempt_started(HOSTILE)
        console.attempt_ended("FAILED", HOSTILE)
        console.scoring_started(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
        console.task_started(HOSTILE)
        console.task_finished(HOSTILE)
        console.component_started(HOSTILE)
        logging.getLogger("tfx").info("read %s", HOSTILE)
        if not debug:
            print(HOSTILE)
        console.component_failed(HOSTILE, HOSTILE)
        raise error

    monkeypatch.setattr(local, "run", pipeline)
    assert cli.main(["run", *debug]) == 1

    output, errors = capfd.readouterr()
    assert_harmless(output, errors, logs(folder))
    assert SHOWN in errors and r"\x1b" in output
    assert r"I tfx] read te\x1b[31mxt" in logs(folder)


def test_the_summary_is_harmless(folder, monkeypatch, capfd):
    """Whatever its sentences, paths and commands hold."""
    import dataclasses

    from tests.pipeline.console.summaries import REFUSED

    summary = dataclasses.replace(
        REFUSED,
        pipeline_name=HOSTILE,
        model=HOSTILE,
        data_name=HOSTILE,
        refusals=(HOSTILE,),
        log_path=HOSTILE,
        next_commands=((HOSTILE, f"sentiment predict '{HOSTILE}'"),),
    )
    monkeypatch.setattr(local, "run", lambda *_: summary)
    assert cli.main(["run"]) == 3

    output, _ = capfd.readouterr()
    assert_harmless(output)
    assert f"  {SHOWN}\n" in output
    assert f"'{SHOWN}'\n" in output


@pytest.fixture
def liar() -> Iterator[str]:
    """A server whose every answer is an error in hostile words."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answers."""
            self.send_response(400)
            self.end_headers()
            self.wfile.write(json.dumps({"error": HOSTILE}).encode())

        def do_POST(self) -> None:
            """Answers."""
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("command", [["predict", "a film"], ["status"]])
def test_the_words_of_a_server_are_harmless(liar, capfd, command):
    """It may be anybody's."""
    assert cli.main([*command, "--server", liar]) == 1

    _, errors = capfd.readouterr()
    assert_harmless(errors)
    assert SHOWN in errors and errors.count("\n") == 1


def test_an_error_that_quotes_a_command_names_it_as_it_was_typed(monkeypatch, capfd, folder):
    """In backquotes; so that it can be pasted."""

    def refuse(*_):
        raise DatasetError("Run `sentiment run` first.")

    monkeypatch.setattr(local, "run", refuse)
    monkeypatch.setattr("sys.argv", [str(folder / "sentiment")])
    (folder / "sentiment").touch()
    assert cli.main(["run"]) == 2
    assert capfd.readouterr().err == "sentiment: error: Run `./sentiment run` first.\n"
