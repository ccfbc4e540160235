"""Messages name settings as Python does; the command line spells them as flags that it takes."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import functools
import io
import logging
import re
import shlex
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import DatasetError, as_setting
from pipeline import flag_spelling
from pipeline.cli import _parser
from pipeline.config import PipelineConfig, setting_fields
from pipeline.console.terminal import Console
from pipeline.flag_spelling import with_flags
from pipeline.results.leaderboard import Failure, Leaderboard
from pipeline.results.markdown import report
from pipeline.session import Session
from pipeline.settings import parse
from serving.printable import UNSAFE
from tests.pipeline.console.summaries import REFUSED

PROJECT = Path(__file__).parents[2]
# Where no flag is known.
DOMAIN = ("components", "serving/client")
FIELDS = {field.name: field for field in setting_fields()}
# A flag, or the beginning of one that the code puts together.
FLAG = re.compile(r"(?<![\w-])--(?=[a-z]|$)")
# Of other programs: `docker rm`.
ARGUMENTS = {"--force"}


def sources() -> list[Path]:
    """Returns the files that know no flags."""
    found = [path for folder in DOMAIN for path in sorted((PROJECT / folder).rglob("*.py"))]
    assert len(found) > 100
    return found


def texts_in(path: Path) -> list[str]:
    """Returns all literals of a file, docstrings and parts of f-strings among them."""
    return [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@functools.cache
def parser() -> argparse.ArgumentParser:
    """Returns the real one, which takes longer to make than to ask."""
    return _parser()


def typed(message: str) -> dict[str, object]:
    """Returns what the real command line reads of a message that is typed into a shell."""
    options = vars(parser().parse_args(["run", *shlex.split(with_flags(message))]))
    return {name: parse(FIELDS[name], options[name]) for name in FIELDS if name in options}


@pytest.mark.parametrize("folder", DOMAIN)
def test_no_text_of_the_domain_spells_a_flag(folder):
    """No message, docstring or comment; whoever imports the package has no command line."""
    found = []
    for path in sources():
        if not path.is_relative_to(PROJECT / folder):
            continue
        with path.open("rb") as file:
            comments = [
                token.string
                for token in tokenize.tokenize(file.readline)
                if token.type == tokenize.COMMENT
            ]
        found += [
            f"{path.relative_to(PROJECT)}: {text}"
            for text in (*texts_in(path), *comments)
            if FLAG.search(text) and text not in ARGUMENTS
        ]
    assert found == []


def test_every_setting_that_a_message_gives_a_value_is_known():
    """By `as_setting`; a name that is misspelt would reach people in backquotes."""
    known = {*FIELDS, *flag_spelling.OTHER_FLAGS}
    named: set[str] = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "as_setting":
                name = node.args[0]
                named |= {name.value} if isinstance(name, ast.Constant) else set()
        for text in texts_in(path):
            named |= set(re.findall(r"`([a-z_]+)=", text))
    assert named <= known
    assert {"data", "encoding", "quoting", "header", "text_column", "file"} <= named


@pytest.mark.parametrize("name", FIELDS)
def test_each_setting_without_a_value_becomes_its_flag(name):
    """Wherever it stands in a sentence."""
    flag = f"--{name.replace('_', '-')}"
    assert with_flags(f"See `{name}`, or `{name}`.") == f"See {flag}, or {flag}."


VALUES = {
    str: st.text(st.characters(exclude_characters="\0"), min_size=1),
    bool: st.booleans(),
    int: st.integers(-(10**18), 10**18),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


@given(st.data())
def test_the_real_command_line_reads_the_value_back(data):
    """Blanks, commas, quotes, backquotes, a minus in front: whatever the value holds."""
    field = FIELDS[data.draw(st.sampled_from(sorted(FIELDS)))]
    value = data.draw(VALUES[field.metadata["type"]].filter(lambda v: not UNSAFE.search(str(v))))
    assert typed(as_setting(field.name, value)) == {field.name: value}


@given(st.text())
def test_a_value_can_always_be_told_from_the_message_around_it(value):
    """Even if it holds what looks like the end of a setting, or like another one."""
    named = as_setting("positive_label", value)
    assert re.fullmatch(r"`positive_label=([^`\n]*)`", named)
    assert ast.literal_eval(named[len("`positive_label=") : -1]) == value
    assert not UNSAFE.search(with_flags(f"a {named} b {named}"))


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Try `validation_fraction=0.1`.", "Try --validation-fraction 0.1."),
        ("`positive_label='yes, always'`", "--positive-label 'yes, always'"),
        ("`negative_label='-1,-2'`", "--negative-label=-1,-2"),
        ("`header=False` `text_column='2'`", "--no-header --text-column 2"),
        ("or `drop_leaks=True`", "or --drop-leaks"),
        ("`file='my films.csv'`: there", "--file 'my films.csv': there"),
        ("`sentiment run` and `layers`", "`sentiment run` and `layers`"),
        ("`encoding=open('x')` and `data=`", "`encoding=open('x')` and `data=`"),
    ],
)
def test_a_sentence_is_as_a_person_types_it(message, shown):
    """What is no setting, or no value, stays."""
    assert with_flags(message) == shown


def test_every_field_of_the_configuration_has_a_flag():
    """So none is left in backquotes."""
    assert set(FIELDS) == {field.name for field in dataclasses.fields(PipelineConfig)}


ADVICE = "Try `validation_fraction=0.1`, or `positive_label='a b'`."
TYPED = "Try --validation-fraction 0.1, or --positive-label 'a b'."


def shown_by(say) -> str:
    """Returns what a console writes, on one line, while `say(console)` is called."""
    stream = io.StringIO()
    with Console(stream) as console:
        say(console)
    return " ".join(re.sub(r"(?m)^!! ", "", stream.getvalue()).split())


def board(label: str = "lstm") -> Leaderboard:
    """Returns the outcome of a comparison in which a training failed."""
    failure = Failure(label, 7, ADVICE, "x.log")
    data, machine = {"name": "imdb"}, {"cpus": 2}
    return Leaderboard("c", "sentiment compare", data, {}, machine, (), (failure,))


@pytest.mark.parametrize(
    "say",
    [
        lambda console: console.notice(ADVICE),
        lambda console: console.component_failed("Trainer", ADVICE),
        lambda console: console.component_skipped("Pusher", ADVICE),
        lambda console: console.component_cached("Pusher", ADVICE),
        lambda console: console.attempt_ended("FAILED", ADVICE),
        lambda console: console.summary(dataclasses.replace(REFUSED, refusals=(ADVICE,))),
        lambda console: console.leaderboard(board()),
    ],
    ids=["notice", "failed", "skipped", "cached", "attempt", "panel", "leaderboard"],
)
def test_the_console_speaks_of_flags(monkeypatch, say):
    """In notices, lines of steps, refusals and a comparison's failures."""
    monkeypatch.setenv("COLUMNS", "140")
    assert TYPED in shown_by(say)


def test_the_table_in_markdown_speaks_of_flags():
    """It is written for people, too."""
    assert TYPED in report(board())


def test_an_error_speaks_of_flags_on_the_terminal_and_in_the_log(tmp_path, capfd):
    """So do log lines."""

    def work(*_) -> int:
        logging.getLogger("tfx").info(ADVICE)
        raise DatasetError(ADVICE)

    assert Session("run", str(tmp_path), debug=False, folder="").run(work) == 2
    assert capfd.readouterr().err == f"sentiment: error: {TYPED}\n"
    (log,) = (tmp_path / "logs").iterdir()
    lines = log.read_text().splitlines()
    assert lines[0].endswith(f"I tfx] {TYPED}")
    assert lines[-1] == f"components.errors.DatasetError: {TYPED}"
