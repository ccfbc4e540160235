"""Commands over data in a store: what they read, what they write there, and how they end."""

from __future__ import annotations

import gzip
import io
import json
import shlex
import uuid
from pathlib import Path

import pyarrow.parquet
import pytest

from components.dataset import stores
from components.storage import files, trial
from pipeline import cli
from pipeline.planning.changed_data import changed_data
from tests.stores import Store, no_permission

ROWS = "".join(f'"a film, number {n}",{n % 2}\n' for n in range(40))
TEXTS = ["a", "four", "seventeen letters"]
LINES = "".join(f'{{"text": "{text}", "id": 1}}\n' for text in TEXTS)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch) -> None:
    """The current folder is a new one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def pushed(brief_is_better) -> Path:
    """Version 7 of the model."""
    return brief_is_better / "serving_model" / "imdb_sentiment" / "7"


@pytest.fixture(scope="module")
def served(pushed) -> str:
    """A serving directory in a store that TensorFlow knows, with version 7 of the model."""
    folder = f"ram://{uuid.uuid4().hex}/served"
    files.copy_folder(str(pushed), f"{folder}/imdb_sentiment/7", last=["saved_model.pb"])
    return folder


def score(pushed: Path, *arguments: str) -> int:
    """Scores from the store into the store."""
    inputs = [] if "--input" in arguments else ["--input", "mem://in/a.jsonl"]
    output = [] if "--output" in arguments else ["--output", "mem://out/scores"]
    return cli.main(["score", "--model", str(pushed), *inputs, *output, *arguments])


def test_inspect_shows_paths_as_they_were_typed_and_a_command_that_names_them(
    mem_store: Store, capsys
):
    """The store's files are told with their sizes, and none is taken for a path of this disk."""
    mem_store.put("mem://bucket/films.csv", f"text,label\n{ROWS}")
    assert cli.main(["inspect", "mem://bucket/films.csv"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "\nmem://bucket/films.csv, " in f"\n{printed.out}".replace("\n  ", "\n")
    assert "40 records, all of them read" in printed.out
    words = shlex.split(printed.out.rpartition("sentiment run ")[2])
    assert words[words.index("--data") + 1] == "mem://bucket/films.csv"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("mem://bucket/b.csv", "there is no file or folder 'mem://bucket/b.csv'"),
        ("mem://none/b.csv", "the store 'mem://none' is not there, or is empty"),
        ("s5://bucket/b.csv", "the installed libraries know no s5://, only gs://, mem://, ram://"),
    ],
)
@pytest.mark.parametrize("command", ["inspect", "predict", "run", "plan", "score"])
def test_what_is_wrong_with_a_store_ends_a_command_in_one_line(
    mem_store: Store, capfd, data, words, command, pushed
):
    """At once, with the exit code of wrong use."""
    mem_store.put("mem://bucket/a.csv", "text,label\n")
    arguments = {
        "inspect": ["inspect", data],
        "predict": ["predict", "--file", data],
        "run": ["run", "--data", data],
        "plan": ["run", "--plan", "--data", data],
        "score": ["score", "--input", data, "--output", "out", "--model", str(pushed)],
    }
    assert cli.main(arguments[command]) == 2
    error = " ".join(capfd.readouterr().err.split())
    if command in ("predict", "score") and "the installed" not in words:
        words = "there is no such file"
    assert words in error
    assert data in error
    assert "Traceback" not in error


def test_a_store_that_does_not_answer_ends_a_command(mem_store: Store, capfd, monkeypatch):
    """Within a bound."""
    monkeypatch.setattr(stores, "SECONDS_TO_ANSWER", 0.05)
    mem_store.put("mem://bucket/a.csv", "text,label\n")
    mem_store.delay("exists", 2.0)
    assert cli.main(["run", "--data", "mem://bucket/a.csv"]) == 2
    assert "mem://bucket does not answer within 0.05 seconds" in " ".join(
        capfd.readouterr().err.split()
    )


def test_scores_go_from_a_store_to_a_store(mem_store: Store, pushed, capfd):
    """Text, packed text and Parquet; nothing else is left in the output folder."""
    mem_store.put("mem://in/a.jsonl", LINES)
    mem_store.put("mem://in/b.csv.gz", gzip.compress(b"text\nfour\n"))
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS}), sink)
    mem_store.put("mem://in/c.parquet", sink.getvalue())
    assert score(pushed, "--input", "mem://in/*") == 0
    assert "3 files written" in capfd.readouterr().out
    names = ["a.jsonl", "b.csv.gz", "c.parquet"]
    assert mem_store.below("mem://out") == [f"mem://out/scores/{name}" for name in names]
    rows = [json.loads(line) for line in mem_store.objects["mem://out/scores/a.jsonl"].splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["probability"] for row in rows] == pytest.approx([1 / 2, 1 / 5, 1 / 18])
    packed = gzip.decompress(mem_store.objects["mem://out/scores/b.csv.gz"]).decode()
    assert packed.startswith("text,probability,sentiment,model_version\nfour,0.2")
    table = pyarrow.parquet.read_table(io.BytesIO(mem_store.objects["mem://out/scores/c.parquet"]))
    assert table["probability"].to_pylist() == pytest.approx([1 / 2, 1 / 5, 1 / 18])

    assert score(pushed, "--input", "mem://in/a.jsonl") == 2
    assert "mem://out/scores has a.jsonl already" in " ".join(capfd.readouterr().err.split())


def test_scores_go_from_a_store_to_a_disk(mem_store: Store, pushed):
    """As from a disk."""
    mem_store.put("mem://in/a.jsonl", LINES)
    assert score(pushed, "--output", "out") == 0
    assert len(Path("out/a.jsonl").read_text().splitlines()) == 3


# The trial and the start of the workspace, the part, the whole file, the counts, and the copy.
@pytest.mark.parametrize("number", range(1, 7))
def test_whichever_write_fails_no_half_output_is_left(mem_store: Store, pushed, capfd, number):
    """The error is one line and names the path; after the last one, the next run completes."""
    mem_store.put("mem://in/a.jsonl", LINES)
    mem_store.fail("close", number, matching="mem://out")
    assert score(pushed) != 0
    error = " ".join(capfd.readouterr().err.split())
    assert mem_store.below("mem://out") == []
    assert "Connection reset by peer" in error
    assert "unexpected" not in error
    assert "mem://out/scores" in error
    if number == 6:
        assert score(pushed) == 0
        assert mem_store.below("mem://out") == ["mem://out/scores/a.jsonl"]


def test_an_output_that_may_not_be_written_is_refused_before_reading_all(
    mem_store: Store, pushed, capfd
):
    """In one line, as a folder of a disk is."""
    mem_store.put("mem://in/a.jsonl", LINES)
    mem_store.fail("open", error=no_permission, matching="mem://out")
    assert score(pushed) == 2
    error = " ".join(capfd.readouterr().err.split())
    assert "--output is 'mem://out/scores'; expected a folder that can be made" in error
    assert score(pushed, "--output", "s5://out") == 2
    error = " ".join(capfd.readouterr().err.split())
    assert "--output: s5://out: the installed libraries know no s5://" in error


def test_an_output_whose_store_is_silent_is_not_waited_for(
    mem_store: Store, pushed, capfd, monkeypatch
):
    """TensorFlow would try a bucket that is not there again and again, for minutes."""
    mem_store.put("mem://in/a.jsonl", LINES)
    monkeypatch.setattr(trial, "SECONDS_TO_WRITE", 0.05)
    mem_store.delay("close", 1.0, matching="mem://out")
    assert score(pushed) == 2
    error = " ".join(capfd.readouterr().err.split())
    assert "--output is 'mem://out/scores': the store mem://out does not answer within" in error


def test_an_output_is_no_input(mem_store: Store, pushed, capfd):
    """In a store as on a disk."""
    mem_store.put("mem://in/a.jsonl", LINES)
    assert score(pushed, "--output", "mem://in", "--overwrite") == 2
    assert "a.jsonl there is an input" in " ".join(capfd.readouterr().err.split())


def test_a_plan_names_the_objects_that_changed(mem_store: Store):
    """By the times that the store tells."""
    mem_store.put("mem://bucket/a.csv", "text,label\n")
    mem_store._clock = 10**12
    mem_store.put("mem://bucket/b.csv", "text,label\n")
    files = [{"path": f"mem://bucket/{name}.csv"} for name in "ab"]
    before = json.dumps({"digest": "1", "kind": "csv", "files": files})
    now = json.dumps({"digest": "2", "kind": "csv", "files": files})
    assert changed_data(before, now, 500.0) == ["the data changed: b.csv, 1 of 2 files"]


def test_a_model_in_a_store_is_asked_without_a_server(served, capfd):
    """It is found and loaded there; nothing else is printed."""
    words = ["predict", "--serving-dir", served, "--format", "json", "four"]
    assert cli.main(words) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    answer = json.loads(printed.out)
    assert (answer["model_version"], answer["sentiment"]) == (7, "negative")
    assert answer["probability"] == pytest.approx(1 / 5)


def test_a_model_in_a_store_scores_files(served, tmp_path, capfd):
    """As one on a disk."""
    Path("a.jsonl").write_text(LINES)
    words = ["score", "--serving-dir", served, "--input", "a.jsonl", "--output", "out"]
    assert cli.main([*words, "--root", str(tmp_path / "root")]) == 0
    assert f"a.jsonl by {served}/imdb_sentiment/7" in " ".join(capfd.readouterr().out.split())
    rows = [json.loads(line) for line in Path("out/a.jsonl").read_text().splitlines()]
    assert [row["probability"] for row in rows] == pytest.approx([1 / 2, 1 / 5, 1 / 18])


@pytest.mark.parametrize("engine", ["embedded", "binary", "docker"])
def test_a_server_is_started_on_the_models_folder_in_a_store(served, engine, monkeypatch, capfd):
    """No engine mounts it, or looks for it on the disk."""
    from serving.server import main as server

    started = []
    monkeypatch.setattr(server, "main", lambda arguments: started.extend(arguments) or 0)
    monkeypatch.setattr("shutil.which", lambda program, **_: f"/usr/bin/{program}")
    monkeypatch.setattr("os.execvp", lambda _, command: started.extend(command))
    cli.main(
        ["serve", "--engine", engine, "--serving-dir", served, "--port=0", "--rest_api_port=0"]
    )
    assert "--model_name=imdb_sentiment" in started
    assert f"--model_base_path={served}/imdb_sentiment" in started
    assert "-v" not in started


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("ram://nothing/served", "No version of 'imdb_sentiment' is in ram://nothing/served."),
        ("s5://box/served", "s5://box/served cannot be read: TensorFlow has no file system for s5"),
    ],
)
@pytest.mark.parametrize(
    "command", [["predict", "four"], ["score", "--input", "a", "--output", "out"], ["serve"]]
)
def test_a_serving_directory_in_a_store_that_holds_no_model_is_told(folder, words, command, capfd):
    """In one line, before anything is made."""
    assert cli.main([*command, "--serving-dir", folder]) == 2
    printed = capfd.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 1
    assert words in printed.err
    assert "No version" not in words or f"`sentiment run --serving-dir {folder}`" in printed.err
    assert not list(Path.cwd().iterdir())
