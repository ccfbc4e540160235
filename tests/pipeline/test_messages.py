"""Messages hold in a terminal, and are one line for a program."""

from __future__ import annotations

import io
import re
import shlex

import pytest

from pipeline.console.messages import tell
from pipeline.console.wrapping import cells, wrapped, wrapped_command


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        """It is."""
        return True


PATH = "/home/someone/" + "a-long-name/" * 8 + "reviews.csv"
MESSAGE = f"sentiment: error: {PATH}: there is no column 'text'. Name it with --text-column."


@pytest.mark.parametrize("columns", [30, 60, 80, 200])
def test_an_error_holds_in_the_terminal(monkeypatch, columns):
    """It breaks between words, and goes on indented; a path stays whole, to be copied."""
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    tell(MESSAGE, terminal)
    first, *others = terminal.getvalue().splitlines()
    assert first.startswith("sentiment: error:")
    assert all(line.startswith("  ") for line in others)
    assert " ".join([first, *(line[2:] for line in others)]) == MESSAGE
    assert all(len(line) <= columns for line in (first, *others) if PATH not in line)


def test_an_error_for_a_program_is_one_line(monkeypatch):
    """Whatever the terminal's width is said to be."""
    monkeypatch.setenv("COLUMNS", "30")
    stream = io.StringIO()
    tell(f"{MESSAGE}\n{MESSAGE}", stream)
    assert stream.getvalue() == f"{MESSAGE}\\n{MESSAGE}\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("  kept indent", ["  kept", "  indent"]),
        ("abcdefghijklm", ["abcdefghij", "  klm"]),
        ("see abc/defghijklm now", ["see", "  abc/defghijklm", "  now"]),
        ("映画は好き とても", ["映画は好き", "  とても"]),
        ("नमस्ते दुनिया", ["नमस्ते दुनिया"]),
    ],
)
def test_texts_are_wrapped_by_columns(text, lines):
    """Ten of them; some letters take two columns, and marks none."""
    assert wrapped(text, 10) == lines
    assert all(cells(line) <= 10 or "/" in line for line in lines)


@pytest.mark.parametrize("width", [30, 60, 100])
def test_a_command_is_the_same_when_it_is_broken(width):
    """For a shell, which joins its lines."""
    command = r"""sentiment predict --root 'my root' "a \"great\" film" it\'s 'a' --file x.csv"""
    lines = wrapped_command(command, width)
    assert shlex.split(re.sub(r"\\\n", "", "\n".join(lines))) == shlex.split(command)
    assert all(len(line) <= width for line in lines)
