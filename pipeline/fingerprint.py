"""A hash of the code that a step reaches, so that the cache sees an edited function.

Comments, docstrings and formatting do not count: the hash is over the syntax tree. Nothing is
imported. The tree's text differs between Python versions, and so does the hash: a run on
another Python starts anew.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("components", "pipeline", "serving")
# What these libraries compute may change with their version.
LIBRARIES = (
    "tensorflow",
    "keras",
    "tfx",
    "tensorflow-transform",
    "apache-beam",
    "scikit-learn",
    "scipy",
)

PROJECT = Path(__file__).resolve().parent.parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_fingerprint(*modules: str, project: Path = PROJECT) -> str:
    """Hashes modules of ours, all modules of ours that they import, and library versions.

    Args:
      modules: Dotted names.
      project: The folder that holds the packages.

    Returns:
      16 hexadecimal digits.

    Raises:
      ValueError: There is no such module.
    """
    digest = hashlib.sha256()
    for library in LIBRARIES:
        digest.update(f"{library}=={version(library)}\n".encode())
    for name, module in sorted(reachable_modules(modules, project).items()):
        digest.update(f"{name}\n{module.code_hash}\n".encode())
    return digest.hexdigest()[:16]


def file_fingerprint(file: Path) -> str:
    """Hashes a file's content: 16 hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


class Module(NamedTuple):
    """What is read from the source of a module.

    Attributes:
      code_hash: Of the syntax tree, without comments, docstrings and formatting.
      imported: Names that it imports; some may be no modules.
    """

    code_hash: str
    imported: frozenset[str]


def reachable_modules(modules: Iterable[str], project: Path = PROJECT) -> dict[str, Module]:
    """Returns `modules` and what they import of ours, at any depth, by name.

    Raises:
      ValueError: One of `modules` does not exist.
    """
    found: dict[str, Module] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        file = _file_of(name, project)
        if file is None:
            raise ValueError(f"There is no module '{name}' in {project}.")
        module = found[name] = _read(file.read_bytes(), name, file.name == "__init__.py")
        # Importing a.b.c runs a and a.b first.
        parents = [name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)]
        waiting += parents
        waiting += [each for each in module.imported if _file_of(each, project)]
    return found


# By content: the steps of a pipeline reach much the same modules, and parsing them takes a second.
@functools.lru_cache(maxsize=1_024)
def _read(source: bytes, name: str, is_package: bool) -> Module:
    tree = _AsItRuns().visit(ast.parse(source, filename=name))
    imported = frozenset(_imports(tree, name, is_package))
    return Module(hashlib.sha256(_code(tree).encode()).hexdigest(), imported)


class _AsItRuns(ast.NodeTransformer):
    """Leaves out what is for type checkers alone: `components` names all its parts to them."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        test = node.test
        is_for_types = isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
        return node.orelse if is_for_types else node


def _imports(tree: ast.Module, importer: str, is_package: bool) -> Iterator[str]:
    """Yields what might be a module of ours; `from package import name` may name either."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = importer if is_package else importer.rpartition(".")[0]
                for _ in range(node.level - 1):
                    package = package.rpartition(".")[0]
                base = f"{package}.{base}".rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _file_of(module: str, project: Path) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    path = project.joinpath(*module.split("."))
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _code(tree: ast.Module) -> str:
    """Returns a syntax tree, without its docstrings, as text."""
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
