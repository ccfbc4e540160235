"""The stacks differ in the leaf `compat`, and no other module asks for versions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from serving.compat import message_class, parse_toml

PROJECT = Path(__file__).resolve().parents[1]
OURS = ("benchmarks", "components", "examples", "pipeline", "scripts", "serving")
LEAVES = {"serving/compat.py"}
# LibYAML is there or not in every version of PyYAML.
NOT_BY_VERSION = {("components/dataset/hub_card.py", 'getattr(yaml, "CSafeLoader", ...)')}


def is_version(node: ast.AST) -> bool:
    """Whether an expression holds Python's version or a library's."""
    return any(
        (isinstance(one, ast.Attribute) and one.attr in ("version_info", "hexversion"))
        or (isinstance(one, ast.Attribute) and one.attr in ("__version__", "VERSION"))
        or (isinstance(one, ast.Call) and ast.unparse(one.func).endswith("version"))
        or (isinstance(one, ast.Call) and ast.unparse(one.func).endswith("version_tuple"))
        for one in ast.walk(node)
    )


def is_literal(node: ast.AST) -> bool:
    """Whether an expression is a version as one writes it: 8, "2.16", (3, 11), Version("2.16")."""
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(is_literal, node.elts))
    if isinstance(node, ast.Call):
        return len(node.args) == 1 and is_literal(node.args[0])
    value = node.value if isinstance(node, ast.Constant) else None
    return type(value) is int or (isinstance(value, str) and value[:1].isdigit())


def of_others(tree: ast.AST) -> set[str]:
    """Returns the names by which a tree knows what it imports from others' packages."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            package = getattr(node, "module", None) or node.names[0].name
            if package.partition(".")[0] not in OURS:
                found |= {(one.asname or one.name).partition(".")[0] for one in node.names}
    return found


def choices_by_version(source: str) -> Iterator[str]:
    """Yields the code that chooses by a version, by what a module has, or by a failed import."""
    tree = ast.parse(source)
    others = of_others(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(map(is_version, sides)) and any(map(is_literal, sides)):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call):
            called, arguments = node.func, node.args
            is_start = isinstance(called, ast.Attribute) and called.attr == "startswith"
            if is_start and is_version(called) and any(map(is_literal, arguments)):
                yield ast.unparse(node)
            asked = ast.unparse(arguments[0]).partition(".")[0] if arguments else ""
            name = ast.unparse(called)
            if asked in others and (name == "hasattr" or (name == "getattr" and arguments[2:])):
                yield f'{name}({asked}, "{ast.literal_eval(arguments[1])}", ...)'
        elif isinstance(node, ast.Try):
            caught = {ast.unparse(one.type) for one in node.handlers if one.type}
            if caught & {"ImportError", "ModuleNotFoundError"} and any(map(of_others, node.body)):
                yield ast.unparse(node.body[0])


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nif sys.version_info >= (3, 11): pass",
        "import tfx\nold = tfx.__version__.startswith('1.16')",
        "from importlib.metadata import version\nnew = int(version('keras').split('.')[1]) > 12",
        "import keras\nnew = Version(keras.__version__) >= Version('3.15')",
        "import keras\nif hasattr(keras.layers, 'RMSNormalization'): pass",
        "from google.protobuf import message_factory\ngetattr(message_factory, 'X', None)",
        "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib",
    ],
)
def test_a_choice_by_version_is_found(source):
    """Each way of asking which stack this is."""
    assert len(list(choices_by_version(source))) == 1


def test_no_module_but_the_leaf_asks_for_versions():
    """A difference between the stacks is written down in one place."""
    found = {
        (str(path.relative_to(PROJECT)), choice)
        for folder in OURS
        for path in sorted((PROJECT / folder).rglob("*.py"))
        for choice in choices_by_version(path.read_text(encoding="utf-8"))
    }
    assert {path for path, _ in found if path in LEAVES} == LEAVES
    assert {choice for choice in found if choice[0] not in LEAVES} == NOT_BY_VERSION


def test_toml_is_read_by_the_parser_of_the_stack():
    """Python's own, or `tomli`: the same table, and ValueError for what is no TOML."""
    text = 'seed = 7\n[sentiment]\nmodel = "lstm"\nsplit = [0.5, 1e-3]\nday = 2026-01-02\n'
    table = parse_toml(text)
    assert table["sentiment"]["model"] == "lstm" and table["seed"] == 7
    assert table["sentiment"]["split"] == [0.5, 0.001]
    assert table["sentiment"]["day"].isoformat() == "2026-01-02"
    with pytest.raises(ValueError, match="line 1"):
        parse_toml("seed 7")


def test_a_message_class_is_made_from_a_pool_of_its_own():
    """With a field that is written and read back; a message that is not there is a KeyError."""
    file = descriptor_pb2.FileDescriptorProto(name="films.proto", package="films", syntax="proto3")
    field = file.message_type.add(name="Film").field.add(name="year", number=3)
    field.label, field.type = field.LABEL_OPTIONAL, field.TYPE_INT64
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    film = message_class(pool, "films.Film")
    assert film(year=1941).SerializeToString() == b"\x18\x95\x0f"
    assert film.FromString(b"\x18\x95\x0f").year == 1941
    with pytest.raises(KeyError):
        message_class(pool, "films.Actor")
