"""JSON files that are a whole table in one object: told apart from records, with a way out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pandas
import pytest

from components.dataset.resolve import resolve_source
from components.errors import DatasetError

RECORDS = [{"text": f"text {n}", "label": "ab"[n % 2]} for n in range(20)]


def refusal(path):
    """Returns why a file is no table."""
    with pytest.raises(DatasetError) as error:
        resolve_source(str(path))
    return str(error.value)


@pytest.mark.parametrize("orient", ["columns", "split", "list"])
def test_what_pandas_writes_by_columns_is_refused_with_a_statement_that_works(
    tmp_path, monkeypatch, orient
):
    """The statement in the message writes the records one a line."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my reviews.json"
    table = pandas.DataFrame(RECORDS)
    if orient == "list":
        path.write_text(json.dumps(table.to_dict(orient="list")))
    else:
        table.to_json(path, orient=orient)
    message = refusal(path)
    assert message.startswith("my reviews.json is no table: it")
    exec(re.search(r"In Python: (.*)\.$", message)[1], {"pandas": pandas})
    assert resolve_source("my reviews.jsonl").classes == ("a", "b")


def test_records_under_keys_are_refused_with_a_command_that_works(tmp_path, monkeypatch):
    """No column is guessed inside one of them."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "keyed.json"
    path.write_text(json.dumps({f"id {n}": record for n, record in enumerate(RECORDS)}))
    message = refusal(path)
    command = "jq -c '.[]' keyed.json > keyed.jsonl"
    assert message == (
        "keyed.json is no table: its only object holds each record under a key, e.g. 'id 0'. "
        f"Write them one a line, e.g. by {command}."
    )
    if shutil.which("jq"):
        subprocess.run(command, shell=True, check=True)
        assert resolve_source("keyed.jsonl").classes == ("a", "b")


def test_a_list_in_each_of_many_records_is_not_taken_for_the_records(tmp_path):
    """There is nothing to unpack: each record is one already."""
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([{"notes": [{"by": n}], "data": {"text": "t"}} for n in range(9)]))
    message = refusal(path)
    assert "has no column 'label'" in message and "jq" not in message


def test_one_record_of_objects_is_a_record(tmp_path):
    """Its objects have other keys."""
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"ticket": {"body": "b", "id": 1}, "meta": {"class": "c", "x": 2}}))
    source = resolve_source(str(path))
    assert (source.text_column, source.label_column) == ("ticket.body", "meta.class")
