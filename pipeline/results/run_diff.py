"""What differs between two runs, and whether the difference in their figures holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from components.storage.place import Place
from pipeline.config import setting_fields
from pipeline.results import run_properties as names
from pipeline.results.changed_sides import ChangedSides, changed_sides
from pipeline.results.code_diff import FunctionChange, code_diff
from pipeline.results.difference_of_shares import newcombe
from pipeline.results.run_info import RunInfo
from pipeline.results.run_json import plain


@dataclass(frozen=True)
class Change:
    """One thing that is not the same in two runs.

    Attributes:
      name: What it is.
      before: In the first; None where it has none, or it was not recorded.
      after: In the second.
    """

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class SliceChange:
    """A part of the test split on which two models differ.

    Attributes:
      key: ((feature, value), ...).
      before: Reviews and accuracy of the first run's; None where it has no such slice.
      after: The same of the second run's.
      interval: The 95 % interval of the difference of the accuracies, by Newcombe, as of different
        reviews; None where one is missing.
    """

    key: tuple[tuple[str, str], ...]
    before: tuple[int, float] | None
    after: tuple[int, float] | None
    interval: tuple[float, float] | None

    @property
    def holds(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Significance:
    """Whether the second run's accuracy differs from the first's by more than chance.

    Attributes:
      method: "McNemar" on the same reviews, or "Newcombe" on the intervals of both.
      holds: Whether it does, at 5 %.
      text: The same in words.
      p: Of McNemar's exact test; None of Newcombe.
      interval: Of the difference, by Newcombe; None of McNemar.
    """

    method: str
    holds: bool
    text: str
    p: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class RunDiff:
    """What differs between two runs; of what is the same there is nothing.

    Attributes:
      first: One run.
      second: The other one.
      outcome: State, error, blessing and the like.
      settings: By setting; None is the default.
      functions: Functions of our code.
      code: Steps whose code differs, and it is not known in which function.
      versions: Of Python, of this package and of the libraries, and the commit.
      data: Counts, content and classes.
      metrics: On the test split.
      significance: Of the accuracies; None where one was not measured or both are the same.
      slices: Parts of the test split.
      sides: Test reviews that one model judges right and the other wrong; None where that cannot be
        told: `notes` say why.
      notes: What could not be compared, a sentence each.
    """

    first: RunInfo
    second: RunInfo
    outcome: tuple[Change, ...] = ()
    settings: tuple[Change, ...] = ()
    functions: tuple[FunctionChange, ...] = ()
    code: tuple[str, ...] = ()
    versions: tuple[Change, ...] = ()
    data: tuple[Change, ...] = ()
    metrics: tuple[Change, ...] = ()
    significance: Significance | None = None
    slices: tuple[SliceChange, ...] = ()
    sides: ChangedSides | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_identical(self) -> bool:
        """Whether nothing that was compared differs."""
        found = (self.outcome, self.settings, self.functions, self.code, self.versions)
        has_sides = self.sides is not None and bool(self.sides.better or self.sides.worse)
        return not any((*found, self.data, self.metrics, self.slices, has_sides))

    def as_json(self) -> dict[str, Any]:
        """Returns values that `json.dumps` takes."""
        listed = {
            field.name: [_fields(one) for one in getattr(self, field.name)]
            for field in fields(self)
            if field.name not in ("first", "second", "code", "significance", "sides", "notes")
        }
        return {
            "first": self.first.run_id,
            "second": self.second.run_id,
            "is_identical": self.is_identical,
            **listed,
            "code": list(self.code),
            "significance": self.significance and _fields(self.significance),
            "sides": self.sides and _fields(self.sides),
            "notes": list(self.notes),
        }


def diff(root: Place, first: RunInfo, second: RunInfo) -> RunDiff:
    """Returns what differs between two runs of a root.

    Raises:
      ConfigurationError: The metadata cannot be read.
    """
    if first.run_id == second.run_id:
        return RunDiff(first, second)
    notes: list[str] = []
    code = code_diff(first, second)
    notes += code.notes
    sides = changed_sides(root, first, second, notes)
    of_other_classes = have_other_classes(first, second)
    if of_other_classes:
        notes.append("They tell other classes apart: their accuracies answer different questions.")
    return RunDiff(
        first=first,
        second=second,
        outcome=tuple(_outcome(first, second)),
        settings=tuple(_settings(first, second, notes)),
        functions=code.functions,
        code=code.steps,
        versions=tuple(_versions(first, second, notes)),
        data=tuple(_data(first, second)),
        metrics=tuple(_metrics(first, second, notes)),
        significance=None if of_other_classes else _significance(first, second, sides),
        slices=tuple(_slices(first, second)),
        sides=sides,
        notes=tuple(notes),
    )


def have_other_classes(first: RunInfo, second: RunInfo) -> bool:
    """Returns whether two runs tell other classes apart, in whatever order."""
    before, after = ({*map(str, run.data.get("classes") or ())} for run in (first, second))
    return bool(before and after and before != after)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield Change(name, before.get(name), after.get(name))


def _outcome(first: RunInfo, second: RunInfo) -> Iterator[Change]:
    fields_of_both = (
        "state", "failed_step", "error", "pipeline_name", "data_name", "model_name", "model",
        "is_blessed",
    )  # fmt: skip
    for name in fields_of_both:
        before, after = getattr(first, name), getattr(second, name)
        if before != after:
            yield Change(name, before, after)
    # A run that did not end well had no time for all of its steps.
    has_ended = first.state == second.state == names.COMPLETE
    steps = ({step.name: step.name for step in run.steps} for run in (first, second))
    for change in _changes(*steps) if has_ended else ():
        yield Change(
            f"step {change.before or change.after}", bool(change.before), bool(change.after)
        )
    if first.version != second.version:
        # Its number is a name, from which nothing is to be subtracted.
        yield Change("version", *(run.version and str(run.version) for run in (first, second)))


def _settings(first: RunInfo, second: RunInfo, notes: list[str]) -> Iterator[Change]:
    if missing := _without(first, second, "settings"):
        notes.append(f"Settings cannot be compared: {missing}.")
        return
    order = [field.name for field in setting_fields()]
    yield from sorted(
        _changes(first.settings, second.settings),
        # Another release may have had others.
        key=lambda change: order.index(change.name) if change.name in order else len(order),
    )


def _versions(first: RunInfo, second: RunInfo, notes: list[str]) -> Iterator[Change]:
    if missing := _without(first, second, "versions"):
        notes.append(f"Versions and commits cannot be compared: {missing}.")
        return
    yield from _changes(first.versions, second.versions)
    before, after = ((run.commit, run.is_dirty) for run in (first, second))
    if before != after:
        yield Change("commit", _commit(*before), _commit(*after))


def _commit(commit: str, is_dirty: bool) -> str | None:
    return f"{commit[:12]}{' and changes' if is_dirty else ''}" if commit else None


def _without(first: RunInfo, second: RunInfo, name: str) -> str:
    """Returns which run did not record something; empty if both did."""
    lacking = [run.run_id for run in (first, second) if not getattr(run, name)]
    return f"{' and '.join(dict.fromkeys(lacking))} did not record them" if lacking else ""


def _data(first: RunInfo, second: RunInfo) -> Iterator[Change]:
    known = ("name", "origin", "digest", "classes", "leaks")
    before, after = (
        {name: run.data[name] for name in known if name in run.data} for run in (first, second)
    )
    yield from _changes(before, after)
    counts = _counts(first), _counts(second)
    if all(counts):  # else one of them did not come so far as to read the reviews
        yield from _changes(*counts)


def _counts(run: RunInfo) -> dict[str, int]:
    classes = run.data.get("classes") or []

    def named(label: str) -> str:
        number = int(label) if label.isdecimal() else len(classes)
        return str(classes[number]) if number < len(classes) else label

    return {
        f"{split} reviews, {named(label)}": count
        for split, labels in run.data.get("reviews", {}).items()
        for label, count in labels.items()
    }


def _metrics(first: RunInfo, second: RunInfo, notes: list[str]) -> Iterator[Change]:
    for run in dict.fromkeys((first.run_id, second.run_id)):
        which = first if run == first.run_id else second
        if not which.metrics:
            notes.append(f"{run} has no figures: {_why_no_figures(which)}.")
    if first.metrics and second.metrics:
        yield from _changes(first.metrics, second.metrics)


def _why_no_figures(run: RunInfo) -> str:
    if any(step.name == "Evaluator" and step.seconds is not None for step in run.steps):
        return "an earlier release ran it, and did not record them"
    if run.state == names.RUNNING:
        return "it is still running"
    return f"it {run.state if run.failed_step else 'ended'} before the Evaluator was done"


def _significance(
    first: RunInfo, second: RunInfo, sides: ChangedSides | None
) -> Significance | None:
    if first.accuracy is None or second.accuracy is None:
        return None
    if sides is not None:
        if not sides.better and not sides.worse:
            return None
        from components.evaluator.significance import SIGNIFICANCE, Pairs

        pairs = Pairs(sides.better, sides.worse)
        text = f"of the same {sides.reviews:,} test reviews, {pairs.in_words}, McNemar's exact test"
        return Significance("McNemar", pairs.p < SIGNIFICANCE, text, p=pairs.p)
    if first.accuracy == second.accuracy:
        return None
    sizes = [run.metrics.get("examples") or 0 for run in (first, second)]
    interval = newcombe(first.accuracy, sizes[0], second.accuracy, sizes[1])
    if interval is None:
        return None
    low, high = interval
    holds = not low <= 0 <= high
    verdict = "told apart" if holds else "not told apart"
    text = (
        f"{verdict} as if measured on different reviews: the 95 % interval of the difference is "
        f"{low * 100:+.2f} to {high * 100:+.2f} points (Newcombe, from Wilson's intervals)"
    )
    return Significance("Newcombe", holds, text, interval=interval)


def _slices(first: RunInfo, second: RunInfo) -> Iterator[SliceChange]:
    if not first.slices or not second.slices:
        return
    for key in dict.fromkeys([*first.slices, *second.slices]):
        before, after = first.slices.get(key), second.slices.get(key)
        if before == after:
            continue
        interval = None
        if before and after:
            interval = newcombe(before[1], before[0], after[1], after[0])
        yield SliceChange(key, before, after, interval)


def _fields(one: Any) -> dict[str, Any]:
    def value_of(value: Any) -> Any:
        is_list = isinstance(value, tuple)
        if is_list and value and hasattr(value[0], "__dataclass_fields__"):
            return [_fields(each) for each in value]
        return plain(value)

    return {field.name: value_of(getattr(one, field.name)) for field in fields(one)}
