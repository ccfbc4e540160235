"""Hashes of the code that a step reaches, function by function, so that the cache sees an edit.

Comments, docstrings and formatting do not count: the hashes are over the syntax tree. Nothing is
imported. The tree's text differs between Python versions, and so do the hashes: a run on
another Python starts anew.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, TypeAlias

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
# What stands behind a module's name for the places of its definitions among its statements.
ORDER = " (order)"
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
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
    return fingerprint_of(source_functions(*modules, project=project))


def fingerprint_of(functions: Mapping[str, str]) -> str:
    """Hashes what `source_functions` returned, and library versions: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for library, installed in library_versions().items():
        digest.update(f"{library}=={installed}\n".encode())
    for name, code_hash in sorted(functions.items()):
        digest.update(f"{name}\n{code_hash}\n".encode())
    return digest.hexdigest()[:16]


def source_functions(*modules: str, project: Path = PROJECT) -> dict[str, str]:
    """Hashes each function of modules of ours, and of all modules of ours that they import.

    Args:
      modules: Dotted names.
      project: The folder that holds the packages.

    Returns:
      16 hexadecimal digits by qualified name: `module.function`, `module.Class.method` (functions
      within belong to it), `module.Class` and `module` for their other statements, and
      `module (order)` for the places of its definitions among its statements.

    Raises:
      ValueError: There is no such module.
    """
    functions: dict[str, str] = {}
    for _, module in sorted(reachable_modules(modules, project).items()):
        for name, code_hash in module.functions:
            # A package's function may have the name of a module in it.
            both = f"{functions[name]}{code_hash}" if name in functions else ""
            functions[name] = _hash(both) if both else code_hash
    return functions


def edits(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Compares what `source_functions` returned with what it returned earlier.

    Returns:
      "edited", "added" or "removed" by qualified name, sorted by it. The order of a module's
      definitions is among them only where nothing else of the module changed.
    """
    found = {
        name: "added" if name not in before else "removed" if name not in after else "edited"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }
    named = [name for name in found if not name.endswith(ORDER)]
    for name in found.keys() - set(named):
        module = name.removesuffix(ORDER)
        if any(each == module or each.startswith(f"{module}.") for each in named):
            del found[name]
    return found


@functools.cache
def library_versions() -> Mapping[str, str]:
    """Returns the versions of the libraries that a fingerprint holds, by name."""
    return {library: version(library) for library in LIBRARIES}


def file_fingerprint(file: Path) -> str:
    """Hashes a file's content: 16 hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


class Module(NamedTuple):
    """What is read from the source of a module.

    Attributes:
      functions: Names and hashes of its parts, see `source_functions`.
      imported: Names that it imports; some may be no modules.
    """

    functions: tuple[tuple[str, str], ...]
    imported: frozenset[str]


def reachable_modules(modules: Collection[str], project: Path = PROJECT) -> dict[str, Module]:
    """Returns `modules` and what they import of ours, at any depth, by name.

    Raises:
      ValueError: One of `modules` does not exist.
    """
    found: dict[str, Module] = {}
    looked_for: set[str] = set()
    asked, waiting = set(modules), list(modules)
    while waiting:
        name = waiting.pop()
        if name in looked_for:
            continue
        looked_for.add(name)
        file = _file_of(name, project)
        if file is None:
            if name in asked:
                raise ValueError(f"There is no module '{name}' in {project}.")
            continue
        module = found[name] = _read(file.read_bytes(), name, file.name == "__init__.py")
        # Importing a.b.c runs a and a.b first.
        waiting += [name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)]
        waiting += module.imported
    return found


# By content: the steps of a pipeline reach much the same modules, and parsing them takes a second.
@functools.lru_cache(maxsize=1_024)
def _read(source: bytes, name: str, is_package: bool) -> Module:
    tree = _AsItRuns().visit(ast.parse(source, filename=name))
    imported = frozenset(_imports(tree, name, is_package))
    _drop_docstrings(tree)
    parts: dict[str, list[str]] = {}
    order = _take_apart(tree, name, parts)
    parts[f"{name}{ORDER}"] = [order]
    return Module(tuple((part, _hash(*texts)) for part, texts in parts.items()), imported)


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
    path = os.path.join(project, *module.split("."))
    # Asked for hundreds of names a step, for which objects of pathlib take most of the time.
    for candidate in (os.path.join(path, "__init__.py"), f"{path}.py"):
        if os.path.isfile(candidate):
            return Path(candidate)
    return None


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]


def _take_apart(scope: ast.Module | ast.ClassDef, name: str, parts: dict[str, list[str]]) -> str:
    """Moves the code of a module or class into `parts`, and returns the order of its statements.

    Args:
      scope: Changed: it loses its functions and classes.
      name: Its qualified name.
      parts: Code as text by qualified name; a name that is defined again has several.
    """
    order, rest = [], []
    for statement in scope.body:
        if isinstance(statement, _Function):
            parts.setdefault(f"{name}.{statement.name}", []).append(ast.dump(statement))
            order.append(statement.name)
        elif isinstance(statement, ast.ClassDef):
            within = _take_apart(statement, f"{name}.{statement.name}", parts)
            order.append(f"{statement.name}[{within}]")
        else:
            rest.append(statement)
            order.append("-")
    scope.body = rest
    parts.setdefault(name, []).append(ast.dump(scope))
    return " ".join(order)


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
