"""What others may import of `components`: lazily, documented, with examples that run."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import components
from components.evaluator.gate import eval_config
from pipeline.config import PipelineConfig

PROJECT = Path(__file__).parents[2]


def test_every_public_name_is_there_and_says_where_it_lives():
    """The list, the table and what editors read are one."""
    assert components.__all__ == sorted(components.__all__)
    assert sorted(components._MODULE_OF) == components.__all__
    assert set(components.__all__) <= set(dir(components))
    source = ast.parse(Path(components.__file__).read_text())
    (for_types,) = (node for node in source.body if isinstance(node, ast.If))
    named = {
        alias.name: node.module
        for node in for_types.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert named == components._MODULE_OF
    for name in components.__all__:
        found = getattr(components, name)
        assert found is getattr(importlib.import_module(components._MODULE_OF[name]), name)
        assert found.__module__ == components._MODULE_OF[name]


def test_no_public_name_hides_a_module():
    """`from components import features` is the module, whatever was imported before."""
    modules = {path.stem for path in Path(components.__file__).parent.iterdir()}
    assert not modules & set(components.__all__)


def test_an_unknown_name_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError, match=r"module 'components' has no attribute 'Pusher'"):
        components.Pusher  # noqa: B018 -- asking is the test


def test_importing_the_package_imports_no_library():
    """So that `sentiment --help` is quick; the light names bring nothing heavy either."""
    script = (
        "import sys\n"
        "import components\n"
        "components.resolve_source, components.Hyperparameters, components.variant_names\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'keras'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "[]\n"), result.stderr


def test_our_own_code_imports_from_where_a_name_lives():
    """The cache reads imports from the source: by the package, it would not see what is used."""
    for package in ("components", "pipeline", "serving"):
        for file in (PROJECT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == "components":
                    lazy = {alias.name for alias in node.names} & set(components.__all__)
                    assert not lazy, f"{file} imports {lazy} from the package"


@pytest.mark.parametrize("name", components.__all__)
def test_the_example_of_a_public_name_runs(name):
    """Each has one in its docstring."""
    found = getattr(components, name)
    where = vars(importlib.import_module(found.__module__))
    (test,) = doctest.DocTestFinder(recurse=False).find(found, name, globs=dict(where))
    assert test.examples, f"{name} has no example"
    report: list[str] = []
    doctest.DocTestRunner().run(test, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize(
    "name",
    [
        "CrossValidator",
        "DataGate",
        "ReviewExampleGen",
        "ReviewModelInfraValidator",
        "ReviewModelPusher",
        "ReviewSchemaGen",
    ],
)
def test_a_component_says_what_it_takes_and_gives(name):
    """Each input and output of its specification, in its docstring."""
    component = getattr(components, name)
    told = inspect.getdoc(component)
    for channel in (*component.SPEC_CLASS.INPUTS, *component.SPEC_CLASS.OUTPUTS):
        assert f"\n  {channel}: " in told, channel


def test_defaults_are_those_of_the_command_line():
    """A pipeline of one's own behaves as `sentiment run` where nothing is said."""
    settings = PipelineConfig()
    example_gen = inspect.signature(components.ReviewExampleGen).parameters
    assert example_gen["validation_fraction"].default == settings.validation_fraction
    assert example_gen["drop_leaks"].default == settings.drop_leaks
    data_gate = inspect.signature(components.DataGate).parameters
    for name in ("max_bad_records", "min_class_size"):
        assert data_gate[name].default == getattr(settings, name)
    gate = inspect.signature(eval_config).parameters
    for name in ("min_accuracy", "max_regression"):
        assert gate[name].default == getattr(settings, name)
