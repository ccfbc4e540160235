"""The one line that moves while a step runs."""

from __future__ import annotations

from components.progress import Progress

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_FRAMES = "|/-\\"
_FRAMES_PER_SECOND = 8
_BAR_WIDTH = 12


def live_line(
    title: str, seconds: float, report: Progress | None, *, width: int, is_plain: bool = False
) -> str:
    """Returns spinner, title, clock and, once there is a report, a bar with its figures.

    Args:
      title: What is going on.
      seconds: For how long.
      report: The latest report of the step, if any.
      width: Columns of the terminal; what does not fit is left out from the right.
      is_plain: Whether the terminal knows ASCII only.
    """
    frames = _ASCII_FRAMES if is_plain else _FRAMES
    minutes, rest = divmod(int(seconds), 60)
    spinner = frames[int(seconds * _FRAMES_PER_SECOND) % len(frames)]
    parts = [f"{spinner} {title} {minutes}:{rest:02}"]
    if report:
        if report.total:
            parts.append(_bar(report.done / report.total, is_plain))
        parts += _figures(report)
    line = parts[0]
    for part in parts[1:]:
        if len(line) + 2 + len(part) > width:
            break
        line += f"  {part}"
    return line[:width]


def _bar(share: float, is_plain: bool) -> str:
    full, empty = ("#", ".") if is_plain else ("━", "╌")
    cells = min(round(share * _BAR_WIDTH), _BAR_WIDTH)
    return full * cells + empty * (_BAR_WIDTH - cells)


def _figures(report: Progress) -> list[str]:
    if report.unit == "bytes":
        total = f" of {report.total / 1e6:.1f}" if report.total else ""
        return [f"{report.done / 1e6:.1f}{total} MB"]
    stage = [report.stage] if report.stage else []
    return stage + [f"{name} {value:.3f}" for name, value in report.metrics.items()]
