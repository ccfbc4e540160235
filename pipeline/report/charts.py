"""The charts of the pages; each one returns an SVG element, with its content in words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from components.models.training_record import CurvePoint
from pipeline.report.contents import Quality, Verdict, decided_at
from pipeline.report.pages import percent
from pipeline.report.svg import WIDTH, Ink, figure, inlined, label
from pipeline.results.insight.curves import Calibration, Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 24.0
_DOT = 6.5
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Room for an axis's numbers, up to "100,000", and for its name beside them. On paper, what is
# outside of a picture is cut off.
_LEFT = 66.0


@dataclass(frozen=True)
class Bar:
    """A row of a chart of shares.

    Attributes:
      name: What it is about.
      share: 0 to 1.
      low: Lower end of its interval; NaN without one.
      high: Its upper end.
      note: What stands at the right.
      is_main: Whether it stands out.
    """

    name: str
    share: float
    low: float = math.nan
    high: float = math.nan
    note: str = ""
    is_main: bool = False


class Line(NamedTuple):
    """A share that all rows are held to.

    Attributes:
      share: Where it is.
      name: What it is called.
      is_bound: Whether it must be reached.
    """

    share: float
    name: str
    is_bound: bool = False


def accuracy(verdict: Verdict) -> Markup:
    """Draws the accuracy and its interval against all that it is compared with."""
    bars = [
        Bar(
            "this model", verdict.accuracy, verdict.low, verdict.high,
            percent(verdict.accuracy), is_main=True,
        )
    ]  # fmt: skip
    if verdict.baseline_accuracy is not None:
        # What was judged in folds is compared with an earlier model on the test reviews alone.
        if verdict.test_accuracy is not None:
            share = verdict.test_accuracy
            bars.append(Bar("this, on test", share, note=percent(share)))
        share = verdict.baseline_accuracy
        bars.append(Bar("last blessed", share, note=percent(share)))
    if not math.isnan(verdict.larger_class.share):
        share = verdict.larger_class.share
        bars.append(Bar("larger class", share, note=percent(share)))
    least = verdict.min_accuracy
    lines = [] if least is None else [Line(least, "gate", is_bound=True)]
    shown: list[Bar | Line] = [*bars, *lines]
    words = [f"{each.name} {percent(each.share)}" for each in shown]
    return shares(bars, "accuracy", "Accuracy against the gate", ", ".join(words), lines)


def shares(
    bars: Sequence[Bar],
    name: str,
    title: str,
    description: str,
    lines: Sequence[Line] = (),
    right: float = 64.0,
) -> Markup:
    """Draws a dot with its interval for each row, on an axis that shows where they differ.

    Args:
      bars: From the top down.
      name: Of the chart's ids.
      title: The chart's.
      description: Its content in words.
      lines: What all rows are held to.
      right: Room for the notes, in points.
    """
    top = 10 + 16 * len(lines)
    height = _ROW * len(bars) + 36 + top
    longest = max(len(label(bar.name, 24)) for bar in bars)
    made, axes = figure(height, left=14 + 6.4 * longest, right=right, top=top, bottom=30)
    ends = [end for bar in bars for end in (bar.low, bar.high, bar.share) if not math.isnan(end)]
    ends += [line.share for line in lines]
    low, high = _bounds(ends)
    for row, bar in enumerate(bars):
        colour = Ink.ACCENT if bar.is_main else Ink.QUIET
        if not math.isnan(bar.low):
            axes.plot([bar.low, bar.high], [row, row], color=colour, linewidth=3, alpha=0.5)
        if not math.isnan(bar.share):
            axes.plot([bar.share], [row], "o", color=colour, markersize=_DOT)
        axes.annotate(
            bar.note, (1, row), (8, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", annotation_clip=False,
            color=Ink.INK if bar.is_main else Ink.QUIET,
        )  # fmt: skip
    # One name above the other, the first one's the lowest.
    for number, line in enumerate(lines):
        colour = Ink.DOWN if line.is_bound else Ink.QUIET
        axes.axvline(line.share, color=colour, linewidth=1.4, dashes=(4, 3))
        axes.annotate(
            f"{line.name} {percent(line.share)}", (line.share, 1), (0, 5 + 15 * number),
            color=colour, va="bottom", ha="center", xycoords=("data", "axes fraction"),
            textcoords="offset points", annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_yticks(range(len(bars)), [label(bar.name, 24) for bar in bars])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelcolor=Ink.INK)
    _percent(axes, "x")
    return inlined(made, name, title, description)


def training(points: Sequence[CurvePoint]) -> Markup:
    """Draws loss and accuracy over the steps of the training."""
    from matplotlib.figure import Figure

    panels = [
        (title, kinds)
        for title, kinds in (
            ("loss", ("loss", "eval_loss")),
            ("accuracy", ("accuracy", "eval_accuracy")),
        )
        if any(getattr(point, kind) is not None for point in points for kind in kinds)
    ]
    height = 170.0 * len(panels) + 20
    made = Figure(figsize=(WIDTH / 72, height / 72))
    made.subplots_adjust(
        left=48 / WIDTH, right=1 - 14 / WIDTH, top=1 - 22 / height, bottom=40 / height, hspace=0.32
    )
    words = []
    many = made.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, kinds) in zip(many, panels, strict=True):
        for kind, colour, name in zip(
            kinds, (Ink.ACCENT, Ink.DOWN), ("train", "eval"), strict=True
        ):
            known = [(p.step, getattr(p, kind)) for p in points if getattr(p, kind) is not None]
            if not known:
                continue
            steps, values = zip(*known, strict=True)
            axes.plot(
                steps, values, color=colour, label=name,
                marker="o" if len(known) < 30 else None, markersize=4,
            )  # fmt: skip
            words.append(f"{title} of {name} from {values[0]:.3f} to {values[-1]:.3f}")
        axes.set_title(title, loc="left", fontsize=11, color=Ink.INK, pad=6)
        if title == "accuracy":
            _percent(axes, "y")
        axes.legend(loc="best", ncols=2, handlelength=1.4, labelcolor=Ink.QUIET.value)
    many[-1].set_xlabel("step (a batch of reviews)")
    many[-1].set_xlim(left=0)
    return inlined(made, "training", "Training curves", "; ".join(words))


def roc(quality: Quality) -> Markup:
    """Draws the true positive rate over the false positive rate."""
    made, axes = _square("false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=Ink.LINE, linewidth=1, dashes=(4, 3))
    decided = decided_at(quality)
    _curve(axes, quality.roc, (decided.false_positive_rate, decided.recall), quality.threshold)
    return inlined(
        made, "roc", "ROC curve",
        f"Area under the curve {quality.roc.area:.4f}. The dot is the threshold that the model "
        "decides by.",
    )  # fmt: skip


def precision_recall(quality: Quality) -> Markup:
    """Draws the precision over the recall."""
    made, axes = _square("recall", "precision")
    axes.axhline(quality.base_rate, color=Ink.LINE, linewidth=1, dashes=(4, 3))
    decided = decided_at(quality)
    _curve(axes, quality.precision_recall, (decided.recall, decided.precision), quality.threshold)
    return inlined(
        made, "pr", "Precision-recall curve",
        f"Average precision {quality.precision_recall.area:.4f}. The broken line is the share of "
        f"positives, {quality.base_rate:.1%}.",
    )  # fmt: skip


def calibration(found: Calibration, name: str) -> Markup:
    """Draws how many reviews are of a class by the probability that the model gives it.

    Args:
      found: Bins without reviews are left out.
      name: The class's.
    """
    bins = [each for each in found.bins if each.count]
    height = 320.0
    made, axes = figure(height, left=_LEFT, bottom=110)
    counts = made.add_axes((_LEFT / WIDTH, 40 / height, 1 - (_LEFT + 14) / WIDTH, 52 / height))
    axes.plot([0, 1], [0, 1], color=Ink.LINE, linewidth=1, dashes=(4, 3))
    means = [each.mean_score for each in bins]
    for each in bins:
        ends = [each.share_low, each.share_high]
        axes.plot([each.mean_score] * 2, ends, color=Ink.ACCENT, alpha=0.45, linewidth=3)
    axes.plot(means, [each.share for each in bins], "o-", color=Ink.ACCENT, markersize=4.5)
    counts.bar(
        [(each.low + each.high) / 2 for each in found.bins],
        [each.count for each in found.bins],
        width=0.8 / len(found.bins), color=Ink.QUIET,
    )  # fmt: skip
    axes.set_ylabel(f"are {label(name, 24)}")
    counts.set_ylabel("reviews")
    counts.set_xlabel(f"probability of {label(name, 24)} that the model gives")
    for each_axes in (axes, counts):
        each_axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    _percent(axes, "y", "x")
    _percent(counts, "x")
    axes.set_xticks(_QUARTERS)
    counts.set_xticks(_QUARTERS)
    axes.tick_params(labelbottom=False)
    _thousands(counts)
    words = "; ".join(
        f"{each.count:,} reviews at {each.mean_score:.0%}: {each.share:.0%} are {label(name, 24)}"
        for each in bins
    )
    return inlined(made, "calibration", "Calibration", words)


def lengths(
    edges: Sequence[int], counts: Sequence[int], name: str, split: str, unit: str = "words"
) -> Markup:
    """Draws how many texts have which length.

    Args:
      edges: Where the bins begin, and where the last one ends.
      counts: Texts in each bin.
      name: Of the chart's ids.
      split: Whose texts they are.
      unit: What the model reads of a text.
    """
    made, axes = figure(190, left=_LEFT)
    axes.bar(
        edges[:-1], counts, [end - start for start, end in itertools.pairwise(edges)],
        align="edge", color=Ink.ACCENT, alpha=0.75, edgecolor=Ink.PAPER, linewidth=1,
    )  # fmt: skip
    axes.grid(axis="x", visible=False)
    axes.set_xlabel(f"{unit} that the model reads of a text")
    axes.set_ylabel("texts")
    _thousands(axes)
    words = ", ".join(
        f"{start} to {end}: {count:,}"
        for (start, end), count in zip(itertools.pairwise(edges), counts, strict=True)
    )
    return inlined(made, name, f"Lengths of the texts of {label(split)}", words)


def scatter(
    points: Sequence[tuple[str, float, float]], name: str, title: str, labels: tuple[str, str]
) -> Markup:
    """Draws named points; their x, e.g. seconds, may span several orders of magnitude.

    Args:
      points: Name, x above 0, and a share.
      name: Of the chart's ids.
      title: The chart's.
      labels: Of both axes.
    """
    made, axes = figure(240, left=_LEFT, right=24, top=18)
    xs = [x for _, x, _ in points]
    if max(xs) > 20 * min(xs):
        axes.set_xscale("log")
    low, high = _bounds([share for _, _, share in points])
    axes.set_ylim(low, high)
    axes.plot(xs, [share for _, _, share in points], "o", color=Ink.ACCENT, markersize=_DOT)
    axes.margins(x=0.18)
    middle = math.sqrt(min(xs) * max(xs)) if axes.get_xscale() == "log" else sum(xs) / len(xs)
    for text, x, share in points:
        is_left = x > middle
        axes.annotate(
            label(text, 28), (x, share), (-8 if is_left else 8, 0), textcoords="offset points",
            va="center", ha="right" if is_left else "left", color=Ink.INK, annotation_clip=False,
        )  # fmt: skip
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter("")
    _percent(axes, "y")
    words = "; ".join(f"{label(text)}: {x:,.4g}, {share:.2%}" for text, x, share in points)
    return inlined(made, name, title, words)


def _square(x: str, y: str) -> tuple[Figure, Axes]:
    made, axes = figure(320, left=_LEFT)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    _percent(axes, "x", "y")
    axes.set_xticks(_QUARTERS)
    return made, axes


def _curve(axes: Axes, curve: Curve, decided: tuple[float, float], threshold: float) -> None:
    """Draws a curve, and marks where on it the model decides."""
    axes.plot(curve.x, curve.y, color=Ink.ACCENT)
    axes.plot(*decided, "o", color=Ink.DOWN, markersize=7)
    is_left = decided[0] > 0.6
    axes.annotate(
        f"threshold {threshold:.2g}", decided, (-8 if is_left else 8, -14),
        textcoords="offset points", color=Ink.DOWN, ha="right" if is_left else "left",
        bbox={"facecolor": Ink.PAPER.value, "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )  # fmt: skip


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """Returns an axis that holds the values, with room at both sides, within 0 and 1."""
    known = [value for value in values if not math.isnan(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = max((high - low) * 0.12, 0.004)
    return max(-0.01, low - room), min(1.01, high + room)


def _percent(axes: Axes, *names: str) -> None:
    from matplotlib.ticker import MaxNLocator

    for name in names:
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_locator(MaxNLocator(4 if name == "x" else 5))
        axis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")


def _thousands(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_formatter(
        lambda value, _: f"{value / 1e6:g} M" if value >= 1e6 else f"{value:,.0f}"
    )
