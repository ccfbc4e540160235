"""Two roots, as of two machines, whose runs are recorded in one MariaDB database."""

from __future__ import annotations

import pytest

from pipeline.cli import main
from pipeline.metadata.address import PASSWORD_FILE
from pipeline.results.runs import list_runs
from tests import mariadb
from tests.e2e.running import start
from tests.pipeline.metadata.conftest import opened

pytestmark = [pytest.mark.e2e, pytest.mark.mariadb]

# Any model passes.
EASY = (
    "--infra-validation",
    "off",
    "--min-accuracy",
    "0",
    "--min-lift",
    "0",
    "--max-regression",
    "1",
)
SMALL = ("--model", "lstm", "--embedding-units", "4", "--lstm-units", "4", "--epochs", "1")


# Two runs at once, of a minute each, on a machine that may have other work.
SECONDS = 1_000


def test_two_roots_share_a_database(server, small_data, tmp_path, monkeypatch, capsys):
    """Two pipelines at once on an empty one; then a run continues from the other root's model."""
    name = server.new_database()
    password = tmp_path / "password"
    password.write_text(f"{mariadb.PASSWORD}\n")
    monkeypatch.setenv(PASSWORD_FILE, str(password))

    def words(root, pipeline):
        where = ("--root", str(tmp_path / root), "--metadata", server.url(name))
        names = ("--pipeline-name", pipeline, "--model-name", pipeline)
        return ("run", "--data", str(small_data), *where, *names, *SMALL, *EASY)

    both = [start(*words("a", "one"), cwd=tmp_path), start(*words("b", "two"), cwd=tmp_path)]
    ends = [each.communicate(timeout=SECONDS) for each in both]
    assert [each.returncode for each in both] == [0, 0], ends

    third = start(*words("b", "one"), "--warm-start", "--seed", "2", cwd=tmp_path)
    printed, errors = third.communicate(timeout=SECONDS)
    assert third.returncode == 0, printed + errors
    assert "last blessed" in " ".join(printed.split())
    database = opened(server, name)
    latest, *first = list_runs(tmp_path / "b", metadata=database)
    of_one, of_two = sorted(first, key=lambda run: run.pipeline_name)
    assert (of_one.pipeline_name, of_two.pipeline_name) == ("one", "two")
    assert [run.root for run in (of_one, of_two, latest)] == [
        tmp_path / "a", tmp_path / "b", tmp_path / "b"
    ]  # fmt: skip
    assert not of_two.baseline
    assert latest.baseline["accuracy"] == of_one.metrics["accuracy"]
    states = {step.name: step.state for step in latest.steps}
    assert [states[step] for step in ("ReviewExampleGen", "Transform", "Trainer", "Pusher")] == [
        "cached", "cached", "done", "done"
    ]  # fmt: skip
    assert (tmp_path / "b/serving_model/one" / str(latest.version)).is_dir()

    for folder in (tmp_path / "a", tmp_path / "b"):
        for file in filter(lambda path: path.suffix in (".log", ".html"), folder.rglob("*")):
            assert mariadb.PASSWORD not in file.read_text(errors="replace")

    where = ("--root", str(tmp_path / "b"), "--metadata", server.url(name))
    assert main(["report", latest.run_id, *where, "--output", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert f"--metadata {server.url(name)}" in page
    capsys.readouterr()
    assert main(["runs", "diff", "latest", of_one.run_id, *where]) == 0
    printed = capsys.readouterr().out
    assert "seed" in printed

    (tmp_path / "a").rename(tmp_path / "elsewhere")
    refused = start(*words("b", "one"), "--plan", cwd=tmp_path)
    _, errors = refused.communicate(timeout=SECONDS)
    assert refused.returncode == 2
    assert f"wrote below {tmp_path / 'a'}, which is not here" in errors
