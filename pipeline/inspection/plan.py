"""From what was found in a data set to the run that fits it."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components import features
from components.dataset.inspection.look import Inspection
from components.dataset.inspection.survey import WordFigures, distinct
from components.dataset.label_objections import (
    DRAW_SPLITS,
    LISTED,
    in_short,
    listed,
    objection_to_labels,
)
from components.dataset.label_settings import FEWEST_CLASSES
from components.dataset.labels import key_of, known_class, setting_of
from components.dataset.places import from_here
from components.dataset.splits import TEST_SHARE
from components.evaluator.wilson import margin
from components.models.automatic import AUTO, NETWORK_FROM, variants_of
from components.models.class_weights import BALANCED
from components.models.registry import DEFAULT_MODEL
from pipeline.flag_spelling import typed
from pipeline.inspection.estimate import Estimate, estimate
from pipeline.results.advice import EXAMPLE_ACCURACY, FOLDS_BELOW

# Fewer reviews of a class in a split stop a run.
LEAST_OF_CLASS = 2
FOLDS = 5
# A class is small if it has less than this part of what it would have if all were equally large;
# with fewer reviews than the second number, weights make little of it.
_SMALL_PART, _LEAST_WEIGHED = 0.4, 10
# A constant answer has a macro F1 of 1 / classes at most; a model should have a fifth more.
_OVER_CONSTANT = 1.2
# Labels beside those of negative and positive that are as rare as this are errors.
_SHARE_OF_SLIPS = 0.01
# What a sample shows of bad records may be more in all of the data.
_ROOM_FOR_BAD_RECORDS = 1.5
# Labels by which people say that there is none; blanks and NaN are none anyway.
_SAY_NOTHING = {"n/a", "na", "none", "null", "nil", "nan", "-", "?", "#n/a", "<na>", "undefined"}
_LIST = re.compile(r"[\[({]")
_BETWEEN_LABELS = re.compile(r"\s*[,;|]\s*")
# Classes that are too small in a split are left out where they hold so little of all records.
_SHARE_LEFT_OUT = 0.1
# From this share of texts on, emoji are worth tokens of their own.
_SHARE_WITH_EMOJI = 0.05
# From this share of texts, or of records, on, what is wrong with them should be mended first.
_SHARE_OF_DOUBT = 0.05


@dataclass
class Plan:
    """What a run would do with a data set.

    Attributes:
      labels: What was found, each label in its most frequent spelling, with its count.
      classes: The classes that a run learns of them, in the order of its integer label.
      is_binary: Whether the labels are known as those of negative and positive, which are the
        classes then.
      rows: By split, how many reviews there are, counted or estimated; empty if unknown.
      carves_test: Whether test is taken out of train.
      larger_class: The most frequent class.
      larger_share: Its share, 0 to 1.
      objection: Why a run would refuse the data, in a sentence; "" if it would not.
      remarks: What the user should know before.
      settings: Those that a run needs, by name.
      estimate: Minutes and memory; None if the number of rows is unknown.
    """

    labels: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    is_binary: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    carves_test: bool = False
    larger_class: str = ""
    larger_share: float = float("nan")
    objection: str = ""
    remarks: list[str] = field(default_factory=list)
    settings: dict[str, str | float | bool] = field(default_factory=dict)
    estimate: Estimate | None = None

    @property
    def command(self) -> str:
        """Returns the command, as it is typed; "" where no run is of use."""
        if self.objection:
            return ""
        words = [typed(name, value) for name, value in self.settings.items()]
        return " ".join(["sentiment run", *words])


def plan_for(
    data: str,
    found: Inspection,
    words: WordFigures,
    given: Mapping[str, str | float | bool],
    max_length: int = features.MAX_LENGTH,
) -> Plan:
    """Returns the run that fits a data set.

    Args:
      data: The setting `data`, as the user wrote it.
      found: What was found.
      words: What the words of some texts tell.
      given: Settings that the user gave to read the data, by name.
      max_length: Tokens that a review is padded to.
    """
    labels = _in_order(distinct(found.survey.labels))
    plan = Plan(labels=labels, classes=labels)
    plan.settings = {"data": data, **given}
    _name_columns(plan, found)
    _count_rows(plan, found)
    plan.objection = found.objection or _objection(plan, found)
    if plan.objection:
        return plan
    _leave_out_unlabelled_split(plan, found)
    slips = _name_classes(plan)
    _tell_of_doubtful_labels(plan)
    _leave_out_rare_classes(plan, found)
    (plan.larger_class, count) = plan.classes.most_common(1)[0]
    plan.larger_share = count / plan.classes.total()
    _allow_bad_records(plan, found, slips)
    _choose_tokens(plan, found, words)
    _tell_of_doubtful_texts(plan, words)
    if data != "sample":
        _suit_small_data(plan, different=found.survey.records - found.survey.repeated)
        _suit_small_classes(plan)
    train = plan.rows.get(features.TRAIN_SPLIT, 0)
    # Of so few reviews, `auto` makes the first of its variants.
    variant = variants_of(str(plan.settings.get("model", DEFAULT_MODEL)))[0]
    needs_eval = variant.presets[variant.default_preset].needs_validation
    if needs_eval and features.EVAL_SPLIT not in plan.rows:
        plan.settings["validation_fraction"] = 0.1
    if train and words.lengths:
        plan.estimate = estimate(
            train=train,
            test=plan.rows.get(features.TEST_SPLIT, 0),
            size=found.bytes,
            words=words.lengths.mean,
            kept_words=words.lengths.mean_kept,
            model=variant.name,
            max_length=max_length,
            folds=int(plan.settings.get("folds", 0)),
        )
    return plan


def _choose_tokens(plan: Plan, found: Inspection, words: WordFigures) -> None:
    """Takes characters and emoji for tokens where the texts ask for it."""
    if words.are_characters:
        plan.settings["tokens"] = "characters"
        plan.remarks.append(
            f"Most texts are written in {next(iter(words.scripts))}, without blanks between words: "
            "tokens are characters."
        )
    is_table = any(table for *_, table in found.files)
    if is_table and words.emoji_share >= _SHARE_WITH_EMOJI:
        plan.settings["emoji"] = True
        plan.remarks.append(
            f"{words.emoji_share:.0%} of the texts have emoji: each one is a token."
        )


def _tell_of_doubtful_texts(plan: Plan, words: WordFigures) -> None:
    """Tells of HTML, whose tags are words to a model, and of letters that were read wrongly."""
    if words.markup_share >= _SHARE_OF_DOUBT:
        plan.remarks.append(
            f"{words.markup_share:.0%} of the texts have tags or entities of HTML (<p>, &eacute;), "
            "whose letters are words to a model. Better take them out before, e.g. by "
            "html.unescape of Python and a reader of HTML."
        )
    if words.garbled_share >= _SHARE_OF_DOUBT:
        plan.remarks.append(
            f"{words.garbled_share:.0%} of the texts look as if they had once been read in a wrong "
            "encoding (é as Ã©). Better export them again, or mend them by ftfy."
        )


def _suit_small_data(plan: Plan, different: int) -> None:
    """Asks for a model that few reviews are enough for, and for folds where test tells little.

    Args:
      plan: Gets the settings.
      different: How many texts are no repetition of another.
    """
    train, total = plan.rows.get(features.TRAIN_SPLIT, 0), sum(plan.rows.values())
    if 0 < train < NETWORK_FROM:
        plan.settings["model"] = AUTO
    if train > 0 and total < FOLDS_BELOW and different >= FOLDS * LEAST_OF_CLASS:
        plan.settings["folds"] = FOLDS
        plan.remarks.append(
            f"{FOLDS} folds: each of all {total:,} reviews is judged by a model of the others, "
            f"which tells an accuracy of {EXAMPLE_ACCURACY:.0%} to ± "
            f"{100 * margin(EXAMPLE_ACCURACY, total):.1f} points."
        )


def _suit_small_classes(plan: Plan) -> None:
    """Makes training and the gate count small classes like the others."""
    smallest, count = min(plan.classes.items(), key=lambda item: item[1])
    classes = len(plan.classes)
    share = count / plan.classes.total()
    if share * classes >= _SMALL_PART or count < _LEAST_WEIGHED:
        return
    least = round(_OVER_CONSTANT / classes, 2)
    plan.settings |= {"class_weights": BALANCED, "min_macro_f1": least, "min_lift": 0.0}
    plan.remarks.append(
        f"Only {share:.1%} are '{smallest}': class weights make training learn small classes "
        f"too, and the gate asks for a macro F1 of {least}, which counts all classes alike, in "
        "place of an accuracy above that of the largest class."
    )


def _name_columns(plan: Plan, found: Inspection) -> None:
    """Names the columns where they are not called text and label."""
    if not any(table for *_, table in found.files):
        if found.label_column != features.LABEL:
            plan.settings["label_column"] = found.label_column
        return
    for name, column, usual in (
        ("text_column", found.text_column, features.TEXT),
        ("label_column", found.label_column, features.LABEL),
    ):
        if column and column != usual:
            plan.settings[name] = column


def _in_order(counts: Counter[str]) -> Counter[str]:
    """Returns numbers in their order; other labels follow, by name."""

    def rank(label: str) -> tuple[bool, float, str, str]:
        try:
            number = float(key_of(label))
        except ValueError:
            number = math.nan
        is_number = math.isfinite(number)
        return not is_number, number if is_number else 0.0, label.casefold(), label

    return Counter({label: counts[label] for label in sorted(counts, key=rank)})


def _count_rows(plan: Plan, found: Inspection) -> None:
    """Estimates how many reviews each split has."""
    read = {split: counts.total() for split, counts in found.survey.labels_by_split.items()}
    if found.rows is None or not sum(read.values()):
        return
    share = found.rows / max(found.survey.records, 1)
    order = (features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT)
    plan.rows = {split: round(read[split] * share) for split in order if split in read}
    drawn = found.named_splits or found.split_column
    if drawn and features.TRAIN_SPLIT in plan.rows and features.TEST_SPLIT not in plan.rows:
        plan.carves_test = True
        train = plan.rows[features.TRAIN_SPLIT]
        plan.rows[features.TEST_SPLIT] = round(TEST_SHARE * train)
        plan.rows[features.TRAIN_SPLIT] = train - plan.rows[features.TEST_SPLIT]


def _objection(plan: Plan, found: Inspection) -> str:
    """Says why a run would refuse the data."""
    survey, classes = found.survey, plan.classes
    if not survey.records:
        return "There is no record."
    if survey.problems == survey.records:
        example = f", e.g. {survey.problem_examples[0]}" if survey.problem_examples else ""
        return f"None of {survey.records:,} records can be read{example}."
    if not classes:
        return f"No record has a label in the column '{found.label_column}'."
    meanings = {known_class(label) for label in classes}
    if len(classes) == 1 or (len(meanings) == 1 and None not in meanings):
        return (
            f"All labels are {listed(classes)}, which is one class; two are needed."
            f"{_other_columns(found)}"
        )
    objection = objection_to_labels(found.label_column, classes, survey.records)
    return f"{objection}{_example_column(found)}" if objection else ""


def _other_columns(found: Inspection) -> str:
    return f" `label_column` names another column.{_example_column(found)}"


def _example_column(found: Inspection) -> str:
    """Suggests a column whose values look like classes, if there is one."""
    likely = [
        column.name
        for column in found.columns
        if column.name not in (found.text_column, found.label_column)
        and column.kind in ("text", "number", "true or false")
        and 2 <= column.different <= max(2, column.values // 2)
    ]
    return f" For example: {typed('label_column', likely[0])}." if likely else ""


def _name_classes(plan: Plan) -> int:
    """Names the classes as a run learns them; returns how many records have a label beside them.

    Where labels of negative and positive occur, a few others are errors in single records.
    """
    counts = Counter(dict.fromkeys(features.CLASSES, 0))
    others: Counter[str] = Counter()
    for label, count in plan.classes.items():
        known = known_class(label)
        if known is None:
            others[label] = count
        else:
            counts[features.CLASSES[known]] += count
    are_slips = (
        max(others.values(), default=0) <= 1
        or others.total() < _SHARE_OF_SLIPS * plan.classes.total()
    )
    plan.is_binary = min(counts.values()) > 0 and are_slips
    if not plan.is_binary:
        return 0
    plan.classes = counts
    if others:
        plan.remarks.append(
            f"Labels that are taken for errors: {listed(others)}. To keep them as classes: "
            f"{typed('labels', setting_of(plan.labels))}"
        )
    return others.total()


def _tell_of_doubtful_labels(plan: Plan) -> None:
    """Tells of labels that seem to say "none", and of those that seem to hold several."""
    lacking = [name for name in plan.classes if key_of(name) in _SAY_NOTHING]
    others = [name for name in plan.classes if name not in lacking]
    if lacking and len(others) >= FEWEST_CLASSES:
        named = in_short({name: plan.classes[name] for name in lacking})
        value = setting_of(others) if len(others) <= LISTED else "..."
        plan.remarks.append(
            f"Perhaps no label at all: {named}. To leave them out, name the others: "
            f"{typed('labels', value)}"
        )
    keys = {key_of(_bare(name)) for name in plan.classes}
    several = [name for name in plan.classes if _parts(name) and _parts(name) <= keys]
    if len(several) > 1 or any(map(_LIST.match, several)):
        plan.remarks.append(
            f"Some labels seem to name several classes, e.g. '{several[0]}': each combination is a "
            "class of its own here."
        )


def _parts(label: str) -> set[str]:
    parts = _BETWEEN_LABELS.split(label)
    return {key_of(_bare(part)) for part in parts} if len(parts) > 1 else set()


def _bare(label: str) -> str:
    """Returns a label without the brackets and quotes of a list that was written as text."""
    return label.strip("[](){}'\" ")


def _leave_out_unlabelled_split(plan: Plan, found: Inspection) -> None:
    """Takes files out whose labels are all -1: of a contest's test split they are not published."""
    counts = found.survey.labels_by_split
    for split in found.named_splits:
        others = [set(counts[other]) for other in counts if other != split]
        if set(counts.get(split, ())) == {"-1"} and others and "-1" not in set().union(*others):
            files = [
                from_here(path)
                for path, _, _ in found.files
                if split not in os.path.basename(path).lower()
            ]
            if not files or len(files) == len(found.files):
                continue
            plan.remarks.append(f"The labels of split '{split}' are all -1: it is left out.")
            plan.settings["data"] = ",".join(files)
            plan.classes = Counter({k: n for k, n in plan.classes.items() if k != "-1"})
            plan.rows.pop(split, None)


def _leave_out_rare_classes(plan: Plan, found: Inspection) -> None:
    """Names the classes that have enough reviews in each split, where some have not."""
    if not found.is_whole:
        return
    by_split: dict[str, Counter[str]] = {split: Counter() for split in plan.rows}
    for split, counts in found.survey.labels_by_split.items():
        for label, count in counts.items():
            if split in by_split:
                by_split[split][_class_key(plan, label)] += count
    if plan.carves_test:
        del by_split[features.TEST_SPLIT]
    fewest = {
        name: min(counts[_class_key(plan, name)] for counts in by_split.values())
        for name in plan.classes
    }
    train = by_split[features.TRAIN_SPLIT]
    rare = [name for name, count in fewest.items() if count < LEAST_OF_CLASS]
    share = sum(plan.classes[name] for name in rare) / plan.classes.total()
    is_much = share > _SHARE_LEFT_OUT or len(plan.classes) - len(rare) < FEWEST_CLASSES
    present = [sum(count > 0 for count in counts.values()) for counts in by_split.values()]
    if is_much and min(present) >= FEWEST_CLASSES and features.TEST_SPLIT in plan.rows:
        small = {name: plan.classes[name] for name in rare if train[_class_key(plan, name)]}
        rare = [name for name in rare if name not in small]
        if small:
            least = min(fewest[name] for name in small)
            plan.settings["min_class_size"] = least
            plan.remarks.append(
                f"A split has fewer than {LEAST_OF_CLASS} reviews of these classes: "
                f"{in_short(small)}. They stay; what the test tells of them is little."
            )
    if rare:
        _leave_out(plan, rare, are_drawn=bool(found.named_splits or found.split_column))


def _leave_out(plan: Plan, rare: Sequence[str], are_drawn: bool) -> None:
    """Names the other classes; objects where fewer than two are left.

    Args:
      plan: Gets the classes that are left.
      rare: The classes to leave out.
      are_drawn: Whether the data says which split a record is in.
    """
    kept = [label for label in plan.classes if label not in rare]
    named = in_short({label: plan.classes[label] for label in rare})
    if len(kept) < 2:
        plan.objection = (
            f"Of a class, each split needs {LEAST_OF_CLASS} reviews at least, and {named} have "
            f"fewer in one. Give more of them.{'' if are_drawn else DRAW_SPLITS}"
        )
        return
    plan.remarks.append(
        f"Fewer than {LEAST_OF_CLASS} reviews in a split have the label {named}; left out."
    )
    plan.settings["labels"] = setting_of(kept)
    plan.classes = Counter({label: plan.classes[label] for label in kept})


def _class_key(plan: Plan, label: str) -> str:
    """Returns what is the same for all labels of one class."""
    known = known_class(label) if plan.is_binary else None
    return key_of(label) if known is None else features.CLASSES[known]


def _allow_bad_records(plan: Plan, found: Inspection, slips: int) -> None:
    """Allows the share of records without a text or a label, or that cannot be read."""
    survey = found.survey
    bad = survey.problems + survey.unusable + slips
    if not bad:
        return
    share = bad / survey.records * (1.0 if found.is_whole else _ROOM_FOR_BAD_RECORDS)
    allowed = min(math.ceil(share * 1_000) / 1_000, 1.0)
    plan.settings["max_bad_records"] = max(allowed, float(plan.settings.get("max_bad_records", 0)))
    plan.remarks.append(
        f"{bad:,} of {survey.records:,} records have no text, no label, or a wrong one, or cannot "
        "be read; they are left out."
    )
    if survey.problems > _SHARE_OF_DOUBT * survey.records:
        plan.remarks.append(
            f"{survey.problems / survey.records:.0%} of the records cannot be read. Better mend "
            "them first: in rows of fields, a text that holds the delimiter stands in quotes."
        )


def shown_labels(counts: Mapping[str, int], most: int) -> tuple[Sequence[tuple[str, int]], int]:
    """Returns the most frequent labels with their counts, and how many more there are."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ordered[:most], max(0, len(ordered) - most)
