"""An inspected data set as lines for people, and as JSON for programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from components import features
from components.dataset.detected_table import DetectedTable
from components.dataset.inspection.look import Column, Inspection
from components.dataset.inspection.survey import WordFigures
from components.dataset.labels import setting_of
from components.dataset.places import from_here
from components.dataset.source import FORMAT_NAMES, Quoting, SourceKind
from components.dataset.text_encoding import shown as encoding_name
from components.evaluator.wilson import margin
from components.models.automatic import AUTO, FOR_FEW
from pipeline.console.wrapping import cells, wrapped
from pipeline.flag_spelling import typed
from pipeline.inspection.estimate import MEASURED_ON_CORES
from pipeline.inspection.plan import Plan, shown_labels
from pipeline.results.advice import EXAMPLE_ACCURACY
from serving.printable import printable

WIDTH = 80
MOST_FILES, MOST_COLUMNS, MOST_LABELS, MOST_SCRIPTS = 5, 20, 10, 4
_NAME_CELLS, _LABEL_CELLS = 24, 40
_DELIMITERS = {"\t": "tab", " ": "blank", "": "none, a line is one field"}
_IN_SAMPLE = " of the sample"


def lines(found: Inspection, words: WordFigures, plan: Plan, max_length: int) -> Iterator[str]:
    """Yields the report; lines are at most 80 columns wide, but for paths."""
    parts = [_files(found), _columns(found)]
    if found.text_column and found.survey.records:
        parts += [_labels(found, plan), _texts(found, words, max_length), _run(found, plan)]
    for part in parts:
        for line in part:
            yield from wrapped(printable(line), WIDTH, " " * (len(line) - len(line.lstrip()) + 2))


def as_json(found: Inspection, words: WordFigures, plan: Plan) -> dict[str, Any]:
    """Returns all of it as values that JSON has."""
    survey = found.survey
    return {
        "files": [
            {"path": path, "bytes": size, **(_format(table) if table else {})}
            for path, size, table in found.files
        ],
        "columns": [dataclasses.asdict(column) for column in found.columns],
        "text_column": found.text_column or None,
        "label_column": found.label_column or None,
        "split_column": found.split_column or None,
        "rows": found.rows,
        "records_read": survey.records,
        "is_whole": found.is_whole,
        "places": found.places,
        "labels": dict(plan.labels.most_common()),
        "classes": list(plan.classes),
        "larger_class": plan.larger_class or None,
        "larger_share": _finite(plan.larger_share),
        "blank_texts": survey.blank,
        "without_label": survey.unlabelled,
        "repeated_texts": survey.repeated,
        "repeated_with_another_label": survey.contradicted,
        "in_train_and_test": survey.in_both,
        "bad_records": survey.problems,
        "bad_record_examples": survey.problem_examples,
        "scripts": words.scripts,
        "tokens": "characters" if words.are_characters else "words",
        "lengths": dataclasses.asdict(words.lengths) if words.lengths else None,
        "missed_share": _finite(words.missed_share),
        "splits": plan.rows,
        "estimate": dataclasses.asdict(plan.estimate) if plan.estimate else None,
        "notices": [*found.notices, *plan.remarks],
        "objection": plan.objection or None,
        "command": plan.command or None,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _format(table: DetectedTable) -> dict[str, Any]:
    form = table.format
    told: dict[str, Any] = {"format": FORMAT_NAMES[form.kind]}
    if form.compression:
        told["compression"] = form.compression.value
    if form.kind is not SourceKind.PARQUET:
        told["encoding"] = encoding_name(form.encoding, b"")
    if form.kind in (SourceKind.CSV, SourceKind.TSV):
        told |= {"delimiter": form.delimiter, "quoting": form.quoting.value}
        told["header"] = form.has_header
    return told


def _files(found: Inspection) -> Iterator[str]:
    for path, size, table in found.files[:MOST_FILES]:
        shown = min(path, from_here(path), key=len)
        told = [shown] if not size else [shown, _bytes(size)]
        if table:
            form = table.format
            told.append(FORMAT_NAMES[form.kind])
            if form.compression:
                told.append(f"packed by {form.compression.value}")
            if form.kind in (SourceKind.CSV, SourceKind.TSV):
                told.append(f"delimiter {_DELIMITERS.get(form.delimiter, repr(form.delimiter))}")
                if form.quoting is not Quoting.DOUBLED:
                    told.append(f"quoting {form.quoting.value}")
            if form.kind is not SourceKind.PARQUET:
                told.append(encoding_name(form.encoding, b""))
        yield ", ".join(told)
    if len(found.files) > MOST_FILES:
        yield f"and {len(found.files) - MOST_FILES:,} more"
    read = found.survey.records
    if not read:
        # Its columns are not known, or it has none; the error says which.
        pass
    elif found.is_whole:
        yield f"{read:,} {'record, and it was' if read == 1 else 'records, all of them'} read"
    else:
        rows = f"about {found.rows:,}" if found.rows else f"more than {read:,}"
        places = f"{found.places:,} places" if found.places > 1 else "the beginning"
        yield (
            f"{rows} records. A SAMPLE was read: {read:,} records from {places}; the counts below "
            "are those of the sample."
        )
    for notice in found.notices:
        yield f"Note: {notice}"


def _columns(found: Inspection) -> Iterator[str]:
    if not found.columns:
        return
    yield ""
    yield f"Columns ({len(found.columns):,})"
    # The two that matter come first where there are too many.
    roles = {found.text_column: " <- text", found.label_column: " <- label"}
    roles[found.split_column] = " <- split"
    shown = found.columns
    if len(shown) > MOST_COLUMNS:
        shown = sorted(shown, key=lambda column: column.name not in roles)[:MOST_COLUMNS]
    for column in shown:
        yield _column(column, roles.get(column.name, ""))
    if len(found.columns) > MOST_COLUMNS:
        yield f"  and {len(found.columns) - MOST_COLUMNS:,} more"


def _column(column: Column, role: str) -> str:
    name = _padded(_cut(printable(column.name), _NAME_CELLS), _NAME_CELLS)
    begin = f"  {name} {column.kind:<13}"
    room = WIDTH - cells(begin) - cells(role) - 1
    examples = ", ".join(printable(example) or "''" for example in column.examples)
    # Blanks within would be lost where lines are wrapped.
    return f"{begin} {_cut(' '.join(examples.split()), room)}{role}"


def _labels(found: Inspection, plan: Plan) -> Iterator[str]:
    if not found.label_column:
        return
    yield ""
    count, total = len(plan.labels), plan.labels.total()
    more = " or more" if found.survey.other_labels else ""
    yield f"Labels ({count:,}{more}{'' if found.is_whole else _IN_SAMPLE})"
    shown, left = shown_labels(plan.labels, MOST_LABELS)
    width = max((cells(_cut(printable(label), _LABEL_CELLS)) for label, _ in shown), default=0)
    for label, number in shown:
        name = _padded(_cut(printable(label), _LABEL_CELLS), width)
        yield f"  {name} {number:>11,} {number / total:>7.1%}"
    if left:
        yield f"  and {left:,} more"
    if found.survey.unlabelled:
        yield f"  {found.survey.unlabelled:,} records without a label"


def _texts(found: Inspection, words: WordFigures, max_length: int) -> Iterator[str]:
    survey = found.survey
    yield ""
    yield "Texts" if found.is_whole else f"Texts{_IN_SAMPLE}"
    repeated = f"  {survey.blank:,} blank; {survey.repeated:,} repeat an earlier one"
    if survey.repeated:
        repeated += f", {survey.contradicted:,} of them with another label"
    yield repeated
    if survey.in_both:
        yield f"  {survey.in_both:,} are in train and in test (--drop-leaks takes them out)"
    if survey.problems:
        examples = "; ".join(survey.problem_examples[:1])
        yield f"  {survey.problems:,} records that cannot be read, e.g. {examples}"
    if not words.lengths:
        return
    unit = "characters" if words.are_characters else "words"
    at = ", ".join(f"{share:.0%} at most {length:,}" for share, length in words.lengths.quantiles)
    yield f"  length in {unit}: {at}; longest {words.lengths.longest:,}"
    if words.lengths.truncated_share:
        yield (
            f"  {words.lengths.truncated_share:.1%} are longer than {max_length:,} {unit}; a model "
            f"reads their last {max_length:,} (--max-length)"
        )
    if math.isfinite(words.missed_share):
        yield (
            f"  {words.missed_share:.1%} of the {unit} are not in a vocabulary of "
            f"{features.VOCABULARY_SIZE:,} (--vocabulary-size), learned on four fifths of "
            f"{words.texts:,} texts and measured on the rest"
        )
    scripts = list(words.scripts.items())
    if scripts:
        told = ", ".join(f"{name} {share:.1%}" for name, share in scripts[:MOST_SCRIPTS])
        more = len(scripts) - MOST_SCRIPTS
        yield f"  script: {told}{f' and {more:,} more' if more > 0 else ''}"


def _run(found: Inspection, plan: Plan) -> Iterator[str]:
    if plan.objection:
        return
    yield ""
    yield "Run"
    if plan.rows:
        about = "" if found.is_whole else "about "
        told = ", ".join(f"{about}{count:,} {split}" for split, count in plan.rows.items())
        carved = "; test is a fifth of train" if plan.carves_test else ""
        how = "" if found.named_splits or found.split_column else " (by a hash of the text)"
        yield f"  splits: {told}{how}{carved}"
    yield (
        f"  always saying '{plan.larger_class}' would be right in {plan.larger_share:.1%}; a model "
        "must do better"
    )
    if len(plan.classes) == 2 and not plan.is_binary:
        first, second = plan.classes
        yield (
            f"  two classes, '{first}' and '{second}'; the probability is that of '{second}' "
            f"(the other way round: {typed('labels', setting_of([second, first]))})"
        )
    if test := plan.rows.get(features.TEST_SPLIT):
        yield (
            f"  {test:,} test reviews tell an accuracy of {EXAMPLE_ACCURACY:.0%} to "
            f"± {100 * margin(EXAMPLE_ACCURACY, test):.1f} points (95 % interval)"
        )
    if plan.estimate:
        minutes = max(1, round(plan.estimate.minutes))
        yield (
            f"  about {minutes:,} min and {plan.estimate.gigabytes:.1f} GB of memory with "
            f"{_model(plan)}: an estimate, from rates measured "
            f"on {MEASURED_ON_CORES} cores"
        )
    for remark in plan.remarks:
        yield f"  {remark}"


def _model(plan: Plan) -> str:
    asked = plan.settings.get("model", "the default model")
    return f"{FOR_FEW}, which --model auto takes" if asked == AUTO else str(asked)


def _bytes(size: int) -> str:
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size:,} bytes"


def _cut(text: str, room: int) -> str:
    """Returns a text that takes at most `room` columns."""
    if cells(text) <= room:
        return text
    kept, used = "", 0
    for character in text:
        used += cells(character)
        if used > room - 3:
            break
        kept += character
    return f"{kept.rstrip()}..."


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))
