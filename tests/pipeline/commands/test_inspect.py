"""`sentiment inspect`: what it prints, and that the command it ends with is the right one."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from components.dataset import first_look
from components.dataset.inspection.look import look_at_tables
from components.dataset.resolve import resolve_source
from components.dataset.splits import split_of
from components.dataset.table_options import FOUND_BY_CONTENT
from components.errors import DataGateError
from components.evaluator.wilson import margin
from pipeline import cli
from pipeline.console.wrapping import cells
from pipeline.inspection.estimate import estimate
from pipeline.inspection.plan import plan_for
from serving.printable import UNSAFE


def write(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    """Writes a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def texts(count: int, labels: list[object]) -> list[list[object]]:
    """Rows of a text and one of the labels in turn."""
    return [[f"a film of number {n}", labels[n % len(labels)]] for n in range(count)]


def inspect(capsys, *arguments: object) -> tuple[int, str, str]:
    """Returns the exit code and what was printed."""
    code = cli.main(["inspect", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def command(capsys, *arguments: object) -> list[str]:
    """Returns the words of the command that is printed last, behind `run`."""
    code, out, _ = inspect(capsys, *arguments)
    assert code == 0
    return shlex.split(out.strip().rpartition("sentiment run ")[2])


def as_settings(words: list[str]) -> dict[str, str]:
    """Returns the values of flags."""
    settings = {}
    while words:
        flag, equals, value = words.pop(0).partition("=")
        takes_value = not equals and words and not words[0].startswith("--")
        settings[flag] = value if equals else words.pop(0) if takes_value else ""
    return settings


def test_a_table_is_shown_with_the_run_that_fits_it(tmp_path, capsys):
    """Columns, labels, texts, splits, an estimate, and the command."""
    path = write(tmp_path / "r.csv", ["review", "stars"], texts(300, [1, 2, 3]))
    code, out, err = inspect(capsys, path)
    assert (code, err) == (0, "")
    for expected in (
        "300 records, all of them read",
        "Text from the column 'review', label from the column 'stars', by the usual\n",
        "--text-column and --label-column name others.",
        "Labels (3)",
        "1         100   33.3%",
        "0 blank; 0 repeat an earlier one",
        "length in words: 50% at most 5",
        "script: Latin 100.0%",
        "(by a hash of the text)",
        "always saying '1' would be right in 33.3%",
        "tell an accuracy of 85% to ±",
        "an estimate, from rates measured on 2 cores",
    ):
        assert expected in out.replace("\n    ", " ") or expected in out
    assert as_settings(command(capsys, path)) == {
        "--data": str(path),
        "--text-column": "review",
        "--label-column": "stars",
        "--model": "auto",
        "--folds": "5",
    }


def test_the_printed_command_reads_the_data_as_it_was_inspected(tmp_path, capsys):
    """Its columns are those that a run finds."""
    path = write(tmp_path / "r.csv", ["review", "class"], texts(100, ["pos", "neg"]))
    settings = as_settings(command(capsys, path))
    source = resolve_source(
        settings["--data"],
        text_column=settings["--text-column"],
        label_column=settings["--label-column"],
    )
    assert (source.text_column, source.label_column) == ("review", "class")


@pytest.mark.parametrize(
    ("rows", "arguments", "settings"),
    [
        (texts(100, [1, 0]), [], {}),
        (texts(100, ["a", "b"]), ["--delimiter", "comma"], {"--delimiter": "comma"}),
        ([*texts(99, [1, 0]), ["", 1]], [], {"--max-bad-records": "0.01"}),
        ([*texts(199, ["yes", "no"]), ["x", "ye"]], [], {"--max-bad-records": "0.005"}),
        ([*texts(60, ["yes", "no"]), *texts(60, ["", 2])[1::2]], [], {}),
        ([*texts(100, ["a", "b"]), ["alone", "rare, x"]], [], {"--labels": "a,b"}),
        (
            [["这部电影" + chr(0x4E00 + n), n % 2] for n in range(100)],
            [],
            {"--tokens": "characters"},
        ),
        (texts(100, ["-1", "-2"]), ["--label-column=label"], {}),
    ],
)
def test_the_command_has_the_settings_that_the_data_needs(
    tmp_path, capsys, rows, arguments, settings
):
    """And no others."""
    path = write(tmp_path / "r.csv", ["text", "label"], rows)
    found = as_settings(command(capsys, path, *arguments))
    found.pop("--label-column", None)
    assert found == {"--data": str(path), "--model": "auto", "--folds": "5", **settings}


@pytest.mark.parametrize(
    ("header", "rows", "code", "message"),
    [
        (
            ["text", "label"],
            texts(60, ["only"]),
            4,
            "All labels are 'only' (60), which is one class; two",
        ),
        (["text", "label"], texts(60, ["pos", 1]), 4, "which is one class; two are needed."),
        (["text", "label"], [], 4, "There is no record."),
        (["text", "label"], texts(60, [*range(60)]), 4, "has 60 different values"),
        (["text", "label"], texts(600, [f"{n}.5" for n in range(60)]), 4, "are they numbers, and"),
        (["text", "label"], texts(60, ["2024-03-01", "2024-03-02"]), 4, "are they dates, and no"),
        (["text", "label"], [["a", ""], ["b", ""]], 4, "No record has a label in the column"),
        (["review", "comment", "x"], [], 2, "several may be it: 'review', 'comment'"),
        (["a", "b", "c"], [], 2, "has no column 'text'. Its columns are: a, b, c."),
    ],
)
def test_data_that_no_run_takes_is_shown_and_refused(tmp_path, capsys, header, rows, code, message):
    """With the exit code of a run, and no command."""
    path = write(tmp_path / "r.csv", header, rows)
    found, out, err = inspect(capsys, path)
    assert found == code
    assert message in err
    assert f"Columns ({len(header)})" in out and "sentiment run" not in out


def test_another_column_is_suggested_for_one_that_holds_no_classes(tmp_path, capsys):
    """One with few different values, and no dates."""
    rows = [[f"a film {n}", n, f"0{1 + n % 9}.03.2024", "xyz"[n % 3]] for n in range(60)]
    header = ["text", "label", "day", "mood"]
    _, _, err = inspect(capsys, write(tmp_path / "r.csv", header, rows))
    assert "For example: --label-column mood." in err


def test_nothing_that_is_printed_moves_the_cursor_or_is_too_wide(tmp_path, capsys):
    """Whatever names, labels and texts hold."""
    odd = ["a/b", "a,b", "a\nb", "\x1b[31mred\x07", "x" * 10_000, "\u202eright", "电影" * 50]
    rows = [[f"{odd[n % 7]} \x1b]0;title\x07 {n}", odd[n % 7]] for n in range(140)]
    path = write(tmp_path / "r.csv", ["text", "la\x1b[1mbel"], rows)
    code, out, err = inspect(capsys, path, "--label-column", "la\x1b[1mbel")
    assert code == 0
    assert not UNSAFE.search(out.replace("\n", "") + err.replace("\n", ""))
    lines = [line for line in out.split("\nType:")[0].splitlines() if str(tmp_path) not in line]
    assert max(map(cells, lines)) <= 80


def test_a_thousand_columns_and_labels_are_counted_not_listed(tmp_path, capsys):
    """The text and the label come first."""
    header = [*(f"c{n}" for n in range(1_000)), "text", "label"]
    rows = [[*[0] * 1_000, f"a film {n}", f"k{n % 500:03}"] for n in range(2_000)]
    _, out, _ = inspect(capsys, write(tmp_path / "r.csv", header, rows))
    assert "Columns (1,002)" in out and "and 982 more" in out and "<- text" in out
    assert "Labels (500)" in out and "and 490 more" in out


def test_programs_get_one_json_object(tmp_path, capsys):
    """On one line or several, with the command."""
    path = write(tmp_path / "r.csv", ["review", "stars"], texts(300, [1, 2, 3]))
    code, out, _ = inspect(capsys, path, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["labels"] == {"1": 100, "2": 100, "3": 100}
    assert found["files"][0]["delimiter"] == "," and found["files"][0]["encoding"] == "UTF-8"
    assert sum(found["splits"].values()) == found["rows"] == 300
    assert found["command"].startswith("sentiment run --data ")
    assert found["estimate"]["minutes"] > 0


def test_json_of_data_that_no_run_takes_says_why(tmp_path, capsys):
    """And has no command."""
    path = write(tmp_path / "r.csv", ["text", "label"], texts(60, ["only"]))
    code, out, _ = inspect(capsys, path, "--json")
    found = json.loads(out)
    assert code == 4
    assert found["command"] is None and "All labels are 'only' (60)" in found["objection"]


def test_a_split_without_labels_is_left_out_of_the_command(tmp_path, capsys, monkeypatch):
    """Whoever publishes a contest marks them by -1."""
    monkeypatch.chdir(tmp_path)
    Path("set").mkdir()
    write(Path("set/train.csv"), ["text", "label"], texts(90, [1, 0]))
    write(Path("set/test.csv"), ["text", "label"], texts(30, [-1]))
    _, out, _ = inspect(capsys, "set")
    assert "The labels of split 'test' are all -1: it is left out." in out
    assert as_settings(command(capsys, "set"))["--data"] == "set/train.csv"


def test_many_reviews_get_the_default_model(tmp_path):
    """Few get one that learns from few."""
    path = write(tmp_path / "r.csv", ["text", "label"], texts(13_000, [1, 0]))
    found = look_at_tables([path], "", "", FOUND_BY_CONTENT)
    plan = plan_for("r.csv", found, found.survey.words(5_000, 500), {})
    assert plan.command == "sentiment run --data r.csv"
    assert plan.is_binary


def test_folds_are_for_data_whose_test_split_tells_little(tmp_path, capsys):
    """Below 2,000 reviews; above, `auto` alone."""
    path = write(tmp_path / "r.csv", ["text", "label"], texts(2_100, [1, 0]))
    assert as_settings(command(capsys, path)) == {"--data": str(path), "--model": "auto"}
    path = write(tmp_path / "s.csv", ["text", "label"], texts(1_900, [1, 0]))
    _, out, _ = inspect(capsys, path)
    assert out.endswith("--model auto --folds 5\n")
    assert "each of all 1,900 reviews is judged by a model of the others" in out
    assert "85% to ± 1.6 points" in " ".join(out.split())
    assert "with linear, which --model auto takes" in " ".join(out.split())


@pytest.mark.parametrize(
    ("labels", "least"),
    [
        (["ham"] * 9 + ["spam"], "0.6"),
        (["a"] * 11 + ["b"] * 8 + ["c"], "0.4"),
        (["a"] * 4 + ["b"], None),
    ],
)
def test_small_classes_get_weights_and_a_gate_that_counts_them(tmp_path, capsys, labels, least):
    """Below two fifths of an even share; a constant answer's macro F1 is at most 1 / classes."""
    path = write(tmp_path / "r.csv", ["text", "label"], texts(400, labels))
    found = as_settings(command(capsys, path))
    asked = {name: found.get(name) for name in ("--class-weights", "--min-macro-f1", "--min-lift")}
    weights, lift = ("balanced", "0.0") if least else (None, None)
    assert asked == {"--class-weights": weights, "--min-macro-f1": least, "--min-lift": lift}


def test_a_class_of_a_handful_gets_no_weights(tmp_path, capsys):
    """Nine reviews would weigh as much as four hundred."""
    rows = [[*row, ("train", "test")[n // 45 % 2]] for n, row in enumerate(
        texts(405, ["a"] * 44 + ["b"])
    )]  # fmt: skip
    path = write(tmp_path / "r.csv", ["text", "label", "split"], rows)
    assert "--class-weights" not in command(capsys, path)


def test_the_estimate_is_near_what_was_measured():
    """IMDB on two cores: 146 s and 2.4 GB."""
    found = estimate(
        train=25_000,
        test=25_000,
        size=84_000_000,
        words=230,
        kept_words=218,
        model="lstm",
        max_length=500,
    )
    assert found.minutes * 60 == pytest.approx(146, rel=0.1)
    assert found.gigabytes == pytest.approx(2.4, rel=0.1)


def test_the_interval_is_wilson_s():
    """As SciPy's, which takes half a second to import."""
    from scipy.stats import binomtest

    for reviews in (10, 57, 25_000):
        right = round(0.85 * reviews)
        interval = binomtest(right, reviews).proportion_ci(0.95, method="wilson")
        half = (interval.high - interval.low) / 2
        assert margin(right / reviews, reviews) == pytest.approx(half, rel=1e-6)


def test_nothing_heavy_is_imported():
    """It answers in a second or two."""
    program = (
        "import sys; from pipeline import cli; cli.main(['inspect', 'sample']);"
        "print([name for name in ('tensorflow', 'keras', 'tfx', 'apache_beam', 'scipy', 'rich') "
        "if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "[]"


def test_many_small_classes_stay(tmp_path, capsys):
    """Left out are a few stray ones; where a tenth of the records would go, the bound gives way."""
    path = write(tmp_path / "r.csv", ["text", "label"], texts(320, [f"c{n}" for n in range(40)]))
    _, out, _ = inspect(capsys, path)
    assert "They stay;" in out
    words = command(capsys, path)
    assert as_settings([*words])["--min-class-size"] in ("0", "1") and "--labels" not in words
    source = resolve_source(str(path))
    least = int(as_settings(words)["--min-class-size"])
    assert len(first_look.checked(source, 0.0, least).classes) == 40
    with pytest.raises(DataGateError, match=f"or let them be: `min_class_size={least}`"):
        first_look.checked(source, 0.0, least + 1)


def test_what_is_taken_for_errors_can_be_kept(tmp_path, capsys):
    """The setting is printed as it is typed, and makes classes of all labels."""
    rows = texts(400, ["positive", "negative"]) + texts(3, ["neutral"])
    path = write(tmp_path / "r.csv", ["text", "label"], rows)
    _, out, _ = inspect(capsys, path)
    told = out.replace("\n    ", " ")
    assert "To keep them as classes: --labels negative,neutral,positive\n" in told
    assert resolve_source(str(path), labels="negative,neutral,positive").classes == (
        "negative",
        "neutral",
        "positive",
    )


def test_texts_with_emoji_get_tokens_for_them(tmp_path, capsys):
    """From one text in twenty on."""
    rows = [[f"good {n}", "a"] if n % 2 else [f"bad {n}", "b"] for n in range(100)]
    for sign, has_emoji in (("😀", True), ("★", False)):
        some = [[f"{text} {sign}", label] for text, label in rows[:6]]
        path = write(tmp_path / "r.csv", ["text", "label"], some + rows)
        assert ("--emoji" in command(capsys, path)) is has_emoji


def test_a_file_of_which_nothing_can_be_read_is_said_to_be(tmp_path, capsys):
    """And is not blamed on its labels."""
    path = tmp_path / "r.csv"
    path.write_bytes(b"text,label\n" + "é,a\n".encode("latin-1") * 9)
    code, _, err = inspect(capsys, path, "--max-bad-records", "1")
    assert code == 4 and "None of 9 records can be read, e.g. the text is not UTF-8." in err


@pytest.mark.parametrize(
    ("labels", "remark"),
    [
        (
            ["x", "y", "N/A", "null"],
            "Perhaps no label at all: 'N/A' (30), 'null' (30). To leave them out, name the others: "
            "--labels x,y",
        ),
        (["a", "b", "a,b", "b; a"], "Some labels seem to name several classes, e.g. 'a,b': each"),
        (["['a']", "['b']", "['a', 'b']"], "seem to name several classes, e.g. '['a', 'b']': each"),
        (["a", "b", "x, y", "none at all"], ""),
    ],
)
def test_doubtful_labels_are_told(tmp_path, capsys, labels, remark):
    """They are classes all the same: only the user knows."""
    path = write(tmp_path / "r.csv", ["text", "label"], texts(120, labels))
    _, out, _ = inspect(capsys, path)
    told = out.replace("\n    ", " ")
    assert remark in told and ("Perhaps" in told or "Some labels" in told) is bool(remark)


def test_a_second_class_that_is_small_stays(tmp_path, capsys):
    """Without it there would be one class; the bound gives way where each split has some."""
    rows = [*texts(200, ["ok"]), *([f"alarm of number {n}", "alarm"] for n in range(5))]
    path = write(tmp_path / "r.csv", ["text", "label"], rows)
    assert as_settings(command(capsys, path))["--min-class-size"] == "1"
    first_look.checked(resolve_source(str(path)), 0.0, 1)


def test_one_column_for_both_is_refused_as_by_a_run(tmp_path, capsys):
    """With the columns that are left; and the command for the sample is as short as can be."""
    path = write(tmp_path / "r.csv", ["text", "label"], texts(60, ["a", "b"]))
    code, _, err = inspect(capsys, path, "--text-column", "label")
    assert code == 2 and "The column 'label' is named for the text and for the label." in err
    assert command(capsys, "sample") == ["--data", "sample"]


def test_a_class_that_a_split_lacks_by_chance_is_told_with_the_way_out(tmp_path, capsys):
    """Which works: a column that draws the splits."""
    rows = [[f"a film of number {n}", "good"] for n in range(100)]
    for row in [row for row in rows if split_of(row[0].encode()) == "train"][:4]:
        row[1] = "bad"
    code, _, err = inspect(capsys, write(tmp_path / "r.csv", ["text", "label"], rows))
    assert code == 4
    assert "'bad' (4) have fewer in one." in err and "a column 'split' with train and test" in err
    rows.sort(key=lambda row: row[1])
    drawn = [[*row, "test" if n % 2 else "train"] for n, row in enumerate(rows)]
    words = command(capsys, write(tmp_path / "s.csv", ["text", "label", "split"], drawn))
    assert "--labels" not in words


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("<p class='x'>fine", "of the texts have tags or entities of HTML"),
        ("caf&eacute; &#233;", "of the texts have tags or entities of HTML"),
        ("1 < 2 & 3 > 2<br /><br>AT&T", ""),
        ("cafÃ©", "look as if they had once been read in a wrong encoding"),
        ("itâ€™s Ð¿Ñ€", "look as if they had once been read in a wrong encoding"),
        ("NÃO, ESPAÑA, « Âge », it’s", ""),
    ],
)
def test_texts_that_should_be_mended_are_told(tmp_path, capsys, text, remark):
    """What a model would take for words."""
    rows = [[f"{text} {n}", n % 2] for n in range(60)]
    _, out, _ = inspect(capsys, write(tmp_path / "r.csv", ["text", "label"], rows))
    told = out.replace("\n    ", " ")
    assert remark in told and ("100% of the texts" in told) is bool(remark)


def test_many_bad_records_are_told_with_their_usual_cause(tmp_path, capsys):
    """Beside the share that the command allows."""
    rows = [[f"a film {n}", n % 2, *(["x"] if n % 10 == 0 else [])] for n in range(60)]
    _, out, _ = inspect(capsys, write(tmp_path / "r.csv", ["text", "label"], rows))
    told = out.replace("\n    ", " ")
    assert "10% of the records cannot be read. Better mend them first" in told
    assert "--max-bad-records 0.1" in told
