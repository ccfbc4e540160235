"""Makes a page of a template: one file of HTML that needs nothing beside it.

Whatever a text holds, it is shown: all of it is escaped, and control characters stand as escapes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from components.errors import summary_of
from components.storage import files
from components.storage.place import Place
from pipeline.program import as_typed
from pipeline.report.contents import Missing
from serving.printable import printable_lines

if TYPE_CHECKING:
    import jinja2

_FOLDER = Path(__file__).parent / "templates"
_SCRIPT = "threshold.js"


@cache
def environment() -> jinja2.Environment:
    """Returns Jinja2 with our filters; everything that is not markup is escaped."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": lambda count: f"{count:,.0f}",
        "percent": percent,
        "moment": moment,
        "duration": duration,
        "typed": as_typed,
        "megabytes": lambda count: "–" if count is None else f"{count / 1e6:,.0f} MB",
    }
    made.tests["missing_part"] = lambda part: isinstance(part, Missing)
    return made


def render(template: str, **values: Any) -> str:
    """Returns a page."""
    script = (_FOLDER / _SCRIPT).read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        environment()
        .get_template(template)
        .render(
            style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8").strip()),
            script=Markup(script),
            # Nothing else can run, whatever found its way into the page.
            script_source=Markup(f"'sha256-{digest}'"),
            version=version("sentiment"),
            **values,
        )
    )


def save(text: str, path: Place) -> None:
    """Writes a page, all at once: who opens it never sees half of it.

    Raises:
      OSError: It cannot be written.
    """
    files.make_folder(str(path.parent))
    # Not all that Python has in a text is UTF-8: half a character is shown as an escape.
    files.write_text(str(path), printable_lines(text))


def drawn(draw: Callable[[], Markup]) -> Markup | Missing:
    """Returns a chart, or why there is none: no chart is a reason to have no page."""
    try:
        return draw()
    except Exception as error:  # what a library makes of odd numbers cannot be listed
        return Missing(f"This chart could not be drawn: {summary_of(error)}")


def percent(share: float) -> str:
    """Returns "85.25 %"."""
    return "–" if math.isnan(share) else f"{100 * share:.2f} %"


def moment(time: datetime) -> str:
    """Returns "26 Nov 2026, 19:54"."""
    return f"{time:%-d %b %Y, %H:%M}"


def duration(seconds: float) -> str:
    """Returns "0.2 s", "24 s" or "3 min 16 s"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def json_safe(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values that JSON has: NaN is none."""
    return json.loads(json.dumps(values), parse_constant=lambda _: None)


def _safe(value: Any) -> Any:
    """Shows control characters; markup is ours, and has been through here."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable_lines(value)
    return value
