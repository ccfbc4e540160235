"""`make bench` runs the parts that are asked for."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as all_parts
from scripts.readme import BLOCKS

FOLDER = Path(all_parts.__file__).parent


@pytest.mark.parametrize("part", all_parts.PARTS)
def test_every_part_is_a_command_that_records_under_its_own_name(part):
    """Its flags are those of all benchmarks, and some of its own."""
    tree = ast.parse((FOLDER / f"{part}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (made,) = [call for call in calls if getattr(call.func, "attr", "") == "parser_of"]
    assert ast.literal_eval(made.args[0]) == part
    assert {"main", "markdown_table"} <= {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef)
    }


def test_every_part_but_one_has_a_table_in_the_pages():
    """The words of the tokenizer are compared, which is told by the benchmark alone."""
    shown = {name.removeprefix("benchmark: ") for name in BLOCKS if name.startswith("benchmark: ")}
    assert shown == set(all_parts.PARTS) - {"tokenizing"}


def test_an_unknown_part_is_refused(monkeypatch, capsys):
    """Before anything runs, and with the choices."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", "latency", "speed", "--busy"])
    assert all_parts.main() == 2
    error = capsys.readouterr().err
    assert error.startswith("Unknown part 'speed'. Choose from: training, latency,")


def test_flags_go_to_the_parts_that_are_named_before_them(monkeypatch, capsys):
    """A size after its flag is no part; a part that records nothing is named at the end."""
    asked = []

    def run(part, flags):
        asked.append((part, flags))
        return part == "training"

    monkeypatch.setattr(all_parts, "_succeeds", run)
    monkeypatch.setattr(all_parts.signal, "signal", lambda *_: None)
    monkeypatch.setattr(all_parts.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "training", "latency", "--turns", "3"])
    monkeypatch.setenv("IMDB_ARCHIVE", "aclImdb_v1.tar.gz")
    assert all_parts.main() == 1
    assert asked == [("training", ["--turns", "3"]), ("latency", ["--turns", "3"])]
    assert capsys.readouterr().err == "Without new figures: latency.\n"
