"""Scoring by models of three classes, and of two that have names of their own."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from components.errors import ConfigurationError, ScoringError
from pipeline import cli
from pipeline.scoring.model import PushedModelHandler, answers
from pipeline.scoring.plan import AddedColumns, make_plan
from pipeline.scoring.pushed_model import PushedModel
from tests.serving.models import SPAM_CLASSES, TICKET_CLASSES

TEXTS = ["I was charged", "money back please", "parcel", "hello"]
COLUMNS = ["probability", "label", "model_version"]
SCORES = [f"score_{name}" for name in TICKET_CLASSES]


@pytest.fixture(scope="module")
def tickets(classes_root) -> Path:
    """The version of three classes."""
    return classes_root / "serving_model" / "tickets" / "5"


@pytest.fixture(scope="module")
def scored(tickets, tmp_path_factory) -> Path:
    """One text a file or two, in three formats, scored with the scores of all classes."""
    folder = tmp_path_factory.mktemp("scored")
    (folder / "a.csv").write_text("id,text\n" + "".join(f"7,{text}\n" for text in TEXTS))
    (folder / "b.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in TEXTS))
    pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS}), folder / "c.parquet")
    inputs = [str(folder / name) for name in ("a.csv", "b.jsonl", "c.parquet")]
    flags = ["--output", str(folder / "out"), "--model", str(tickets), "--scores"]
    root = ["--root", str(tickets.parents[2])]
    assert cli.main(["score", "--input", *inputs, *flags, *root]) == 0
    return folder / "out"


def test_each_format_gets_a_label_and_a_column_for_each_class(scored):
    """Of the same values; a label is in the place of a sentiment."""
    with (scored / "a.csv").open(newline="") as stream:
        header, *table = csv.reader(stream)
    assert header == ["id", "text", *COLUMNS, *SCORES]
    lines = [json.loads(line) for line in (scored / "b.jsonl").read_text().splitlines()]
    assert all(list(line) == ["text", *COLUMNS, *SCORES] for line in lines)
    assert [line["label"] for line in lines] == ["billing", "refund", "shipping", "billing"]
    parquet = pyarrow.parquet.read_table(scored / "c.parquet")
    assert [str(parquet.schema.field(name).type) for name in (*COLUMNS, *SCORES)] == [
        "float", "string", "int64", "float", "float", "float",
    ]  # fmt: skip
    for row, line, other in zip(table, lines, parquet.to_pylist(), strict=True):
        assert line == other
        assert dict(zip(header[1:], row[1:], strict=True)) == {
            name: str(value) for name, value in line.items()
        }
        assert line["probability"] == max(line[name] for name in SCORES)


def test_scores_are_those_of_predict(scored, tickets):
    """To 1e-6, though predict is asked one by one, and of the label alone."""
    model = PushedModel(tickets)
    for line in map(json.loads, (scored / "b.jsonl").read_text().splitlines()):
        ((prediction,), (classification,)) = (
            model.predict([line["text"]]), model.classify([line["text"]]),
        )  # fmt: skip
        assert (line["label"], line["model_version"]) == (prediction.label, 5)
        assert line["probability"] == pytest.approx(prediction.probability, abs=1e-6)
        found = {name: line[f"score_{name}"] for name in TICKET_CLASSES}
        assert found == pytest.approx(classification.scores, abs=1e-6)


@pytest.mark.parametrize(
    ("classes", "options", "names"),
    [
        (SPAM_CLASSES, {}, ("probability", "sentiment", "model_version")),
        (TICKET_CLASSES, {"prefix": "p_"}, ("p_probability", "p_label", "p_model_version")),
        (
            SPAM_CLASSES,
            {"with_scores": True, "prefix": "p_"},
            ("p_probability", "p_sentiment", "p_model_version", "p_score_ham", "p_score_spam"),
        ),
    ],
)
def test_columns_are_named_by_the_classes(classes, options, names):
    """Two have a sentiment; scores come last; a prefix goes before all."""
    assert AddedColumns.of(classes, **options).names == names


def test_a_column_of_a_class_may_be_there_already(tmp_path):
    """Then a prefix is asked for, as for the others."""
    (tmp_path / "a.csv").write_text("text,score_refund\nx,1\n")
    options = {"classes": TICKET_CLASSES, "with_scores": True}
    with pytest.raises(ConfigurationError, match=r"has a column 'score_refund' already.*--prefix"):
        make_plan([str(tmp_path / "a.csv")], tmp_path / "out", **options)


def test_a_table_without_quotes_takes_no_name_that_breaks_it(tmp_path):
    """The class and the way out are named."""
    (tmp_path / "a.tsv").write_text('text\tn\n" four\t1\n"a" b\t2\n')
    make_plan([str(tmp_path / "a.tsv")], tmp_path / "out", classes=("a,b", "c", "d"))
    with pytest.raises(ConfigurationError, match=r"the class 'a\\tb' cannot be .*--format"):
        make_plan([str(tmp_path / "a.tsv")], tmp_path / "out", classes=("a\tb", "c", "d"))


def test_a_model_that_is_not_what_its_card_says_is_refused(tickets, classes_root):
    """By the number of classes, and, where scores are asked for, by their names."""
    of_two = AddedColumns.of(SPAM_CLASSES)
    with pytest.raises(ConfigurationError, match=r"of more than two classes, but .* names two, or"):
        PushedModelHandler(str(tickets), of_two).load_model()
    mail = classes_root / "serving_model" / "mail" / "6"
    with pytest.raises(ConfigurationError, match=r"of two classes, but its .* names more"):
        PushedModelHandler(str(mail), AddedColumns.of(TICKET_CLASSES)).load_model()
    with pytest.raises(ScoringError, match=r"3 classes, beginning with 'billing'; its .* names 4"):
        answers([b"x"], PushedModel(tickets), ["a", "b", "c", "d"])


def test_without_a_card_a_model_has_two_classes(classes_root, tmp_path, capsys):
    """As models had before; the command says so in one line where that is wrong."""
    version = shutil.copytree(classes_root / "serving_model" / "tickets" / "5", tmp_path / "5")
    (version / "model_card.json").unlink()
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    flags = ["--output", str(tmp_path / "out"), "--model", str(version), "--root", str(tmp_path)]
    assert cli.main(["score", "--input", str(tmp_path / "a.jsonl"), *flags]) == 2
    error = capsys.readouterr().err
    assert "its model_card.json names two, or is missing" in error and error.count("\n") == 1
