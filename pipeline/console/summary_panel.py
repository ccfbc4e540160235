"""The end of a run: the verdict, what it rests on, and what to try next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from components import features
from components.dataset.slice_values import OTHER
from components.evaluator.significance import with_margin
from components.models.class_list import short
from pipeline.console.duration import duration
from pipeline.console.fold_lines import fold_lines
from pipeline.console.messages import readable
from pipeline.console.printable_console import PrintableConsole
from pipeline.console.slice_chart import slice_chart
from pipeline.console.wrapping import wrapped_command
from pipeline.results.summary import ClassRow, RunSummary
from serving.printable import printable

MAX_WIDTH = 78
# Of the larger class.
LEAST_SHARE_TOLD = 0.55
# Half a 95 % interval: it is told of fewer than some 1,200 to 2,400 reviews.
LEAST_MARGIN_TOLD = 0.02
# Of 20 such intervals, 19 hold the accuracy on all reviews of this kind.
_INTERVAL = "95 %, Wilson"
_INDENT = "  "
_REASONS = 5
# Of many classes, and of the mistakes with them.
_WORST = 3
_SPLITS = (features.TRAIN_SPLIT, features.EVAL_SPLIT, features.TEST_SPLIT)


def print_summary(
    console: PrintableConsole, summary: RunSummary, *, is_plain: bool = False
) -> None:
    r"""Prints the outcome in at most 27 lines, 80 columns wide.

    Prose is wrapped to the terminal. Paths are never broken, and commands by ` \` alone, so that
    both can be copied.

    Args:
      console: Where to.
      summary: The run's outcome.
      is_plain: Whether the terminal knows ASCII only.
    """
    width = min(console.width, MAX_WIDTH)
    console.print_wrapped(_verdict(summary, is_plain))
    if summary.chosen_because:
        _prose(console, width, summary.chosen_because)
    if summary.decided_because:
        _prose(console, width, summary.decided_because)
    for sentence in (*summary.refusals, *summary.advice):
        _prose(console, width, sentence)
    if summary.cross_validation:
        for line in fold_lines(summary, summary.cross_validation, is_plain=is_plain):
            _prose(console, width, line)
    _prose(console, width, _accuracy(summary, is_plain))
    if summary.min_macro_f1 is not None and not summary.cross_validation:
        _prose(console, width, _macro_f1(summary, summary.min_macro_f1))
    if worth := _worth(summary, is_plain):
        _prose(console, width, worth)
    _prose(console, width, _quality(summary))
    for line in _class_lines(summary):
        _prose(console, width, line)
    _prose(console, width, _data(summary))
    if summary.left_out:
        _prose(console, width, _left_out(summary.left_out))
    if summary.is_sample:
        _prose(console, width, "generated reviews: these figures mean nothing about real ones")
    for line in slice_chart(
        summary.slices,
        width=width - len(_INDENT),
        is_plain=is_plain,
        tokens=summary.tokens.replace("_", " "),
    ):
        console.print(Text(_INDENT + line), soft_wrap=True)
    if summary.other_slices:
        _prose(console, width, _other_slices(summary.other_slices))
    if summary.pushed_to:
        _prose(console, width, f"pushed to {summary.pushed_to}")
    else:
        _prose(console, width, Text.assemble(("not pushed", "bold"), f": {_why_not(summary)}"))
    _prose(console, width, f"log: {summary.log_path}")
    _print_what_next(console, width, summary)


def _print_what_next(console: PrintableConsole, width: int, summary: RunSummary) -> None:
    for purpose, command in summary.next_commands:
        _prose(console, width, f"# {purpose}", style="dim")
        for line in wrapped_command(printable(command), console.width - len(_INDENT)):
            console.print(f"{_INDENT}{line}", soft_wrap=True)
    steps = (
        f"{len(summary.executed)} step{'s' * (len(summary.executed) != 1)} ran, "
        f"{len(summary.cached)} came from the cache, "
        f"in {duration(summary.seconds)}"
    )
    # On one line, or the path on the last.
    _prose(console, width, f"{steps}; page: {summary.page}" if summary.page else steps)


def _prose(
    console: PrintableConsole, width: int, content: str | Text, style: str | None = None
) -> None:
    text = content if isinstance(content, Text) else Text(readable(content))
    console.print_wrapped(
        Text.assemble(_INDENT, text), width=width, indent=f"{_INDENT}  ", style=style
    )


def _verdict(summary: RunSummary, is_plain: bool) -> Text:
    mark, words, style = (
        ("✓", "BLESSED", "bold green") if summary.is_blessed else ("✗", "NOT BLESSED", "bold red")
    )
    if not summary.passed_gate:
        outcome = "did not pass the gate"
    elif summary.infra_validation is None:
        outcome = "passed the gate"
    elif summary.is_blessed:
        outcome = "passed the gate and infra validation"
    else:
        outcome = "passed the gate, not infra validation"
    return Text.assemble(
        (words if is_plain else f"{mark} {words}", style),
        f"  model {summary.model} of {summary.pipeline_name} {outcome}",
    )


def _accuracy(summary: RunSummary, is_plain: bool) -> Text:
    """Compares with the gate and the last blessed model, in percentage points."""
    accuracy, least = summary.metrics["accuracy"], summary.min_accuracy
    reviews = summary.metrics["examples"]
    told = with_margin(accuracy * reviews, reviews, "+-" if is_plain else "±")
    if summary.cross_validation:
        gate = " on the test split"
    elif least is None and summary.min_lift:
        gate = f", gate: proven better than {summary.larger_class.always}"
    elif least is None:
        gate = ", no least accuracy is set"
    else:
        gate = f", gate {_percent(least)} ({_points(accuracy - least)})"
    return Text.assemble("accuracy ", (told, "bold"), f" ({_INTERVAL})", gate, _compared(summary))


def _compared(summary: RunSummary) -> str:
    """Compares with the last blessed model: in points, and review by review."""
    last = summary.baseline_accuracy
    if last is None:
        return ", none before"
    points, compared = (
        _points(summary.metrics["accuracy"] - last),
        f", last blessed {_percent(last)}",
    )
    if not summary.pairs:
        return f"{compared} ({points} points)"
    return f"{compared} ({points}), {summary.pairs.in_words}"


def _macro_f1(summary: RunSummary, least: float) -> Text:
    """Compares the other metric that can be the gate's."""
    value, last = summary.metrics["macro_f1"], summary.baseline_macro_f1
    gate = f", gate {_decimal(least)} ({value - least:+.3f})"
    compared = "" if last is None else f", last blessed {_decimal(last)} ({value - last:+.3f})"
    return Text.assemble("macro F1 ", (_decimal(value), "bold"), gate, compared)


def _worth(summary: RunSummary, is_plain: bool) -> str:
    """Says what the accuracy is to be read with: unequal classes, few reviews, or nothing."""
    larger, notes = summary.larger_class, []
    if larger.share >= LEAST_SHARE_TOLD or summary.class_rows:
        lead = _points(summary.metrics["accuracy"] - larger.share)
        notes.append(f"{larger.always} {_percent(larger.share)} ({lead} points)")
    has_macro_f1 = summary.min_macro_f1 is not None or bool(summary.class_rows)
    doubts = [*_meaningless(summary)]
    # Else the interval beside the accuracy says it.
    if summary.margin >= LEAST_MARGIN_TOLD and (has_macro_f1 or doubts):
        sign = "+-" if is_plain else "±"
        note = (
            f"{summary.metrics['examples']:,.0f} test reviews: "
            f"{sign} {summary.margin * 100:.0f} points"
        )
        if has_macro_f1:
            note += f", macro F1 {sign} {_decimal(summary.macro_f1_margin)}"
        notes += [note, *doubts]
    return "; ".join(notes)


def _meaningless(summary: RunSummary) -> Iterator[str]:
    """Yields which of the gate's bounds so few reviews cannot decide on."""
    least = summary.min_accuracy
    away = math.inf if least is None else abs(summary.metrics["accuracy"] - least)
    if least is not None and away < summary.margin and not summary.cross_validation:
        yield f"they do not tell it from the gate's {_percent(least)}"
    if summary.baseline_accuracy is None or summary.by_significance:
        return
    if summary.max_regression < summary.margin:
        yield (
            f"a --max-regression of {summary.max_regression * 100:.2f} points means nothing with "
            "so few, --gate significant does"
        )


def _quality(summary: RunSummary) -> str:
    names = ["auc", "precision", "recall", "log_loss", "calibration"]
    if summary.class_rows:
        # Beside its gate, macro F1 has been told.
        names = ["macro_f1", "log_loss"] if summary.min_macro_f1 is None else ["log_loss"]
    titles = {"auc": "AUC", "log_loss": "log loss", "macro_f1": "macro F1"}
    return ", ".join(
        f"{titles.get(name, name)} {_decimal(summary.metrics[name])}" for name in names
    )


def _class_lines(summary: RunSummary) -> list[str]:
    """Returns what the model makes of each class: of many, of those that it knows worst."""
    if not summary.class_rows:
        return [_confusion(summary)]
    tested = [row for row in summary.class_rows if row.reviews]
    worst = sorted(tested, key=lambda row: (row.recall, -row.reviews))[:_WORST]
    lines = [f"{len(summary.class_rows):,} classes; least often right: {_recalls(worst)}"]
    if missing := len(summary.class_rows) - len(tested):
        lines[0] += f"; {missing:,} have no test reviews"
    if summary.mistakes:
        taken = ", ".join(
            f"{short(each.name)} for {short(each.taken_for)} ({each.reviews:,})"
            for each in summary.mistakes[:_WORST]
        )
        lines.append(f"most often mistaken: {taken}")
    return lines


def _recalls(rows: Sequence[ClassRow]) -> str:
    return ", ".join(f"{short(row.name)} {row.recall:.1%} of {row.reviews:,}" for row in rows)


def _confusion(summary: RunSummary) -> str:
    counts = summary.metrics
    negatives, positives = "negatives", "positives"
    if summary.classes != features.CLASSES:
        negatives, positives = map(short, summary.classes)
    return (
        f"{positives} {counts['true_positives']:,.0f} right, "
        f"{counts['false_negatives']:,.0f} wrong; "
        f"{negatives} {counts['true_negatives']:,.0f} right, "
        f"{counts['false_positives']:,.0f} wrong"
    )


def _data(summary: RunSummary) -> str:
    sizes = ", ".join(
        f"{summary.counts[split]:,} {split}" for split in _SPLITS if split in summary.counts
    )
    notes = [f"{summary.leaks:,} texts in both train and test"]
    if summary.dropped_leaks:
        notes.append(f"{summary.dropped_leaks:,} reviews dropped from train for it")
    if summary.bad_records:
        notes.append(f"{summary.bad_records:,} records could not be read")
    return f"data {summary.data_name}: {sizes}; {'; '.join(notes)}"


def _left_out(reasons: Mapping[str, int]) -> str:
    """Lists the most frequent reasons, and counts the reviews of the others."""
    ordered = sorted(filter(None, reasons), key=lambda reason: (-reasons[reason], reason))
    shown = [f"{reasons[reason]:,} reviews {reason}" for reason in ordered[:_REASONS]]
    others = sum(reasons.values()) - sum(reasons[reason] for reason in ordered[:_REASONS])
    return f"left out: {', '.join(shown)}" + (f" and {others:,} others" if others else "")


def _other_slices(others: Mapping[str, int]) -> str:
    """Says which columns have more values than slices."""
    columns = ", ".join(f"{short(name)} {count:,}" for name, count in sorted(others.items()))
    return f"test reviews whose value is too rare for a slice of its own, {OTHER}: {columns}"


def _why_not(summary: RunSummary) -> str:
    if summary.is_blessed:
        return "the model is blessed, but the Pusher pushed no version; see the log"
    refused_by = "infra validation" if summary.passed_gate else "gate"
    return f"the {refused_by} refused this model; the served model does not change"


def _percent(share: float) -> str:
    return "undefined" if math.isnan(share) else f"{share * 100:.2f} %"


def _points(difference: float) -> str:
    return f"{difference * 100:+.2f}"


def _decimal(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"
