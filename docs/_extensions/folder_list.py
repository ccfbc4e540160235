"""The directive `folder-list PACKAGE`: its folders, each with the first words of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_PROJECT = Path(__file__).resolve().parent.parent.parent


def folders_of(package: str) -> dict[str, str]:
    """Returns the first line of each folder's docstring, by the folder's path."""
    found = {}
    for file in sorted((_PROJECT / package).rglob("__init__.py")):
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        found[f"{file.parent.relative_to(_PROJECT)}/"] = docstring.partition("\n")[0]
    return found


class FolderList(SphinxDirective):
    """Writes the list."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Returns a definition list."""
        listed = nodes.definition_list()
        for folder, words in folders_of(self.arguments[0]).items():
            term = nodes.term("", "", nodes.literal(folder, folder))
            listed += nodes.definition_list_item(
                "", term, nodes.definition("", nodes.paragraph(words, words))
            )
        return [listed]


def setup(app: Sphinx) -> dict[str, bool]:
    """Adds the directive."""
    app.add_directive("folder-list", FolderList)
    return {"parallel_read_safe": True}
