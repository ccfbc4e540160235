import string

import pytest

from pipeline.fingerprint import edits, reachable_modules, source_fingerprint, source_functions

STEP = '''"""Docstring."""
from components.words import split


def count(text):
    """Counts."""
    return len(split(text))  # words
'''


@pytest.fixture
def project(tmp_path):
    """A project in which `components.step` imports `components.words`."""
    write(tmp_path, "components/__init__.py", "")
    write(tmp_path, "components/words.py", "def split(text):\n    return text.split()\n")
    write(tmp_path, "components/step.py", STEP)
    write(tmp_path, "components/other.py", "VALUE = 1\n")
    return tmp_path


def write(project, path, text):
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def fingerprint(project, *modules):
    return source_fingerprint(*(modules or ("components.step",)), project=project)


def test_is_sixteen_hexadecimal_digits(project):
    """The same code gives the same short text."""
    first = fingerprint(project)

    assert len(first) == 16 and set(first) <= set(string.hexdigits.lower())
    assert fingerprint(project) == first


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("components/step.py", STEP.replace("len(split(text))", "len(split(text)) + 1")),
        ("components/words.py", "def split(text):\n    return text.split(',')\n"),
        ("components/__init__.py", "import os\n"),
    ],
)
def test_code_counts(project, path, text):
    """An edit of the module, of what it imports, or of a package on the way changes it."""
    before = fingerprint(project)

    write(project, path, text)

    assert fingerprint(project) != before


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("components/step.py", STEP.replace("# words", "# other words")),
        ("components/step.py", STEP.replace("Counts.", "Counts the words.")),
        ("components/step.py", STEP.replace('    """Counts."""\n', "")),
        ("components/step.py", STEP.replace("\n\n\n", "\n\n\n\n")),
        (
            "components/step.py",
            STEP.replace("len(split(text))", "len(\n        split(text)\n    )"),
        ),
        ("components/other.py", "VALUE = 2\n"),
        ("components/new.py", "VALUE = 3\n"),
        ("README.md", "news"),
    ],
)
def test_what_cannot_change_a_result_does_not_count(project, path, text):
    """Comments, docstrings, formatting and files that are not imported leave it as it is."""
    before = fingerprint(project)

    write(project, path, text)

    assert fingerprint(project) == before


def test_other_strings_count(project):
    """A string that is no docstring is code."""
    write(project, "components/step.py", "VALUE = 'a'\n")
    before = fingerprint(project)

    write(project, "components/step.py", "VALUE = 'b'\n")

    assert fingerprint(project) != before


def test_names_of_modules_count(project):
    """The same code under another name is another step."""
    write(project, "components/twin.py", "VALUE = 1\n")

    assert fingerprint(project, "components.twin") != fingerprint(project, "components.other")


@pytest.mark.parametrize(
    "statement",
    [
        "import components.parts.deep",
        "import components.parts.deep as short",
        "from components.parts import deep",
        "from components.parts.deep import VALUE",
        "from .parts import deep",
        "from . import parts\nfrom .parts.deep import VALUE",
        "def late():\n    from components.parts import deep\n    return deep",
        "if True:\n    import components.parts.deep",
    ],
)
def test_ways_to_import(project, statement):
    """Every way to import a module of ours is followed, through the packages on the way."""
    write(project, "components/parts/__init__.py", "")
    write(project, "components/parts/deep.py", "VALUE = 1\n")
    write(project, "components/step.py", statement)

    assert set(reachable_modules(["components.step"], project)) == {
        "components",
        "components.step",
        "components.parts",
        "components.parts.deep",
    }


def test_relative_import_from_a_package_inside(project):
    """Two dots climb from a module to the package above its own; one stays in a package."""
    write(project, "components/parts/__init__.py", "from . import deep\n")
    write(project, "components/parts/deep.py", "from ..words import split\n")

    assert set(reachable_modules(["components.parts"], project)) == {
        "components",
        "components.parts",
        "components.parts.deep",
        "components.words",
    }


def test_libraries_are_not_followed(project):
    """Of libraries, only versions count: their code is not read."""
    write(
        project, "components/step.py", "import json\nimport tensorflow as tf\nfrom tfx import v1\n"
    )

    assert set(reachable_modules(["components.step"], project)) == {"components", "components.step"}


def test_import_cycles_end(project):
    """Modules that import each other are read once each."""
    write(project, "components/words.py", "import components.step\n")

    assert set(reachable_modules(["components.step"], project)) == {
        "components",
        "components.step",
        "components.words",
    }


def test_what_type_checkers_alone_read_does_not_count(project):
    """A package may name all its parts to them without depending on any; `else` is what runs."""
    before = fingerprint(project)
    lines = ("from typing import TYPE_CHECKING", "if TYPE_CHECKING:", "    import components.other")
    write(project, "components/__init__.py", "\n".join((*lines, "else:", "    pass", "")))
    reached = reachable_modules(["components.step"], project)
    assert "components.other" not in reached
    assert "components.words" in reached
    with_types = fingerprint(project)
    assert with_types != before  # the import of TYPE_CHECKING itself
    write(project, "components/other.py", "VALUE = 2\n")
    assert fingerprint(project) == with_types
    write(project, "components/__init__.py", "\n".join((*lines, "else:", "    import os", "")))
    assert fingerprint(project) != with_types


def test_unknown_module(project):
    """A module that is not there is an error that names it."""
    with pytest.raises(ValueError, match=r"There is no module 'components\.stpe' in "):
        fingerprint(project, "components.stpe")


def test_steps_of_the_real_project_do_not_reach_the_report():
    """Editing the report, the console or the command line runs no step again."""
    reached = reachable_modules(["components.trainer.training", "components.evaluator.gate"])

    assert "components.features" in reached
    assert not [name for name in reached if name.startswith("pipeline")]


SHAPES = """import math

LIMIT = 3


def area(side):
    def squared(x):
        return x * x

    return squared(side)


@final
class Circle(Shape):
    name = "circle"

    class Edge:
        def length(self):
            return 1

    @property
    def radius(self):
        return self._radius

    @radius.setter
    def radius(self, value):
        self._radius = value


async def draw():
    pass
"""


@pytest.mark.parametrize(
    ("old", "new", "edited"),
    [
        ("x * x", "x ** 2", {"components.shapes.area": "edited"}),
        ("return 1", "return 2", {"components.shapes.Circle.Edge.length": "edited"}),
        ("return self._radius", "return 2", {"components.shapes.Circle.radius": "edited"}),
        ("self._radius = value", "pass", {"components.shapes.Circle.radius": "edited"}),
        ('"circle"', '"ring"', {"components.shapes.Circle": "edited"}),
        ("@final", "@frozen", {"components.shapes.Circle": "edited"}),
        ("(Shape)", "(Round)", {"components.shapes.Circle": "edited"}),
        ("LIMIT = 3", "LIMIT = 4", {"components.shapes": "edited"}),
        ("import math", "import cmath", {"components.shapes": "edited"}),
        ("async def draw", "def draw", {"components.shapes.draw": "edited"}),
        (
            "async def draw",
            "async def paint",
            {"components.shapes.draw": "removed", "components.shapes.paint": "added"},
        ),
        (
            "class Edge:",
            "class Rim:",
            {
                "components.shapes.Circle.Edge": "removed",
                "components.shapes.Circle.Edge.length": "removed",
                "components.shapes.Circle.Rim": "added",
                "components.shapes.Circle.Rim.length": "added",
            },
        ),
    ],
)
def test_an_edit_has_the_name_of_the_function_around_it(project, old, new, edited):
    """Functions, methods, what else a class or module says; what is nested is of its outer one."""
    write(project, "components/shapes.py", SHAPES)
    before = source_functions("components.shapes", project=project)

    write(project, "components/shapes.py", SHAPES.replace(old, new))

    after = source_functions("components.shapes", project=project)
    assert edits(before, after) == edited
    assert set(edits(after, before)) == set(edited)


@pytest.mark.parametrize(
    ("path", "before", "after", "edited"),
    [
        (
            "components/step.py",
            "def a(): pass\ndef b(): pass\n",
            "def b(): pass\ndef a(): pass\n",
            "components.step (order)",
        ),
        (
            "components/step.py",
            "def a(): pass\na = 1\n",
            "a = 1\ndef a(): pass\n",
            "components.step (order)",
        ),
        (
            "components/step.py",
            "class A:\n  def f(): pass\n  def g(): pass\n",
            "class A:\n  def g(): pass\n  def f(): pass\n",
            "components.step (order)",
        ),
        (
            "components/step.py",
            "def a(): return 1\ndef a(): return 2\n",
            "def a(): return 2\ndef a(): return 1\n",
            "components.step.a",
        ),
        (
            "components/step.py",
            "if 1:\n  def a(): return 1\n",
            "if 1:\n  def a(): return 2\n",
            "components.step",
        ),
    ],
)
def test_no_edit_is_lost_between_functions(project, path, before, after, edited):
    """Which comes first, a name that is given twice, a function under a condition."""
    write(project, path, before)
    functions, whole = source_functions("components.step", project=project), fingerprint(project)

    write(project, path, after)

    later = source_functions("components.step", project=project)
    assert edits(functions, later) == {edited: "edited"}
    assert fingerprint(project) != whole


def test_a_function_of_a_package_with_the_name_of_a_module(project):
    """Both count."""
    write(project, "components/__init__.py", "def words(): return 1\n")
    before = source_functions("components.step", project=project)

    write(project, "components/__init__.py", "def words(): return 2\n")
    between = source_functions("components.step", project=project)
    write(project, "components/words.py", "def split(text):\n    return text.split()\nMORE = 1\n")

    after = source_functions("components.step", project=project)
    assert edits(before, between) == edits(between, after) == {"components.words": "edited"}
