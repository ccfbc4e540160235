"""Turns a figure of Matplotlib into an SVG that stands within a page.

Its texts are texts, in the page's font; its colours are the page's, so that they follow light, dark
and print. Matplotlib knows no CSS: while it draws, a colour of `Ink` stands for each of the page's.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from serving.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Points: at 400 of them, a chart that fills a phone's width still has letters of 10 CSS pixels.
WIDTH = 400
_POINTS_PER_INCH = 72
FONT_SIZE = 11
_MOST_CHARACTERS = 60


class Ink(str, Enum):
    """A colour of the page by the name of its CSS variable; the value is what stands for it."""

    INK = "#010101"
    QUIET = "#020202"
    LINE = "#030303"
    ACCENT = "#040404"
    UP = "#050505"
    DOWN = "#060606"
    PAPER = "#070707"
    GRID = "#080808"

    @property
    def css(self) -> str:
        """How CSS names it."""
        return f"var(--{self.name.lower()})"


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Sets Matplotlib up, whatever the user's own settings are, and puts those back."""
    import matplotlib

    ours = {
        "svg.fonttype": "none",
        "text.parse_math": False,  # a class may be called $x$
        "font.size": FONT_SIZE,
        "text.color": Ink.INK.value,
        "axes.labelcolor": Ink.QUIET.value,
        "axes.edgecolor": Ink.LINE.value,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "xtick.color": Ink.LINE.value,
        "ytick.color": Ink.LINE.value,
        "xtick.labelcolor": Ink.QUIET.value,
        "ytick.labelcolor": Ink.QUIET.value,
        "grid.color": Ink.GRID.value,
        "grid.linewidth": 0.8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "svg.hashsalt": "sentiment",
    }
    defaults = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if not name.startswith(("backend", "webagg", "interactive", "toolbar"))
    }
    with warnings.catch_warnings(), matplotlib.rc_context():
        # Of letters that its own font lacks, and of settings that it will drop.
        warnings.simplefilter("ignore")
        matplotlib.rcParams.update(defaults | ours)
        yield


def figure(height: float, width: float = WIDTH, **layout: float) -> tuple[Figure, Axes]:
    """Returns a figure and its only axes.

    Args:
      height: In points.
      width: In points.
      layout: Margins as `Figure.subplots_adjust` takes them, but in points from their own edge.
    """
    from matplotlib.figure import Figure

    made = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH))
    margins = {"left": 48.0, "right": 14.0, "top": 12.0, "bottom": 40.0} | layout
    made.subplots_adjust(
        left=margins["left"] / width,
        right=1 - margins["right"] / width,
        top=1 - margins["top"] / height,
        bottom=margins["bottom"] / height,
    )
    return made, made.add_subplot()


def label(text: object, most: int = _MOST_CHARACTERS) -> str:
    """Returns a text that may be drawn: on one line, no control characters, not too long.

    Of a longer one, a third is its end, by which texts that begin alike are told apart.
    """
    safe = printable(text)
    end = most // 3
    return safe if len(safe) <= most else f"{safe[: most - end - 1]}…{safe[-end:]}"


def inlined(made: Figure, name: str, title: str, description: str) -> Markup:
    """Returns the figure as an SVG element.

    Args:
      made: The figure.
      name: Prefix of all ids in it; unique on the page.
      title: What a screen reader calls it.
      description: What is to be seen.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = io.StringIO()
    FigureCanvasSVG(made).print_svg(
        stream, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
    )
    text = stream.getvalue()
    box = re.search(r'viewBox="([^"]+)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    # Only what is referred to keeps its id.
    referred = set(re.findall(r'(?:url\(#|href="#)([^")]+)', body))
    body = re.sub(
        r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in referred else "", body
    )
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", body)
    body = re.sub(r"font-family: [^;\"]+;? ?", "", body)
    for ink in Ink:
        body = body.replace(ink.value, ink.css)
    body = re.sub(r"\s*\n\s*", "\n", body)
    assert box is not None
    return Markup(
        f'<svg class="chart" role="img" viewBox="{box[1]}" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-description"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-description">{escape(description)}</desc>{body}</svg>'
    )
