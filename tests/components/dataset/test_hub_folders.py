"""Folders with several configurations of one data set, as the Hugging Face hub has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.dataset.paths import tables_in
from components.dataset.resolve import resolve_source
from components.errors import DatasetError

FRONT = """---
license: mit
configs:
- config_name: en
  data_files:
  - split: train
    path: data/en_train*
  - split: test
    path: data/en_test*
- config_name: de
  default: true
  data_files: "data/de_*"
---
# Reviews
"""


def make(folder: Path, *names: str, readme: str = "") -> Path:
    """Returns a folder with tables of these names."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"text,label\nof {name},1\nand of {name},0\n")
    if readme:
        (folder / "README.md").write_text(readme)
    return folder


def refusal(folder: Path) -> str:
    """Returns the sentence with which the folder is refused."""
    with pytest.raises(DatasetError) as error:
        tables_in([folder])
    return str(error.value)


def names_in(folder: Path) -> list[str]:
    """Returns the names of the tables that are read."""
    return [str(path.relative_to(folder)) for path in tables_in([folder])]


def test_several_configurations_of_the_readme_are_refused_with_their_paths(tmp_path):
    """And the path that chooses one works as it stands."""
    files = ("data/en_train.csv", "data/en_test.csv", "data/de_train.csv", "data/de_test.csv")
    folder = make(tmp_path / "hub", *files, readme=FRONT)
    message = refusal(folder)
    assert "holds 2 configurations of a data set: en, de. Choose one by its path" in message
    chosen = message.split("`data='")[1].split("'`")[0]
    source = resolve_source(chosen)
    assert [Path(file.path).name for file in source.files] == ["en_test.csv", "en_train.csv"]
    assert [file.split for file in source.files] == ["test", "train"]


def test_the_only_configuration_of_the_readme_leaves_other_files_out(tmp_path):
    """Whether it describes one, or there are files of one alone."""
    one = FRONT.split("- config_name: de")[0] + "---\n"
    files = ("data/en_train.csv", "data/en_test.csv", "raw/dump.csv")
    for number, readme in enumerate((one, FRONT)):
        folder = make(tmp_path / str(number), *files, readme=readme)
        assert names_in(folder) == ["data/en_test.csv", "data/en_train.csv"]


@pytest.mark.parametrize(
    "files",
    [
        ("en/train-0.csv", "en/test-0.csv", "de/train-0.csv", "de/test-0.csv"),
        ("data/en/train.csv", "data/de/train.csv"),
        ("en/train/0.csv", "en/validation/0.csv", "de/train/0.csv"),
    ],
)
def test_folders_with_a_train_split_each_are_configurations(tmp_path, files):
    """One of them is a data set; both together are none."""
    folder = make(tmp_path / "hub", *files)
    message = refusal(folder)
    inside = "data/" if files[0].startswith("data") else ""
    assert f"2 configurations of a data set: {inside}de, {inside}en." in message
    assert f"{inside}de'`" in message
    assert len(tables_in([folder / inside / "en"])) == sum("en/" in name for name in files)


@pytest.mark.parametrize(
    "files",
    [
        ("data/train-0.csv", "data/test-0.csv"),
        ("default/train/0.csv", "default/test/0.csv"),
        ("train/0.csv", "test/0.csv", "validation/0.csv"),
        ("part1/a.csv", "part2/b.csv"),
        ("train.csv", "dev.csv", "test.csv"),
    ],
)
def test_folders_of_one_data_set_are_read_whole(tmp_path, files):
    """Splits and parts are no configurations."""
    folder = make(tmp_path / "hub", *files)
    assert sorted(names_in(folder)) == sorted(files)


@pytest.mark.parametrize(
    "readme",
    [
        "no front matter",
        "---\nconfigs: 7\n---\n",
        "---\nconfigs:\n- 1\n- config_name: x\n  data_files: {train: [1, null]}\n---\n",
        "---\n: : [\n---\n",
        "---\na: &a [x, x]\nb: &b [*a, *a]\nconfigs: *b\n---\n",
        "---\nconfigs:\n- data_files: ../../*\n- data_files: /etc/*\n---\n",
        "---\n" + "[" * 5_000 + "\n---\n",
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
def test_a_description_that_says_nothing_of_use_is_passed_over(tmp_path, readme):
    """Whatever it holds; a pattern reaches no file outside."""
    folder = make(tmp_path / "hub", "train.csv", "test.csv", readme=readme)
    assert names_in(folder) == ["test.csv", "train.csv"]
