"""Writes the page of a run below its root."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from components.errors import summary_of
from pipeline.paths import shown
from pipeline.results.runs import RunInfo, find_run

FOLDER = "reports"


def page_path(root: Path, run: RunInfo) -> Path:
    """Returns where the page of a run is."""
    # An id of TFX's own has colons in it, which Windows and some web servers refuse.
    return root / FOLDER / run.pipeline_name / f"{run.run_id.replace(':', '-')}.html"


def write_page(root: Path, run: RunInfo, path: Path | None = None) -> Path:
    """Writes the page of a run and returns its path.

    Args:
      root: Of the run.
      run: What it recorded of itself.
      path: Where to; by default `page_path`.

    Raises:
      OSError: It cannot be written.
      LookupError: ML Metadata has no such run any more.
    """
    # Matplotlib and Jinja2 take half a second to import.
    from pipeline.report.gather import gather
    from pipeline.report.pages import save
    from pipeline.report.run_page import run_page

    path = path or page_path(root, run)
    save(run_page(gather(root, run)), path)
    return path


def page_at_end(root: Path, run_id: str, notify: Callable[[str], None]) -> Path | None:
    """Writes the page of a run that has just ended; that it fails is no failure of the run.

    Args:
      root: Of the run.
      run_id: Its id.
      notify: Is told in a line if there is no page.

    Returns:
      The page's path, or None.
    """
    try:
        return write_page(root, find_run(root, run_id))
    except Exception as error:
        logging.warning("The page of the run could not be written.", exc_info=True)
        notify(
            f"The page of this run could not be written below {shown(root / FOLDER)}, all else is "
            f"there ({summary_of(error)}). `sentiment report` tries again."
        )
        return None
