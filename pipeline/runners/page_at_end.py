"""A run leaves a page at its end, whether it ended well or not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from components.errors import causes
from pipeline.console.terminal import Console
from pipeline.paths import shown
from pipeline.report.written import page_at_end
from pipeline.resolution import ResolvedRun


@dataclass
class Page:
    """The page of a run.

    Attributes:
      run_id: The run's, as soon as it has one.
      path: Where the page is, as it is shown; None as long as there is none.
    """

    run_id: str = ""
    path: str | None = None


@contextlib.contextmanager
def writes_page_at_end(run: ResolvedRun, console: Console) -> Iterator[Page]:
    """Writes the page when the block has ended: by then the run has recorded all of itself.

    None is written of a run that was interrupted: its user waits for the end.

    Args:
      run: Says whether a page is wanted.
      console: Is told of a page that could not be written, and where that of a failed run is.
    """
    page = Page()
    try:
        yield page
    except Exception as error:
        is_interrupted = any(isinstance(cause, KeyboardInterrupt) for cause in causes(error))
        if run.config.report and page.run_id and not is_interrupted:
            written = page_at_end(run.root, page.run_id, console.notice, run.metadata)
            if written:
                console.note(f"How far the run came, and its error: {shown(written)}")
        raise
    if run.config.report and page.run_id:
        written = page_at_end(run.root, page.run_id, console.notice, run.metadata)
        page.path = shown(written) if written else None
