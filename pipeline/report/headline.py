"""What stands at the top of a run's page, for somebody who knows nothing of TFX."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.report.contents import Contents, Missing, Verdict
from pipeline.report.pages import duration, moment, percent
from pipeline.results.run_info import RunInfo

_UNFINISHED = {
    "failed": ("Failed", "failed"),
    "interrupted": ("Interrupted", "was interrupted"),
    "stopped": ("Stopped", "was killed"),
    "running": ("Running", "has not ended"),
}

_KEPT = "What the finished steps made is kept:"
_GOES_ON = f"{_KEPT} the same command goes on from there."
_ENDED_EARLY = {
    "failed": (
        "All log lines are in the folder logs, below the root.",
        f"{_KEPT} once the cause is mended, the same command goes on from there.",
    ),
    "interrupted": ("It was ended by Ctrl-C or SIGTERM.", _GOES_ON),
    "stopped": (
        "Its process was killed, or the machine stopped, so that it could not say why. Linux kills "
        "what needs more memory than there is, and says so in its own log (dmesg).",
        _GOES_ON,
    ),
}


@dataclass(frozen=True)
class Headline:
    """The outcome in words.

    Attributes:
      kind: good, bad or plain.
      mark: A sign before the badge.
      badge: The outcome in two words.
      title: The outcome in a sentence.
      why: What it rests on, a sentence each.
      facts: Names and values.
    """

    kind: str
    mark: str
    badge: str
    title: str
    why: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def headline(page: Contents) -> Headline:
    """Says what became of the run."""
    verdict = page.verdict
    if page.run.state in _UNFINISHED:
        kind, mark, badge, title = _unfinished(page)
    elif isinstance(verdict, Missing):
        # The artifacts are gone, or were never made; ML Metadata knows what came of the model.
        kind, mark, badge, title = _judged(page.run.is_blessed, page.run.version is not None)
    else:
        kind, mark, badge, title = _judged(verdict.is_blessed, bool(verdict.pushed_to))
    why = _recorded(page.run, verdict) if isinstance(verdict, Missing) else _reasons(verdict)
    why = [*_ENDED_EARLY.get(page.run.state, ()), *why]
    return Headline(kind, mark, badge, title, tuple(why), tuple(_facts(page)))


def _judged(is_blessed: bool | None, is_pushed: bool) -> tuple[str, str, str, str]:
    if is_blessed is None:
        return "plain", "?", "No verdict", "The model was not judged"
    if not is_blessed:
        title = "The model was refused; the served model does not change"
        return "bad", "✗", "Not blessed", title
    pushed = ", and was pushed to be served" if is_pushed else "; no version of it was pushed"
    return "good", "✓", "Blessed", f"The model is good enough{pushed}"


def _unfinished(page: Contents) -> tuple[str, str, str, str]:
    run = page.run
    done = sum(step.state in ("done", "cached", "skipped") for step in run.steps)
    where = f" in {run.failed_step}" if run.failed_step else ""
    how_far = f"after {done} finished step{'s' if done != 1 else ''}"
    badge, title = _UNFINISHED[run.state]
    mark, kind = ("…", "plain") if run.state == "running" else ("✗", "bad")
    return kind, mark, badge, f"The run {title}{where}, {how_far}"


def _recorded(run: RunInfo, missing: Missing) -> list[str]:
    """Says what the run recorded of its verdict, where the artifacts say it no more."""
    if run.accuracy is None or run.is_blessed is None:
        return []
    margin = "" if run.interval is None else f" ± {50 * (run.interval[1] - run.interval[0]):.2f}"
    right = f"It was right about {100 * run.accuracy:.2f} %{margin} of the test reviews, as it "
    return [*run.refusals, f"{right}recorded. {missing.why}"]


def _reasons(verdict: Verdict) -> list[str]:
    reasons = list(verdict.refusals)
    interval = (verdict.high - verdict.low) / 2
    margin = "" if math.isnan(interval) else f" ± {100 * interval:.2f}"
    asked = []
    if verdict.min_accuracy is not None:
        asked.append(f"an accuracy of {percent(verdict.min_accuracy)}")
    if verdict.min_macro_f1 is not None:
        asked.append(
            f"a macro F1 of {verdict.min_macro_f1:.3f}, and this is {verdict.macro_f1:.3f}"
        )
    if verdict.min_slice_accuracy is not None:
        asked.append(
            f"{percent(verdict.min_slice_accuracy)} on each slice of at least "
            f"{verdict.min_slice_size:,} reviews"
        )
    gate = f" The gate asks for {' and '.join(asked)}." if asked else ""
    reasons.append(
        f"It is right about {100 * verdict.accuracy:.2f} %{margin} of {verdict.reviews:,} "
        f"{verdict.judged_on} (95 % interval, Wilson).{gate}"
    )
    if not math.isnan(verdict.larger_class.share):
        lead = _lead(verdict.accuracy - verdict.larger_class.share)
        reasons.append(
            f"A constant answer, {verdict.larger_class.always}, is right about "
            f"{percent(verdict.larger_class.share)}: the model is {lead} it."
        )
    reasons.append(_compared(verdict))
    if verdict.infra_validation and not verdict.infra_validation.refusal:
        tried = verdict.infra_validation
        reasons.append(
            f"A model server ({tried.engine}) gave the model's own answers to {tried.answers:,} "
            "reviews."
        )
    return reasons


def _lead(difference: float) -> str:
    """Returns how far a share is above or below another, to stand before that."""
    points = round(100 * difference, 2)
    if not points:
        return "exactly as right as"
    return f"{abs(points):.2f} points {'above' if points > 0 else 'below'}"


def _compared(verdict: Verdict) -> str:
    if verdict.baseline_accuracy is None:
        return "There was no last blessed model of these classes to compare it with."
    of_test = verdict.test_accuracy
    accuracy = verdict.accuracy if of_test is None else of_test
    where = "" if of_test is None else f", {percent(of_test)} of the test reviews,"
    apart = _lead(accuracy - verdict.baseline_accuracy)
    allowed = f"; at most {100 * verdict.max_regression:.2f} less are allowed"
    if verdict.by_significance:
        allowed = "; only a significantly worse one is refused"
    more = f" On the same reviews: {verdict.compared}." if verdict.compared else ""
    return (
        f"The last blessed model is right about {percent(verdict.baseline_accuracy)}: this one"
        f"{where} is {apart} it{allowed}.{more}"
    )


def _facts(page: Contents) -> list[tuple[str, str]]:
    run, facts = page.run, []
    if not isinstance(page.verdict, Missing):
        facts.append(("Served from", page.verdict.pushed_to or "nowhere: it was not pushed"))
        if page.verdict.pushed_to:
            live = "yes, no later version was pushed" if run.is_live else "no, a later one is"
            facts.append(("Live", live))
    if run.model:
        weights = f", {page.parameters:,} parameters" if page.parameters else ""
        facts.append(("Model", f"{run.model}{weights}"))
    if page.decided_because:
        facts.append(("Threshold", page.decided_because))
    if run.data_name:
        facts.append(("Data", run.data_name))
    took = "" if run.seconds is None else f", {duration(run.seconds)}"
    facts.append(("Run", f"{run.run_id}, {moment(run.started)}{took}"))
    return facts
