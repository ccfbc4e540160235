"""Writes the page of a run below its root."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from components.errors import summary_of
from components.storage.place import Place
from pipeline.metadata.address import MetadataStoreAddress
from pipeline.paths import shown
from pipeline.program import command_in
from pipeline.results.run_info import RunInfo
from pipeline.results.runs import find_run

FOLDER = "reports"
# At the end of a run, the labels of at most so many reviews are checked: with 50,000, it takes ten
# seconds, and its memory grows with them.
MOST_LABELS_AT_END = 100_000


def page_path(root: Place, run: RunInfo) -> Place:
    """Returns where the page of a run is."""
    # An id of TFX's own has colons in it, which Windows and some web servers refuse.
    return root / FOLDER / run.pipeline_name / f"{run.run_id.replace(':', '-')}.html"


def write_page(
    root: Place, run: RunInfo, path: Place | None = None, most_labels: int | None = None
) -> Place:
    """Writes the page of a run and returns its path; the list of doubted labels lies beside it.

    Args:
      root: Of the run.
      run: What it recorded of itself.
      path: Where to; by default `page_path`.
      most_labels: Of more reviews, labels are not checked; None has no bound.

    Raises:
      OSError: It cannot be written.
      LookupError: ML Metadata has no such run any more.
    """
    # Matplotlib and Jinja2 take half a second to import.
    from pipeline.report.contents import Missing
    from pipeline.report.gather import gather
    from pipeline.report.pages import save
    from pipeline.report.run_page import run_page
    from pipeline.results.insight.label_error_files import write_csv

    path = path or page_path(root, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    page = gather(root, run, most_labels)
    if not isinstance(page.doubts, Missing) and page.doubts.doubted:
        labels = path.with_name(f"{path.stem}-labels.csv")
        write_csv(labels, page.doubts.doubted, page.classes)
        page = replace(page, doubts_file=shown(labels))
    save(run_page(page), path)
    return path


def page_at_end(
    root: Place, run_id: str, notify: Callable[[str], None], metadata: MetadataStoreAddress
) -> Place | None:
    """Writes the page of a run that has just ended; that it fails is no failure of the run.

    Args:
      root: Of the run.
      run_id: Its id.
      notify: Is told in a line if there is no page.
      metadata: Where it is recorded.

    Returns:
      The page's path, or None.
    """
    try:
        return write_page(
            root, find_run(root, run_id, metadata=metadata), most_labels=MOST_LABELS_AT_END
        )
    except Exception as error:
        logging.warning("The page of the run could not be written.", exc_info=True)
        again = command_in(root, metadata, "report", run_id)
        notify(
            f"The page of this run could not be written below {shown(root / FOLDER)}, all else is "
            f"there ({summary_of(error)}). {again} tries again."
        )
        return None
