"""Draws the project's folders and who imports whom, from the code's own imports.

    python -m scripts.architecture

writes `docs/architecture.svg`; `tests/test_docs.py` fails when it is out of date. An arrow that
follows from two others is left out: where `tuner` imports `trainer` and `trainer` imports
`models`, none goes from `tuner` to `models`.
"""

from __future__ import annotations

import html
import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import grimp

PROJECT = Path(__file__).resolve().parent.parent
PICTURE = PROJECT / "docs" / "architecture.svg"
# From the one that imports most to the one that imports nothing of ours.
PACKAGES = ("pipeline", "components", "serving")

WIDTH = 920
_BOX_WIDTH, _BOX_HEIGHT, _FLOOR_GAP = 136, 38, 42
_DETOUR_WIDTH = 24
_BAND_HEAD, _BAND_FOOT, _BAND_GAP, _MARGIN = 44, 16, 40, 20

_STYLE = """\
  .house { --ink: var(--color-foreground-primary, #1f2328);
    --faint: var(--color-foreground-secondary, #57606a);
    --paper: var(--color-background-primary, #ffffff);
    --band: var(--color-background-secondary, #f3f4f6);
    --edge: var(--color-foreground-muted, #6e7781);
    font-family: sans-serif; font-size: 14px }
  @media (prefers-color-scheme: dark) { .house:root { --ink: #e6edf3; --faint: #9da7b1;
    --paper: #16191d; --band: #22272e; --edge: #8b949e } }
  .house text { fill: var(--ink) } .house .faint { fill: var(--faint); font-size: 12px }
  .house .name { font-weight: bold; font-size: 15px }
  .house .ground { fill: var(--paper) } .house .band { fill: var(--band) }
  .house .box { fill: var(--paper); stroke: var(--edge) }
  .house .arrow { fill: none; stroke: var(--edge); stroke-width: 1.4 }
  .house .head { fill: var(--edge) }"""


class Place(NamedTuple):
    """Where a folder's box, or the point where a long arrow passes a floor, is drawn."""

    x: float
    top: float
    bottom: float


def imports_of_folders() -> tuple[dict[str, dict[str, set[str]]], set[tuple[str, str]]]:
    """Reads which folder imports which, wherever in the file the import stands.

    Returns:
      By package, the folders directly below it and the folders in the same package that each
      imports; and the pairs of packages of which the first imports the second.
    """
    graph = grimp.build_graph(
        *PACKAGES,
        cache_dir=None,
        include_external_packages=False,
        exclude_type_checking_imports=True,
    )
    folders: dict[str, dict[str, set[str]]] = {
        package: {
            child.rpartition(".")[2]: set()
            for child in graph.find_children(package)
            if (PROJECT / child.replace(".", "/")).is_dir()
        }
        for package in PACKAGES
    }
    between: set[tuple[str, str]] = set()
    for module in sorted(graph.modules):
        package, folder = _package_and_folder(module)
        for imported in graph.find_modules_directly_imported_by(module):
            other, target = _package_and_folder(imported)
            if other != package:
                between.add((package, other))
            elif {folder, target} <= folders[package].keys() and folder != target:
                folders[package][folder].add(target)
    return folders, between


def _package_and_folder(module: str) -> tuple[str, str]:
    package, _, rest = module.partition(".")
    return package, rest.partition(".")[0]


def reached(imports: Mapping[str, Collection[str]], start: str) -> set[str]:
    """Returns all folders that `start` imports, through others as well."""
    found: set[str] = set()
    waiting = list(imports[start])
    while waiting:
        folder = waiting.pop()
        if folder not in found:
            found.add(folder)
            waiting += imports[folder]
    return found


def without_implied(imports: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Leaves out each arrow that follows from others; folders on a circle keep all of theirs."""
    beyond = {folder: reached(imports, folder) for folder in imports}
    return {
        folder: sorted(
            target
            for target in targets
            if folder in beyond[target]
            or not any(
                target in beyond[other] and other not in beyond[target]
                for other in targets
                if other != target and folder not in beyond[other]
            )
        )
        for folder, targets in imports.items()
    }


def floors(imports: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Returns the folders by floor, the highest first: each stands above all that it imports."""
    beyond = {folder: reached(imports, folder) for folder in imports}

    def height(folder: str) -> int:
        below = [other for other in beyond[folder] if folder not in beyond[other]]
        return 1 + max(map(height, below), default=-1)

    by_height: dict[int, list[str]] = defaultdict(list)
    for folder in sorted(imports):
        by_height[height(folder)].append(folder)
    return [by_height[level] for level in sorted(by_height, reverse=True)]


def places(imports: Mapping[str, Sequence[str]]) -> tuple[list[list[str]], dict[str, list[str]]]:
    """Orders each floor so that few arrows cross, and gives long ones a way between the boxes.

    Returns:
      The floors, in which `a>b` is the point where the arrow from a to b passes; and by folder or
      point, what it points to one floor below, or on the same one.
    """
    rows = floors(imports)
    level = {folder: index for index, row in enumerate(rows) for folder in row}
    steps: dict[str, list[str]] = defaultdict(list)
    for folder, targets in imports.items():
        for target in targets:
            last = folder
            for between in range(level[folder] + 1, level[target]):
                point = f"{folder}>{target}>{between}"
                rows[between].append(point)
                steps[last].append(point)
                last = point
            steps[last].append(target)
    sources: dict[str, list[str]] = defaultdict(list)
    for source, targets in sorted(steps.items()):
        for target in targets:
            sources[target].append(source)
    for _ in range(8):
        for above, row in itertools.pairwise(rows):
            _sort(row, sources, above)
        for below, row in itertools.pairwise(reversed(rows)):
            _sort(row, steps, below)
    return rows, steps


def _sort(row: list[str], neighbours: Mapping[str, Sequence[str]], beside: Sequence[str]) -> None:
    """Sorts a floor by the mean position of what each box is joined with on the next one."""

    def position(name: str) -> float:
        # As a share of the row's length, so that rows of two lengths can be compared.
        joined = [beside.index(other) for other in neighbours.get(name, ()) if other in beside]
        if not joined:
            return (row_before.index(name) + 0.5) / len(row_before)
        return (sum(joined) / len(joined) + 0.5) / len(beside)

    row_before = list(row)
    row.sort(key=position)


def _is_point(name: str) -> bool:
    return ">" in name


def _lay_out(rows: Sequence[Sequence[str]], top: float) -> dict[str, Place]:
    found = {}
    for index, row in enumerate(rows):
        y = top + index * (_BOX_HEIGHT + _FLOOR_GAP)
        widths = [_DETOUR_WIDTH if _is_point(name) else _BOX_WIDTH for name in row]
        gap = (WIDTH - 2 * _MARGIN - sum(widths)) / (len(row) + 1)
        x = _MARGIN + gap
        for name, width in zip(row, widths, strict=True):
            found[name] = Place(x + width / 2, y, y + _BOX_HEIGHT)
            x += width + gap
    return found


def _curve(start: Place, end: Place, has_head: bool) -> str:
    head = ' marker-end="url(#head)"' if has_head else ""
    if start.top == end.top:  # on one floor: around below the boxes
        path = (
            f"M{start.x:.0f},{start.bottom:.0f} C{start.x:.0f},{start.bottom + 32:.0f} "
            f"{end.x:.0f},{end.bottom + 32:.0f} {end.x:.0f},{end.bottom + 7:.0f}"
        )
    else:
        stop = end.top - (7 if has_head else 0)
        middle = (start.bottom + stop) / 2
        path = (
            f"M{start.x:.0f},{start.bottom:.0f} C{start.x:.0f},{middle:.0f} "
            f"{end.x:.0f},{middle:.0f} {end.x:.0f},{stop:.0f}"
        )
    return f'<path class="arrow" d="{path}"{head}/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">'
        f"{html.escape(words)}</text>"
    )


def _band(package: str, imports: Mapping[str, Collection[str]], top: float) -> tuple[str, float]:
    """Draws a package; returns its elements and where it ends."""
    rows, steps = places(without_implied(imports))
    found = _lay_out(rows, top + _BAND_HEAD)
    bottom = top + _BAND_HEAD + len(rows) * (_BOX_HEIGHT + _FLOOR_GAP) - _FLOOR_GAP + _BAND_FOOT
    parts = [
        f'<rect class="band" x="{_MARGIN}" y="{top:.0f}" width="{WIDTH - 2 * _MARGIN}" '
        f'height="{bottom - top:.0f}" rx="8"/>',
        _text(_MARGIN + 14, top + 25, f"{package}/", "name"),
    ]
    for source in [name for row in rows for name in row]:
        parts += [
            _curve(found[source], found[target], not _is_point(target))
            for target in steps.get(source, ())
        ]
        if _is_point(source):  # the arrow goes on through the floor that it passes
            x, y, end = found[source]
            parts.append(f'<path class="arrow" d="M{x:.0f},{y:.0f} V{end:.0f}"/>')
    for name, place in found.items():
        if not _is_point(name):
            parts += [
                f'<rect class="box" x="{place.x - _BOX_WIDTH / 2:.0f}" y="{place.top:.0f}" '
                f'width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="5"/>',
                _text(place.x, place.top + 24, name, "folder", "middle"),
            ]
    return "\n".join(parts), bottom


def picture() -> str:
    """Returns the picture as SVG; its colours follow the page's, or the reader's light or dark."""
    folders, between = imports_of_folders()
    parts, top = [], float(_MARGIN)
    edges = {}
    for package in PACKAGES:
        band, bottom = _band(package, folders[package], top)
        edges[package] = (top, bottom)
        parts.append(band)
        top = bottom + _BAND_GAP
    for index, (source, target) in enumerate(
        sorted(between, key=lambda pair: (PACKAGES.index(pair[0]), PACKAGES.index(pair[1])))
    ):
        x = WIDTH / 2 + (index - 1) * 60
        start, end = edges[source][1], edges[target][0]
        if PACKAGES.index(target) == PACKAGES.index(source) + 1:
            parts.append(_curve(Place(x, 0, start), Place(x, end, 0), has_head=True))
        else:  # past the package between them, in the margin
            side = WIDTH - _MARGIN / 2
            parts.append(
                f'<path class="arrow" d="M{WIDTH - _MARGIN},{start - 20:.0f} H{side:.0f} '
                f'V{end + 20:.0f} H{WIDTH - _MARGIN + 7}" marker-end="url(#head)"/>'
            )
    height = top - _BAND_GAP + _MARGIN
    return "\n".join(
        [
            f'<svg class="house" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
            f'{height:.0f}" role="img" aria-labelledby="house-title">',
            '<title id="house-title">The folders of pipeline, components and serving, with an '
            "arrow from each to those that it imports</title>",
            f"<style>\n{_STYLE}\n</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path class="head" d="M0,0 L8,4 L0,8 z"/></marker>'
            "</defs>",
            f'<rect class="ground" width="{WIDTH}" height="{height:.0f}"/>',
            *parts,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
