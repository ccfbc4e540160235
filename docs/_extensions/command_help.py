"""The directive `command-help`: a section for each command, with what its `--help` prints."""

from __future__ import annotations

import contextlib
import io
import os
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from pipeline import cli

_COMMAND = re.compile(r"^    ([a-z-]+)  ", re.MULTILINE)
# What a page has room for.
_COLUMNS = "88"


def help_of(*command: str) -> str:
    """Returns what `sentiment COMMAND --help` prints."""
    printed = io.StringIO()
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = _COLUMNS
    try:
        with contextlib.redirect_stdout(printed):
            cli.main([*command, "--help"])
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return printed.getvalue().strip()


def command_names() -> list[str]:
    """Returns all commands, in the order of `sentiment --help`."""
    return _COMMAND.findall(help_of())


class CommandHelp(SphinxDirective):
    """Writes the sections; a command that is added has one by itself."""

    def run(self) -> list[nodes.Node]:
        """Returns a section for each command, behind the text of `sentiment --help`."""
        return [
            _literal(help_of()),
            *(self._section(command) for command in command_names()),
        ]

    def _section(self, command: str) -> nodes.section:
        title = f"sentiment {command}"
        section = nodes.section(ids=[f"sentiment-{command}"], names=[title])
        section += nodes.title(title, title)
        section += _literal(help_of(command))
        return section


def _literal(text: str) -> nodes.literal_block:
    block = nodes.literal_block(text, text)
    block["language"] = "none"
    return block


def setup(app: Sphinx) -> dict[str, bool]:
    """Adds the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
