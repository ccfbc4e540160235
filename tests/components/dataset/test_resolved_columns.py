"""Which columns hold text and label, and what is told where they are not found."""

from __future__ import annotations

import gzip

import pyarrow
import pyarrow.parquet
import pytest

from tests.components.dataset.resolving import refusal, resolve, write


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl", "r.parquet"])
def test_the_only_other_column_is_taken_for_the_label_and_told(tmp_path, name):
    """Where nobody named one."""
    path = tmp_path / name
    if name == "r.parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": ["a"], "mood": [1]}), path)
    elif name == "r.jsonl":
        path.write_text('{"text": "a", "mood": 1}\n')
    else:
        path.write_text("text,mood\na,1\n".replace(",", "\t" if name == "r.tsv" else ","))
    told: list[str] = []
    assert resolve(path, tmp_path, notify=told.append).label_column == "mood"
    assert told == [
        "The column 'mood' is taken for the label: it is the only one beside 'text'. "
        "`label_column` names another."
    ]
    assert "has no column 'mod'. Its columns are: text, mood. Did you mean 'mood'?" in refusal(
        path, tmp_path, label_column="mod"
    )


def test_a_missing_column_lists_those_that_exist_and_names_the_nearest(tmp_path):
    """And the setting that names another."""
    path = write(tmp_path / "r.csv", "Film Notes,labls,id\na,1,2\n")
    assert refusal(path, tmp_path) == (
        "r.csv has no column 'text'. Its columns are: Film Notes, labls, id. Name it with "
        "`text_column`, and the label's with `label_column`."
    )
    assert refusal(path, tmp_path, text_column="Filmnotes") == (
        "r.csv has no column 'Filmnotes'. Its columns are: Film Notes, labls, id. Did you mean "
        "'Film Notes'? Name it with `text_column`, and the label's with `label_column`."
    )
    assert refusal(path, tmp_path, text_column="Film Notes") == (
        "r.csv has no column 'label'. Its columns are: Film Notes, labls, id. Did you mean "
        "'labls'? Name it with `label_column`."
    )


def test_a_table_of_one_column_is_refused_with_what_is_missing(tmp_path):
    """No setting names labels that are not there; two fields may be taken for one."""
    path = write(tmp_path / "sports.csv", "text\na\nb\n")
    assert refusal(path, tmp_path).endswith(
        "Its columns are: text. Texts and labels need a column each: write the label of each text "
        "beside it."
    )
    path = write(tmp_path / "words.csv", "one word~B\ntwo words~O\n")
    assert "if a line holds both, name what stands between them with `delim" in refusal(
        path, tmp_path
    )


def test_a_missing_column_is_named_where_its_values_tell(tmp_path):
    """Whoever types the advice has both columns."""
    rows = "".join(
        f"{n},tt{n},a film of some words that is number {n},{'good' if n % 2 else 'bad'}\n"
        for n in range(40)
    )
    path = write(tmp_path / "r.csv", f",id,the film,how it was\n{rows}")
    found = refusal(path, tmp_path)
    assert found.endswith(
        "Name it with `text_column`, e.g. `text_column='the film'` `label_column='how it was'`."
    )
    found = refusal(path, tmp_path, text_column="the film")
    assert found.endswith("Name it with `label_column`, e.g. `label_column='how it was'`.")
    source = resolve(path, tmp_path, text_column="the film", label_column="how it was")
    assert source.label_column == "how it was"


def test_a_column_that_differs_in_its_case_is_told(tmp_path):
    """So that nobody wonders which was read."""
    told: list[str] = []
    path = write(tmp_path / "r.csv", "Text,LABEL\na,1\nb,0\n")
    source = resolve(path, tmp_path, notify=told.append)
    assert (source.text_column, source.label_column) == ("Text", "LABEL")
    assert told == [
        "The column 'Text' is taken for 'text'.",
        "The column 'LABEL' is taken for 'label'.",
    ]
    told.clear()
    write(path, "text,label,Label\na,1,0\nb,0,1\n")
    assert resolve(path, tmp_path, notify=told.append).label_column == "label"
    assert told == ["There is a column 'Label' as well; 'label' is read."]


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet", "r.tsv.gz"])
def test_a_missing_column_is_found_in_every_format(tmp_path, name):
    """Before anything runs."""
    path = tmp_path / name
    if name == "r.parquet":
        pyarrow.parquet.write_table(pyarrow.table({"words": ["a"], "label": [1]}), path)
    elif name == "r.jsonl":
        path.write_text('{"words": "a", "label": 1}\n')
    else:
        path.write_bytes(gzip.compress(b"words\tlabel\na\t1\n"))
    assert f"{name} has no column 'text'. Its columns are: words, label." in refusal(path, tmp_path)
