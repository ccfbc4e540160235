"""A run as a picture: a row for each step, and a lane for each artifact that runs down from it.

An artifact begins at the step that made it, with its name, and has a dot at each step that read it.
Lanes begin in the order of the steps, so that none crosses a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from markupsafe import Markup

from pipeline.report.svg import Ink, figure, inlined, label
from pipeline.results.lineage import ArtifactNode, Lineage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _LANE, _LETTER = 19.0, 15.0, 6.3
_NAMES = 132.0
_EARLIER = "earlier runs"
# Of the steps, lanes of artifacts and letters of a name that are drawn.
_MOST_STEPS, _MOST_ARTIFACTS, _MOST_LETTERS = 40, 80, 30
_ENDED_IN = ("failed", "interrupted", "stopped")
_MARKS = {"cached": "s"} | dict.fromkeys(_ENDED_IN, "X")
_COLOURS = {"done": Ink.UP, "cached": Ink.QUIET} | dict.fromkeys(_ENDED_IN, Ink.DOWN)


def lineage_chart(lineage: Lineage, recorded: Mapping[int, str] | None = None) -> Markup:
    """Returns the picture as an SVG element.

    Args:
      lineage: Of the run.
      recorded: What the run says of its executions, by id: see `StepInfo.state`. ML Metadata takes
        what a killed run was at for still running.
    """
    steps = lineage.executions[:_MOST_STEPS]
    by_step: dict[int | None, list[ArtifactNode]] = {None: []} | {each.id: [] for each in steps}
    for artifact in lineage.artifacts[:_MOST_ARTIFACTS]:
        by_step.get(artifact.made_by, by_step[None]).append(artifact)
    rows: dict[int | None, float] = {}
    lanes: list[tuple[ArtifactNode, int, float]] = []
    row = 0.0
    for key, made in by_step.items():
        if key is None and not made:
            continue
        rows[key] = row
        for offset, artifact in enumerate(made):
            lanes.append((artifact, len(lanes), row + offset))
        row += max(1, len(made)) + 0.35
    longest = max((min(len(a.key), _MOST_LETTERS) for a, _, _ in lanes[-3:]), default=0)
    width = _NAMES + _LANE * len(lanes) + _LETTER * max(longest, 14) + 12
    made_figure, axes = figure(_ROW * row + 8, width, left=0, right=0, top=4, bottom=4)
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(row * _ROW, -_ROW * 0.7)
    states = {each.id: each.state for each in steps} | dict(recorded or {})
    for number, (key, at) in enumerate(rows.items()):
        end = list(rows.values())[number + 1] - 0.68 if number + 1 < len(rows) else row - 0.7
        if number % 2 == 0:
            axes.axhspan((at - 0.68) * _ROW, end * _ROW, color=Ink.GRID, alpha=0.35, linewidth=0)
        name = next((each.step for each in steps if each.id == key), _EARLIER)
        state = states.get(key, "cached") if key is not None else "cached"
        mark, colour = _MARKS.get(state, "o"), _COLOURS.get(state, Ink.QUIET)
        axes.plot([9], [at * _ROW], mark, color=colour, markersize=6)
        axes.text(19, at * _ROW, label(name, 20), va="center", color=Ink.INK)
    for artifact, lane, top in lanes:
        _lane(axes, artifact, _NAMES + _LANE * (lane + 0.5), top, rows)
    return inlined(
        made_figure, "lineage", "Steps of the run and the artifacts between them", _words(lineage)
    )


def _lane(
    axes: Axes, artifact: ArtifactNode, x: float, top: float, rows: Mapping[int | None, float]
) -> None:
    """Draws an artifact's line at `x`, from the row that made it to those that read it."""
    reads = [rows[key] for key in artifact.read_by if key in rows]
    lowest = max([top, *reads])
    axes.plot([x, x], [top * _ROW, lowest * _ROW], color=Ink.ACCENT, linewidth=1.2, alpha=0.7)
    for read in reads:
        axes.plot(
            [x], [read * _ROW], "o", markersize=5, markeredgewidth=1.3,
            markerfacecolor=Ink.PAPER.value, markeredgecolor=Ink.ACCENT.value,
        )  # fmt: skip
    axes.plot([x], [top * _ROW], "o", color=Ink.ACCENT, markersize=5)
    axes.text(x + 7, top * _ROW, label(artifact.key, _MOST_LETTERS), va="center", color=Ink.QUIET)


def _words(lineage: Lineage) -> str:
    """Says which step made what, and who read it."""
    names = {each.id: each.step for each in lineage.executions}
    sentences = []
    for artifact in lineage.artifacts[:_MOST_ARTIFACTS]:
        readers = ", ".join(names[key] for key in artifact.read_by if key in names)
        maker = names.get(artifact.made_by or -1, _EARLIER)
        sentences.append(f"{maker} made {artifact.key}" + (f", read by {readers}" * bool(readers)))
    return label("; ".join(sentences), 4_000)
