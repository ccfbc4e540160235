"""Why a step is executed, in words."""

from __future__ import annotations

import gzip
import json

import pytest
from google.protobuf import json_format

from components.evaluator.gate import eval_config
from pipeline.config import PipelineConfig
from pipeline.fingerprint import fingerprint_of
from pipeline.planning import reason_words
from pipeline.planning.changed_parameters import changed_parameters
from pipeline.planning.reasons import code_changes, several
from pipeline.planning.rehearsal import Attempt
from pipeline.results.recorded_functions import RecordedCode, recorded

STEP = "components.step"
FUNCTIONS = {
    STEP: "1",
    f"{STEP} (order)": "2",
    f"{STEP}.split": "3",
    f"{STEP}.Reader": "4",
    f"{STEP}.Reader.read": "5",
}


def attempt(**parameters) -> Attempt:
    texts = {
        name: value if isinstance(value, int | float | str) else json.dumps(value)
        for name, value in parameters.items()
    }
    return Attempt(texts, {}, is_successful=True, has_failed=False, started=0.0)


def told(before: Attempt, now: Attempt, step: str = "Trainer", **settings) -> list[str]:
    return list(changed_parameters(step, before, now, PipelineConfig(**settings)).told)


def test_a_setting_goes_by_its_flag_wherever_a_step_has_it():
    """As a parameter, within JSON, under another name, among the facts of the Pusher."""
    assert told(attempt(max_bad_records=0.0), attempt(max_bad_records=0.5)) == [
        "--max-bad-records is 0.5, was 0.0"
    ]
    assert told(attempt(drop_leaks=0), attempt(drop_leaks=1)) == ["--drop-leaks is on, was off"]
    assert told(attempt(engine="embedded"), attempt(engine="docker")) == [
        "--infra-validation is docker, was embedded"
    ]
    tokens = [{"tokens": {"max_length": length, "emoji": False}} for length in (500, 100)]
    old, new = (attempt(custom_config=each) for each in tokens)
    assert told(old, new) == ["--max-length is 100, was 500"]
    old, new = (attempt(facts={"gate": {"folds": folds}}) for folds in (None, 5))
    assert told(old, new) == ["--folds is 5, was not set"]
    old, new = (attempt(custom_config={"classes": classes}) for classes in (["a", "b"], ["c", "d"]))
    assert told(old, new) == ["the classes are c, d, were a, b"]
    old, new = (attempt(custom_config={"source_fingerprint": code, "seed": 7}) for code in "ab")
    assert told(old, new) == []
    old, new = (attempt(facts={"source_fingerprint": {"Trainer": code}}) for code in "ab")
    assert told(old, new, "Pusher") == []
    old, new = ([["product"], ["product", "language"]], [])
    assert told(attempt(slice_by=old), attempt(slice_by=new), "Evaluator") == [
        "--slice-by is not set, was product, product+language"
    ]
    old, new = (attempt(slice_columns=json.dumps(columns)) for columns in ([], ["product"]))
    assert told(old, new, "SchemaGen") == ["--slice-by is product, was not set"]
    assert told(attempt(colour="red"), attempt(colour="x" * 50)) == [
        f"its `colour` is {'x' * 37}..., was red"
    ]


def test_another_variant_is_one_change():
    """Its hyperparameters, which are others, go without saying."""
    old, new = (
        attempt(custom_config={"model": model, "hyperparameters": {"epochs": epochs}})
        for model, epochs in (("lstm", 3), ("cnn_lstm", 5))
    )
    found = changed_parameters("Trainer", old, new, PipelineConfig())
    assert (found.told, found.is_other_variant) == (["--model is cnn_lstm, was lstm"], True)


def test_what_follows_from_an_input_is_kept_for_want_of_better():
    """The splits that there are, and what a search found."""
    old, new = attempt(eval_args={"splits": ["train"]}), attempt(eval_args={"splits": ["eval"]})
    found = changed_parameters("Trainer", old, new, PipelineConfig())
    assert found.told == []
    assert found.derived == ["its parameter `eval_args.splits` changed"]


@pytest.mark.parametrize(
    ("before", "now", "settings", "expected"),
    [
        ((0.8, 0.005, 0.001), (0.9, 0.005, 0.001), {}, ["--min-accuracy is 0.9, was 0.8"]),
        ((0.8, 0.005, 0.001), (0.8, 0.1, 0.001), {}, ["--max-regression is 0.1, was 0.005"]),
        ((0.8, 0.005, 0.001), (0.8, 0.0, 0.0), {}, [
            "--max-regression is 0.0, was 0.005", "--min-lift is 0.0, was 0.001",
        ]),
        ((0.8, 0.005, 0.001), (0.0, 0.005, 0.0), {"folds": 5}, ["--folds is 5"] * 2),
        ((0.0, 0.005, 0.0), (0.8, 0.005, 0.001), {}, ["--folds is not set"] * 2),
    ],
)  # fmt: skip
def test_the_gate_of_the_evaluator(before, now, settings, expected):
    """Its bounds go by their flags; with folds it asks for less."""
    old, new = (
        attempt(eval_config=json_format.MessageToDict(
            eval_config(*bounds), preserving_proto_field_name=True
        ))
        for bounds in (before, now)
    )  # fmt: skip
    assert told(old, new, "Evaluator", **settings) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {"by_significance": True}, ["--gate is significant, was points"]),
        ({"by_significance": True}, {}, ["--gate is points, was significant"]),
        (
            {"min_slice_accuracy": 0.7},
            {"min_slice_accuracy": 0.75},
            ["--min-slice-accuracy is 0.75, was 0.7"],
        ),
        (
            {"min_slice_accuracy": 0.7},
            {"min_slice_accuracy": 0.7, "min_slice_size": 40},
            ["--min-slice-size is 40, was 100"],
        ),
        (
            {"slice_by": [["product"], ["product", "language"]]},
            {"by_significance": True},
            [
                "--gate is significant, was points",
                "--slice-by is not set, was product, product+language",
            ],
        ),
        ({}, {"classes": ("a", "b", "c")}, ["what it measures changed (`eval_config`)"]),
    ],
)
def test_a_gate_of_another_kind_goes_by_its_flags_too(before, now, expected):
    """None is told as the text of an EvalConfig."""
    old, new = (
        attempt(eval_config=json_format.MessageToDict(
            eval_config(0.8, **asked), preserving_proto_field_name=True
        ))
        for asked in (before, now)
    )  # fmt: skip
    assert told(old, new, "Evaluator") == expected


def test_two_changes_are_named_and_the_others_counted():
    """One setting is one change, whatever a step has of it."""
    assert several([]) == ""
    assert several(["--folds is 3", "--folds is 3, was not set"]) == "--folds is 3"
    assert several(["a", "b", "a", "c", "d"]) == "a; b; 2 more"


class Code:
    """A root that knows of some code."""

    def __init__(self, root, before, **more):
        """Records `before` under its fingerprint, as a run of `more` would."""
        self.root, self.before = root, fingerprint_of(before)
        folder = root / "functions"
        folder.mkdir()
        today = RecordedCode.of_today(before)
        fields = {"functions": before, "libraries": dict(today.libraries), "python": today.python}
        fields["libraries"] |= more.pop("libraries", {})
        with gzip.open(folder / f"{self.before}.json.gz", "wt") as file:
            json.dump(fields | more, file)
        assert recorded(root, self.before) is not None

    def changes(self, now, step="Trainer", more_before="", more_now="", **options):
        """Returns what is said of code that is `now`."""
        return code_changes(
            step,
            f"{self.before}{more_before}",
            # What else a fingerprint is made of is another: that of the libraries.
            f"{fingerprint_of(now)[::-1]}{more_now}",
            now,
            self.root,
            **options,
        )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({f"{STEP}.split": "9"}, [f"{STEP}.split was edited"]),
        ({f"{STEP} (order)": "9"}, [f"{STEP} (order) was edited"]),
        (
            {f"{STEP}.split": "9", f"{STEP}.Reader.read": "9", STEP: "9", f"{STEP}.join": "9"},
            [f"{STEP} was edited, {STEP}.Reader.read was edited and 2 more"],
        ),
        (
            {f"{STEP}.split": None, f"{STEP}.join": "9"},
            [f"{STEP}.join was added, {STEP}.split was removed"],
        ),
        # A new module follows from the import.
        (
            {STEP: "9", "components.new": "1", "components.new (order)": "1",
             "components.new.New.method": "1"},
            [f"{STEP} was edited"],
        ),
        ({}, ["its code changed"]),
    ],
)  # fmt: skip
def test_functions_are_named(tmp_path, changed, expected):
    """Two of them; the edited ones before those that came or went."""
    now = {name: each for name, each in (FUNCTIONS | changed).items() if each}
    assert Code(tmp_path, FUNCTIONS).changes(now) == expected


def test_libraries_and_python_are_named(tmp_path):
    """Hashes of two Pythons are not compared."""
    code = Code(tmp_path, FUNCTIONS, libraries={"keras": "2.0", "scipy": "0.1"})
    today = RecordedCode.of_today({}).libraries
    assert code.changes({**FUNCTIONS, STEP: "9"}) == [
        f"keras is {today['keras']}, was 2.0",
        f"scipy is {today['scipy']}, was 0.1",
        f"{STEP} was edited",
    ]
    other = tmp_path / "other"
    other.mkdir()
    (found,) = Code(other, FUNCTIONS, python="3.2").changes({STEP: "9"})
    assert found == f"Python is {RecordedCode.of_today({}).python}, was 3.2"


def test_what_else_a_fingerprint_holds(tmp_path):
    """The schema's file, and the build of a server."""
    fingerprint = fingerprint_of(FUNCTIONS)
    for step, expected in (
        ("SchemaGen", "components/schema.pbtxt was edited"),
        ("InfraValidator", "the model server is another build"),
    ):
        found = code_changes(step, f"{fingerprint} a", f"{fingerprint} b", FUNCTIONS, tmp_path)
        assert found == [expected]


def test_another_variant_has_not_edited_the_code(tmp_path):
    """Where an earlier release recorded nothing, too."""
    code = Code(tmp_path, FUNCTIONS)
    new = {"components.models.new": "1", "components.models.new (order)": "1"}
    assert code.changes(FUNCTIONS | new, is_other_variant=True) == []
    assert code_changes("Trainer", "", "a" * 16, {}, tmp_path, is_other_variant=True) == []
    assert code_changes("Trainer", "", "a" * 16, {}, tmp_path) == ["its code changed"]


@pytest.mark.parametrize(
    ("reason", "brief"),
    [
        (reason_words.NEVER_RAN, "never ran"),
        (reason_words.CACHE_OFF, "cache is off"),
        (reason_words.DELETED, "was deleted"),
        (reason_words.FAILED, "failed before"),
        (reason_words.INTERRUPTED, "interrupted"),
        ("the output of Trainer is new", "new input"),
        (
            "the output of Trainer is new; the last blessed model is another",
            "because the output of Trainer is new; the last blessed model is another",
        ),
        ("--epochs is 5, was 3", "because --epochs is 5, was 3"),
    ],
)
def test_the_usual_reasons_are_brief_on_the_line_of_a_step(reason, brief):
    """Those that need no name fit behind the time at 80 columns: 13 characters."""
    assert reason_words.in_brief(reason) == brief
    assert len(brief) <= 13 or brief == f"because {reason}"
