"""What README, CONTRIBUTING and the pages of docs/ claim holds."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from components import features
from components.hyperparameters import Hyperparameters
from components.models import registry
from components.models.registry import get_variant
from docs._extensions.command_help import command_names, help_of
from docs._extensions.markdown_docstrings import as_restructured_text
from docs._extensions.offline import loaded_from_network
from pipeline.beam_engines import ENGINES, WORKERS, Argument
from pipeline.cli import _parser
from pipeline.config import setting_fields
from pipeline.loading import load_config
from pipeline.results.leaderboard import Leaderboard
from scripts import architecture
from scripts.readme import README, RESULTS, pages, regenerated

PROJECT = README.parent
PAGES = {str(page.relative_to(PROJECT)): page.read_text(encoding="utf-8") for page in pages()}
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TEXT = "\n".join(PAGES.values())
COMMANDS = (
    "run", "report", "runs", "inspect", "compare", "compile", "predict", "score", "serve", "status",
    "worker",
)  # fmt: skip
RECORDED = [
    run for path in sorted(RESULTS.glob("leaderboard*.json")) for run in Leaderboard.read(path).runs
]
PYTHON = [
    pytest.param(block, id=f"{name}-{number}")
    for name, text in PAGES.items()
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]
COMMAND_LINE = re.compile(r" *(?:\$ )?(?:\.venv/bin/)?sentiment (.*)")
REFERENCED = re.findall(r"^\.\. auto\w+:: (\S+)$", TEXT, re.MULTILINE)
MESSAGES = re.findall(r"^### `(.+)`$", PAGES["docs/troubleshooting.md"], re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_generated_parts_are_up_to_date(name):
    """Settings, results and recorded output; `python -m scripts.readme` makes them anew."""
    assert regenerated(PAGES[name]) == PAGES[name]


@pytest.mark.parametrize("run", RECORDED, ids=lambda run: f"{run.label}-{run.seed}")
def test_recorded_results_are_those_of_the_variants_as_they_are(run):
    """The same parameters, and a preset's hyperparameters: anybody can train it again."""
    variant = get_variant(run.model)
    _, _, preset = run.label.partition(":")
    used = variant.presets[preset or variant.default_preset].overridden(seed=run.seed)
    assert Hyperparameters.from_config(run.hyperparameters) == used
    assert variant.build(used).count_params() == run.parameters


def test_every_make_target_that_is_named_exists():
    """In all pages and CONTRIBUTING; and `make help` lists each."""
    listed = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True).stdout
    targets = set(re.findall(r"make (\w+)", listed))
    named = set(re.findall(r"(?:`|^|\n)make (\w+)", TEXT + CONTRIBUTING))
    assert {"setup", "run", "test", "lint", "docs", "bench"} <= targets
    assert named <= targets


def beam_arguments() -> list[Argument]:
    """What Beam is given."""
    return [each for entry in (*ENGINES.values(), *WORKERS.values()) for each in entry.arguments]


def test_every_flag_that_is_named_exists():
    """A reader may type it; the server's with dashes or underscores."""
    helps = [*map(help_of, COMMANDS), help_of("runs", "show"), help_of("runs", "diff")]
    known = set(re.findall(r"--[a-z][a-z0-9_-]+", "".join(helps)))
    known |= {f"--{flag[2:].replace('_', '-')}" for flag in known}
    known |= {f"--{each.flag}" for each in beam_arguments()}
    text = re.sub(r"`python -m benchmarks\.[^`]*`", "", TEXT)  # has flags of its own
    prose = re.sub(r"^(uv|docker|curl|prism).*?(?<!\\)$", "", text, flags=re.MULTILINE | re.DOTALL)
    # A row of dashes below a table's head is no flag.
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z0-9_-]+)", prose))
    assert len(named) > 50
    passed_to_beam = {"--parallelism", "--project", "--region", "--temp_location"}
    passed_to_beam |= {"--hdfs_host", "--hdfs_port", "--hdfs_user"}
    of_others = {"--logdir", "--user", "--password"}
    assert named - known <= {*of_others, *passed_to_beam}


def command_lines() -> list[str]:
    """What follows `sentiment` in shell blocks, and in prose where flags have values."""
    found = []
    for text in PAGES.values():
        for block in re.findall(r"^ *```\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
            lines = map(COMMAND_LINE.match, block.replace("\\\n", " ").splitlines())
            found += [line[1] for line in lines if line]
        prose = re.findall(r"`sentiment ([^`]+)`", text)
        found += [" ".join(words.split()) for words in prose if len(words.split(" --")) > 2]
    return sorted(set(found))


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_that_is_shown_is_understood(line):
    """The parser takes it, and its settings may have these values and stand together."""
    known, more = _parser().parse_known_args(shlex.split(line, comments=True))
    options = vars(known)
    assert options.get("takes_more") or not more
    settings = {field.name for field in setting_fields()}
    load_config({name: value for name, value in options.items() if name in settings and value})


def test_every_command_has_its_help_in_the_pages():
    """With its name as a heading, whatever commands there are."""
    assert tuple(command_names()) == COMMANDS
    assert help_of("score").startswith("usage: sentiment score --input FILE ... --output FOLDER")
    assert "```{command-help}" in PAGES["docs/reference/commands.md"]


def test_exit_codes_are_those_of_the_command():
    """The table has each code once, with the words of `--help`."""
    table = re.findall(r"^\| (\d+) \| (.+) \|$", PAGES["docs/reference/settings.md"], re.MULTILINE)
    codes = re.findall(r"^  (\d+) +(.+(?:\n {6,}.+)*)$", help_of("run"), re.MULTILINE)
    assert table == [(code, " ".join(words.split())) for code, words in codes]


@pytest.mark.parametrize(
    ("page", "link"),
    [
        (page, link)
        for page, text in PAGES.items()
        for link in re.findall(r"\]\((?!https?:)([^)#\s]+)[^)\s]*\)", text)
    ],
)
def test_files_that_are_linked_exist(page, link):
    """Relative links lead somewhere."""
    assert (PROJECT / page).parent.joinpath(link).is_file()


@pytest.mark.parametrize(
    "path",
    sorted(
        set(
            re.findall(
                r"`((?:components|docs|examples|pipeline|scripts|serving|tests)/[\w./-]*)`",
                TEXT + CONTRIBUTING,
            )
        )
        # What a reader is told to write.
        - {"components/models/average.py", "components/review_counter/component.py"}
    ),
)
def test_paths_that_are_named_exist(path):
    """A reader may open them."""
    assert (PROJECT / path).exists()


def test_the_readme_is_what_a_visitor_reads():
    """The rest is in docs/."""
    assert len(PAGES["README.md"].splitlines()) < 250


def test_every_page_is_in_the_contents():
    """A page that no list names is not found."""
    contents = "".join(re.findall(r"```{toctree}\n(.*?)```", PAGES["docs/index.md"], re.DOTALL))
    listed = set(re.findall(r"^([a-z/-]+)$", contents, re.MULTILINE))
    names = {
        Path(name).relative_to("docs").with_suffix("") for name in PAGES if name != "README.md"
    }
    assert listed == {name.as_posix() for name in names} - {"index"}


def test_the_picture_of_the_folders_is_that_of_the_imports():
    """`python -m scripts.architecture` draws it anew."""
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture()


def test_an_arrow_that_follows_from_others_is_not_drawn():
    """Folders that import each other keep their arrows: they are what a reader must see."""
    imports = {"a": {"b", "c"}, "b": {"c"}, "c": set(), "d": {"e"}, "e": {"d", "c"}}
    assert architecture.without_implied(imports) == {
        "a": ["b"],
        "b": ["c"],
        "c": [],
        "d": ["e"],
        "e": ["c", "d"],
    }
    assert architecture.floors(imports) == [["a"], ["b", "d", "e"], ["c"]]


@pytest.mark.parametrize("name", REFERENCED)
def test_what_the_reference_takes_from_docstrings_exists(name):
    """Sphinx imports the names: a function that was moved is missing in the reference."""
    assert pkgutil.resolve_name(name).__doc__


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_in_troubleshooting_is_one_of_the_code(message):
    """Each part between two gaps stands in a text of the code, whatever is filled in there."""
    texts = _texts_of_the_code()
    for part in message.split("…"):
        assert any(part in text for text in texts), part


@functools.cache
def _texts_of_the_code() -> list[str]:
    """Returns all strings, those that are written in several pieces as one."""
    found = []
    for package in architecture.PACKAGES:
        for file in sorted((PROJECT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
                elif isinstance(node, ast.JoinedStr):
                    found.append(
                        "".join(
                            part.value if isinstance(part, ast.Constant) else "…"
                            for part in node.values
                        )
                    )
    return found


@pytest.mark.parametrize("block", PYTHON)
def test_what_python_examples_import_exists(block):
    """A reader may type them."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            for name in node.names:
                if not hasattr(module, name.name):
                    importlib.import_module(f"{node.module}.{name.name}")


def _only_example(page: str) -> str:
    (block,) = re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL)
    return block


def test_the_model_of_the_page_on_models_keeps_the_rules(monkeypatch):
    """As it is written there: it can be selected, and its predictions are those of one model."""
    import numpy as np

    monkeypatch.setattr(registry, "_variants", dict(registry._variants))
    exec(_only_example("docs/how-to/own-model.md"), {})
    variant = registry._variants["average"]
    hyperparameters = variant.configure("reference", {"dropout": 0.1}).without_noise()
    model = variant.build(hyperparameters)
    by_token = variant.build(hyperparameters, per_token=True)
    by_token.set_weights(model.get_weights())
    token_ids = np.zeros((2, features.MAX_LENGTH), np.int32)
    token_ids[:, -3:] = [[5, 6, 7], [8, 9, 10]]
    predicted = model(token_ids).numpy()
    assert model.count_params() == features.VOCABULARY_SIZE * 32 + 33
    np.testing.assert_allclose(by_token(token_ids)[:, -1].numpy(), predicted, atol=1e-6)


def test_the_step_of_the_page_on_steps_counts_reviews(tmp_path, monkeypatch):
    """As it is written there, it reads what ReviewExampleGen writes."""
    import tensorflow as tf
    from tfx.types import artifact_utils
    from tfx.types.standard_artifacts import Examples

    (tmp_path / "review_counter.py").write_text(_only_example("docs/how-to/own-step.md"))
    monkeypatch.syspath_prepend(str(tmp_path))
    step = importlib.import_module("review_counter")
    monkeypatch.delitem(sys.modules, "review_counter")

    examples, counts = Examples(), step.ReviewCounts()
    examples.uri, counts.uri = str(tmp_path / "examples"), str(tmp_path / "counts")
    examples.split_names = artifact_utils.encode_split_names(["train", "test"])
    for split, number in (("train", 3), ("test", 2)):
        folder = Path(artifact_utils.get_split_uri([examples], split))
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001.gz"), "GZIP") as writer:
            for _ in range(number):
                writer.write(b"")
    Path(counts.uri).mkdir()

    executor = step.ReviewCounter.EXECUTOR_SPEC.executor_class()
    executor.Do({"examples": [examples]}, {"counts": [counts]}, {})
    assert json.loads((tmp_path / "counts" / "counts.json").read_text()) == {"train": 3, "test": 2}


def test_a_docstring_is_read_as_markdown():
    """Indented lines are code, explained names a list; stars and underscores mean themselves."""
    docstring = [
        "Takes *names, a|b and name_ of `code_*x`:",
        "",
        "  first: One that goes",
        "    on here.",
        "  second: Another.",
        "",
        "For example:",
        "",
        "    with Client(*names) as client:",
        "",
        "Args:",
        "  name: Its *own",
        "    words.",
    ]
    assert as_restructured_text(docstring) == [
        r"Takes \*names, a\|b and name\_ of `code_*x`:",
        "",
        "* ``first``: One that goes",
        "  on here.",
        "* ``second``: Another.",
        "",
        "For example:",
        "",
        "::",
        "",
        "    with Client(*names) as client:",
        "",
        "Args:",
        r"  name: Its \*own",
        "    words.",
    ]


def test_a_page_that_loads_something_from_the_network_is_told():
    """A link that a reader may follow is none."""
    page = (
        '<a href="https://tfx.org/">TFX</a><script src="_static/a.js"></script>'
        '<script async src="https://cdn.org/a.js"></script><img alt="" src="//cdn.org/b.png">'
    )
    assert loaded_from_network(page) == ["https://cdn.org/a.js", "//cdn.org/b.png"]
    style = "@import 'https://fonts.org/c'; a { background: url(d.png) }"
    assert loaded_from_network(style, is_style=True) == ["https://fonts.org/c"]
