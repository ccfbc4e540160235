"""The page of a run as a file: what it says, what it may not hold, how it is built."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import pytest

from components.evaluator.confusion import Confusion
from pipeline.metadata.address import SqliteFile
from pipeline.report.contents import Missing, Mistakes
from pipeline.report.pages import save
from pipeline.report.run_page import run_page
from pipeline.report.svg import FONT_SIZE, Ink
from pipeline.report.written import page_at_end
from pipeline.results.summary import SliceRow
from pipeline.root import METADATA_FILE

from .made_up import HOSTILE, contents, hostile, run_info, verdict

MOST_BYTES = 3_000_000
VOID = {"meta", "link", "input", "img", "br", "hr"}


class Document(HTMLParser):
    """A page as a browser reads it: elements with their attributes, and the texts in them."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        """Notes an element that begins."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Notes an element of SVG that is empty."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        """Ends the last element that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data):
        """Notes a text."""
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, *tags: str) -> list[dict[str, str]]:
        """The attributes of elements."""
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def words(self) -> str:
        """All that is read, with single blanks."""
        shown = [text for tag, text in self.texts if tag not in ("style", "script")]
        return " ".join(" ".join(shown).split())


@pytest.fixture(scope="module")
def text() -> str:
    """The page with every part."""
    return run_page(contents())


@pytest.fixture(scope="module")
def document(text) -> Document:
    """The same, read."""
    return Document(text)


@pytest.fixture(scope="module")
def attacked() -> str:
    """The page of hostile texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return run_page(hostile())


def test_the_first_screen_says_what_became_of_the_model_and_why(document):
    """Verdict, accuracy with its interval, gate, last blessed model, constant answer, folder."""
    first = document.words.partition("How good it is")[0]
    for words in (
        "✓ Blessed",
        "The model is good enough, and was pushed to be served",
        "right about 86.00 % ± 1.52 of 2,000 test reviews (95 % interval, Wilson). The gate asks "
        "for an accuracy of 80.00 %.",
        "always saying negative, is right about 51.50 %: the model is 34.50 points above it",
        "The last blessed model is right about 85.51 %: this one is 0.49 points above it; at most "
        "0.50 less are allowed. On the same reviews: 30 better, 20 worse: not told apart",
        "A model server (embedded) gave the model's own answers to 114 reviews.",
        "artifacts/serving_model/films_sentiment/1795723039",
        "no later version was pushed",
    ):
        assert words in first


def test_a_gate_by_significance_is_not_told_in_points():
    """What is allowed is said as the gate judged."""
    words = Document(run_page(contents(verdict=verdict(by_significance=True)))).words
    assert "0.49 points above it; only a significantly worse one is refused." in words
    assert "less are allowed" not in words


def test_what_was_judged_in_folds_is_compared_on_the_test_reviews():
    """The last blessed model's accuracy is of these alone; each fold has its figure."""
    judged = verdict(
        accuracy=0.86, judged_on="reviews, in 2 folds", test_accuracy=0.8451,
        by_fold=((0.85, 1_000), (0.87, 1_000)),
    )  # fmt: skip
    words = Document(run_page(contents(verdict=judged))).words
    assert "this one, 84.51 % of the test reviews, is 1.00 points below it" in words
    assert "The gate judged 2,000 reviews, each by a model that did not see it." in words
    assert "fold 1: 85.00 %; fold 2: 87.00 %" in words
    assert "this, on test 84.51 %" in words


def test_slices_by_columns_are_shown_against_their_gate():
    """Its bound is on the first screen, and a line in the charts of those that it holds for."""
    page = contents(
        verdict=verdict(min_slice_accuracy=0.75, min_slice_size=40),
        slices=(
            SliceRow("length", "1-100", 500, 0.9),
            SliceRow("product+language", "hats of a long name, en", 100, 0.7),
            SliceRow("product+language", "hats of a long name, de", 100, 0.8),
        ),
        gated_slices=frozenset({"product+language"}),
    )
    document = Document(run_page(page))
    assert "of 80.00 % and 75.00 % on each slice of at least 40 reviews." in document.words
    assert "The gate asks for 75.00 % on each part by product+language of at least 40" in (
        document.words
    )
    assert document.words.count("gate 75.00 %") == 1
    assert "hats of a long name, en: 70.00 % of 100 reviews" in document.words


def test_the_threshold_is_told_with_its_reason():
    """On the first screen, and where it can be moved."""
    because = "It decides on positive from 0.7213 on, for a precision of positive of at least 95 %."
    words = Document(run_page(contents(decided_because=because))).words
    assert words.count(because) == 2
    assert because in words.partition("How good it is")[0]


def test_a_refused_model_has_its_reasons_first():
    """And says that nothing changes for who asks the served one."""
    reason = "Its accuracy on the test split, 78.00%, is below the gate's (--min-accuracy)."
    refused = verdict(is_blessed=False, refusals=(reason,), pushed_to=None)
    words = Document(run_page(contents(verdict=refused))).words
    assert "✗ Not blessed" in words
    assert "The model was refused; the served model does not change" in words
    assert words.index(reason) < words.index("It is right about")
    assert "nowhere: it was not pushed" in words


def test_a_run_that_failed_says_how_far_it_came_and_its_error():
    """Sections that it did not come to are named once, and are not there; what to do is said."""
    gone = Missing("The run did not come to Evaluator.", is_unmade=True)
    steps = (*run_info().steps[:6], dataclasses.replace(run_info().steps[6], state="failed"))
    run = run_info(
        state="failed",
        error="The loss is NaN.",
        failed_step="Trainer",
        steps=steps,
        is_blessed=None,
    )
    unknown = ("verdict", "metrics", "confusion", "quality", "slices", "mistakes")
    page = contents(run=run, **dict.fromkeys(unknown, gone))
    read = Document(run_page(page))
    words = read.words
    assert "✗ Failed" in words
    assert "The run failed in Trainer, after 6 finished steps" in words
    assert "The loss is NaN." in words
    assert "once the cause is mended, the same command goes on from there" in words
    assert "The run ended too early for: Quality, Slices, Mistakes." in words
    assert gone.why not in words
    kept = {"training", "data", "steps", "lineage", "settings", "again", "history"}
    assert {each["id"] for each in read.all("section")} == kept
    assert {each["href"] for each in read.all("a")} == {f"#{key}" for key in (*kept, "content")}
    assert "a cross the step that the run ended in" in words


def test_a_run_that_was_killed_says_that_it_could_not_say_why():
    """ML Metadata takes its last step for running; the picture marks it as the end."""
    node = dataclasses.replace(contents().lineage.executions[0], state="running")
    lineage = dataclasses.replace(contents().lineage, executions=(node,))
    step = dataclasses.replace(run_info().steps[0], execution_id=node.id, state="stopped")
    run = run_info(state="stopped", failed_step=node.step, steps=(step,), seconds=None)
    text = run_page(contents(run=run, lineage=lineage))
    words = Document(text).words
    assert "✗ Stopped" in words
    assert f"The run was killed in {node.step}, after 0 finished steps" in words
    assert "Its process was killed, or the machine stopped" in words
    picture = text[text.index('aria-labelledby="lineage-title"') :].partition("</svg>")[0]
    assert Ink.DOWN.css in picture


@pytest.mark.parametrize(
    ("shown", "total", "said"),
    [(2, 280, "The 2 of 280 wrong reviews that"), (2, 2, "All 2 wrong"), (1, 1, "The only wrong")],
)
def test_it_says_how_many_of_the_mistakes_are_shown(shown, total, said):
    """Not "the 19 of 19"."""
    mistakes = Mistakes(contents().mistakes.shown[:shown], total)
    assert said in Document(run_page(contents(mistakes=mistakes))).words


def test_colours_are_explained_where_there_are_any():
    """A model without `trace_text` colours no word; why stands in their place."""
    plain = Mistakes(contents().mistakes.shown[1:], 280, "The model has no signature.")
    words = Document(run_page(contents(mistakes=plain))).words
    assert "surest about. The model has no signature." in words
    assert "A word in" not in words


def test_all_of_a_chart_is_within_its_picture(text):
    """On paper, what is left of it is cut off: names of upright axes stand within."""
    names = re.findall(r'<text[^>]* x="([-\d.]+)"[^>]*rotate\(-90[^>]*>([^<]+)<', text)
    assert {"true positive rate", "precision", "are positive", "texts"} <= {
        name for _, name in names
    }
    assert all(float(x) >= FONT_SIZE for x, _ in names), names


def test_splits_stand_in_their_usual_order_and_lengths_have_their_unit():
    """Train before eval, however the artifacts have them; characters are not called words."""
    data = contents().data
    tokens = {"eval": data.tokens["train"], "train": data.tokens["train"]}
    page = contents(data=dataclasses.replace(data, tokens=tokens), tokens="character_pairs")
    words = Document(run_page(page)).words
    assert words.index("Lengths of the texts of train") < words.index(
        "Lengths of the texts of eval"
    )
    assert words.index("Of all character pairs of train") < words.index("pairs of eval")
    assert "character pairs that the model reads of a text" in words
    assert "Unknown character pairs" in words


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ({}, ("✓ Blessed", "The model is good enough, and was pushed to be served")),
        (
            {"is_blessed": False, "version": None, "refusals": ("Too bad.",)},
            ("✗ Not blessed", "The model was refused; the served model", "Too bad."),
        ),
        ({"is_blessed": None, "accuracy": None}, ("? No verdict", "The model was not judged")),
    ],
)
def test_a_verdict_whose_files_are_gone_is_that_which_the_run_recorded(recorded, expected):
    """A model that was judged is not called unjudged."""
    gone = Missing("The files of Evaluator's evaluation are not there any more.")
    run = run_info(**{"is_blessed": True, "version": 5, "accuracy": 0.86, **recorded})
    words = Document(run_page(contents(run=run, verdict=gone))).words
    assert all(each in words for each in expected)
    assert ("It was right about 86.00 %" in words) is (run.accuracy is not None)


def test_each_part_that_is_missing_says_why():
    """In its own words, and the page is there."""
    parts = [field.name for field in dataclasses.fields(contents()) if "Missing" in str(field.type)]
    assert len(parts) > 10
    page = contents(**{part: Missing(f"No {part}: it rained.") for part in parts})
    words = Document(run_page(page)).words
    for part in parts:
        assert f"No {part}: it rained." in words, part


def test_the_numbers_are_those_of_the_contents(document):
    """In each section some of them, as they were given."""
    for words in (
        "86.00 % accuracy", "0.9300 AUC", "87.22 % precision", "84.11 % recall", "0.3344 log loss",
        "905 125", "155 815", "The 2 of 280 wrong reviews", "99.12 % sure",
        "Log odds -0.10 without a word, -1.85 with all. Strongest: bad -2.50, all +0.75",
        "negative 4,000 1,030", "positive 3,900 970", "all 7,900 2,000",
        "12 texts are in both train and test. For it, 3 reviews were taken out of train.",
        "51 labelled '3'", "train 1,294, test 1,325", "under 5 %: 1,400, 5-10 %: 600",
        "Of 9,900 reviews, 41 are exact copies of another, and 17 nearly",
        "5 test reviews are like one that the model was trained with",
        "agree with the labels of 90.00 % of 9,900 reviews", "wrong labels; 33 are contradicted",
        "Of all words of train, 92.34 % are in the vocabulary; the median text has 174 words, 61 "
        "texts",
        "20261126-195403-labels.csv", "2.5 s", "because 7", "300 MB", "514c889912",
        "0123456789abcdef", "sentiment run --data films.csv --seed 7", "85.51 % ± 1.70",
        "not blessed", "blessed, live",
    ):  # fmt: skip
        assert words in document.words, words


def test_the_slider_has_the_whole_table(text):
    """As JSON in the page, with the model's threshold among it."""
    found = re.search(r'<script type="application/json" id="thresholds">(.+?)</script>', text)
    table = contents().quality.table
    assert json.loads(found[1]) == {
        "thresholds": list(table.thresholds), "tp": list(table.true_positives),
        "fp": list(table.false_positives), "tn": list(table.true_negatives),
        "fn": list(table.false_negatives),
    }  # fmt: skip
    assert 0.5 in table.thresholds


@pytest.mark.parametrize("page", ["text", "attacked"])
def test_nothing_is_loaded_from_anywhere(page, request):
    """No address but of the page's own parts; and a policy that forbids all else."""
    read = Document(request.getfixturevalue(page))
    for tag, attributes in read.elements:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            value = attributes.get(name, "#")
            assert value.startswith("#") or (tag == "link" and value == "data:,"), (tag, value)
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", value))
    assert "@import" not in request.getfixturevalue(page)
    (policy,) = [m["content"] for m in read.all("meta") if "default-src" in m.get("content", "")]
    assert policy.startswith("default-src 'none'") and "script-src 'sha256-" in policy


def test_texts_of_others_are_text(attacked):
    """Of reviews, classes, files, errors and settings alike: no element, no control character."""
    read = Document(attacked)
    kinds = [attributes.get("type") for attributes in read.all("script")]
    assert kinds == ["application/json", None]
    assert read.all("img") == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", attacked)
    assert attacked.count("alert(") == read.words.count("alert(") + sum(
        value.count("alert(") for _, attributes in read.elements for value in attributes.values()
    )
    assert r"\x1b[31mred\x1b[0m \u202e $x^$ & {{ 7*7 }}" in read.words
    assert HOSTILE not in attacked
    assert "could not be drawn" not in attacked


def test_a_page_of_a_thousand_classes_shows_the_largest(text):
    """The other classes are counted; the file stays small."""
    names = tuple(f"class {number}" for number in range(1_000))
    counts = {(n, n): 1_000 - n for n in range(1_000)} | {(n, 0): 7 for n in range(1, 1_000)}
    many = Missing("Curves and thresholds are of two classes; this model has 1,000.")
    made = run_page(contents(classes=names, confusion=Confusion(1_000, counts), quality=many))
    read = Document(made)
    assert "The 20 classes with the most reviews; the other 980 have" in read.words
    assert (
        "all others" in read.words and "class 19 " in read.words and "class 20 " not in read.words
    )
    assert len(made.encode()) < 400_000


def test_the_file_is_small(text):
    """At most 3 MB, with twenty long reviews of which each word is coloured."""
    page = contents()
    long = dataclasses.replace(
        page.mistakes.shown[0],
        pieces=tuple(
            type(page.mistakes.shown[0].pieces[0])(f"word{n} ", 0.5) for n in range(2_500)
        ),
    )
    assert len(text.encode()) < 300_000
    assert len(run_page(contents(mistakes=Mistakes((long,) * 20, 900))).encode()) < 2 * MOST_BYTES


def test_no_mistake_is_said():
    """A model that is right everywhere has none to show."""
    words = Document(run_page(contents(mistakes=Mistakes((), 0)))).words
    assert "The model makes no mistake on the test reviews." in words


def test_a_screen_reader_finds_its_way(document):
    """Landmarks, headings without a gap, names of tables, charts and regions, ids that exist."""
    tags = [tag for tag, _ in document.elements]
    assert [tags.count(tag) for tag in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in document.elements:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set(attributes.get(name, "").split()) <= set(ids)
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids
    charts = [a for a in document.all("svg") if a.get("role") == "img"]
    assert len(charts) == len(document.all("svg")) >= 9
    assert tags.count("desc") == len(charts)
    named = tags.count("caption") + sum(
        "aria-label" in " ".join(table) for table in document.all("table")
    )
    assert named >= len(document.all("table"))
    assert all(region.get("aria-label") for region in document.all("div") if "role" in region)
    assert all(cell.get("scope") in ("row", "col") for cell in document.all("th"))


def test_a_page_replaces_the_one_before_all_at_once(tmp_path):
    """What cannot be written leaves the older one, and no part of the new."""
    path = tmp_path / "reports" / "a" / "b.html"
    save("one", path)
    save("two \ud800\x1b", path)
    assert path.read_text(encoding="utf-8") == r"two \ud800\x1b"
    assert [each.name for each in path.parent.iterdir()] == ["b.html"]
    path.unlink()
    path.mkdir()
    (path / "in the way").touch()
    with pytest.raises(OSError, match="directory"):
        save("three", path)
    assert [each.name for each in path.parent.iterdir()] == ["b.html"]


def test_that_there_is_no_page_is_no_failure_of_the_run(tmp_path):
    """One line says what to do."""
    told: list[str] = []
    metadata = SqliteFile(tmp_path / METADATA_FILE)
    assert page_at_end(tmp_path, "20260101-000000", told.append, metadata) is None
    (line,) = told
    assert "The page of this run could not be written below" in line
    again = f"`sentiment report 20260101-000000 --root {tmp_path}` tries again."
    assert line.endswith(again) and "\n" not in line


def test_the_templates_escape_by_themselves():
    """No template marks anything as safe: what is markup was made by us."""
    folder = Path(run_page.__code__.co_filename).parent / "templates"
    for path in folder.glob("*.j2"):
        source = path.read_text(encoding="utf-8")
        assert "safe" not in re.findall(r"\|\s*(\w+)", source), path
        assert "autoescape" not in source, path
