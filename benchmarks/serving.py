"""What does a server add to the model's own time, and does it batch, swap and start as it should?

    IMDB_ARCHIVE=... python -m benchmarks.serving --root ROOT [--model-name NAME] [--output FILE]

ROOT is that of a run that pushed a model. The embedded server is measured, and the real TF-Serving
as well if tensorflow_model_server is on PATH; both under load from this process, over loopback. It
takes some three minutes an engine. Whatever else runs on the machine is in the figures: what is
compared is measured in turns, request by request, and medians are told.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.archive import archive_path, real_reviews
from benchmarks.measuring import machine
from benchmarks.serving_measurements import FREE, MEASUREMENTS, REVIEWS, Figures, Subject
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.pushed_versions import newest_version
from pipeline.root import serving_folder
from serving.engines import BINARY, EMBEDDED, is_installed

TARGETS = {
    "gRPC: all but the model's time, median, ms": "at most 1",
    "REST: all but the model's time, median, ms": "at most 1.5",
    "16 clients, batching on / off": "at least 1.5",
    "memory after 20 swaps / after 2": "at most 1.2",
    "start to first answer, s": "at most 8",
}
# Load a processor, before anything is started, above which figures are not to be relied on.
_QUIET = 0.25


def main() -> None:
    """Measures, prints a table, and writes it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, required=True, help="of a run that pushed a model")
    parser.add_argument("--model-name", default=DEFAULT_MODEL_NAME, help="default: %(default)s")
    parser.add_argument("--output", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args()
    # As an interrupt does: the servers end with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    archive_path()
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    load_before = os.getloadavg()[0]
    engines = [EMBEDDED] + ([BINARY] if is_installed(BINARY) else [])
    with tempfile.TemporaryDirectory() as folder:
        subject = _prepare(options.root, options.model_name, Path(folder))
        figures = {engine: dict(_measure(engine, subject)) for engine in engines}
    results = {
        "command": f"python -m benchmarks.serving --root ROOT --model-name {options.model_name}",
        "machine": {**machine(), "load average before": load_before},
        "figures": figures,
    }
    print(markdown_table(results))
    if options.output:
        options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _prepare(root: Path, name: str, work: Path) -> Subject:
    free = work / "models" / FREE / "1"
    subprocess.run([sys.executable, "-m", "benchmarks.free_model", str(free)], check=True)
    texts = [review.text.decode() for review in islice(real_reviews(), REVIEWS)]
    folders = {name: Path(str(newest_version(serving_folder(root), name).absolute())), FREE: free}
    return Subject(folders, root.absolute(), texts, work)


def _measure(engine: str, subject: Subject) -> Figures:
    """Yields each figure's name and value; the names are the table's rows."""
    for measure in MEASUREMENTS:
        for name, value in measure(engine, subject):
            print(f"{engine}: {name}: {value:,.4g}", file=sys.stderr, flush=True)
            yield name, value


def markdown_table(results: Mapping[str, Any]) -> str:
    """Returns the figures as a table, with the targets next to them."""
    names = {EMBEDDED: "embedded server", BINARY: "TF-Serving"}
    figures = results["figures"]
    rows = [
        f"| | {' | '.join(names[engine] for engine in figures)} | target |",
        f"|---|{'---:|' * len(figures)}---|",
    ]
    for name in figures[EMBEDDED]:
        shown = " | ".join(f"{figures[engine][name]:,.4g}" for engine in figures)
        rows.append(f"| {name} | {shown} | {TARGETS.get(name, '')} |")
    load, processors = (results["machine"][name] for name in ("load average before", "processors"))
    if load > _QUIET * processors:
        rows += [
            "",
            f"Provisional: others used the {processors} processors (load average {load:.1f}).",
        ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()
