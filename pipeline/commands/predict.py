"""`sentiment predict`: asks a server, or the newest pushed version without one."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError
from pipeline.commands.review_files import read_texts
from pipeline.config import DEFAULT_MODEL_NAME, PipelineConfig
from pipeline.predict import Verdict

FORMATS = ("table", "json", "csv")
BATCH_SIZE = 128
# Fewer are answered before a bar would be read.
BAR_FROM = 1_000


def add(commands: Any) -> None:
    """Adds the command."""
    predict = commands.add_parser(
        "predict",
        help="ask a pushed model",
        description="Answers with the newest pushed version, without a server or through one.",
        epilog='For example: sentiment predict "a great film" "a dull one"',
        allow_abbrev=False,
    )
    predict.add_argument("texts", nargs="*", metavar="TEXT", help="a review")
    predict.add_argument(
        "--file", help="reviews to read instead: .jsonl, .csv, .txt (one a line), - for stdin"
    )
    predict.add_argument(
        "--text-column", default="text", help="of --file's reviews (default: %(default)s)"
    )
    predict.add_argument("--server", help="localhost:8500 (gRPC) or http://localhost:8501 (REST)")
    predict.add_argument(
        "--format", choices=FORMATS, default="table", help="json: an object a line (default: table)"
    )
    predict.add_argument("--root", default=PipelineConfig.root, help="default: %(default)s")
    predict.add_argument("--model-name", default=DEFAULT_MODEL_NAME, help="default: %(default)s")
    predict.add_argument("--debug", action="store_true", help="show tracebacks")
    predict.set_defaults(command=run)


def run(options: dict[str, Any]) -> int:
    """Prints a verdict for each text, in their order.

    Raises:
      ConfigurationError: There are no texts, or no model.
      ServingError: The server does not answer.
    """
    texts, file = options["texts"], options["file"]
    if bool(texts) == (file is not None):
        raise ConfigurationError("predict: give either texts or --file.")
    if file is not None:
        texts = read_texts(file, options["text_column"])
    write = _writer(options["format"])
    if not texts:
        return 0
    name = options["model_name"]
    if options["server"]:
        from serving.client import Client

        with Client(options["server"], model=name) as client:
            _answer(texts, lambda batch: _asked(client, batch), write)
    else:
        from pipeline.predict import load

        _answer(texts, load(Path(options["root"]), name), write)
    return 0


def _asked(client: Any, batch: Sequence[str]) -> list[Verdict]:
    return [
        Verdict(str(answer.text), answer.probability, answer.sentiment, answer.model_version)
        for answer in client.predict(batch)
    ]


def _answer(
    texts: Sequence[str],
    ask: Callable[[Sequence[str]], list[Verdict]],
    write: Callable[[Verdict], None],
) -> None:
    for batch in _batches(texts):
        for verdict in ask(batch):
            write(verdict)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yields the texts in batches, with a bar on a terminal if there are many."""
    starts: Any = range(0, len(texts), BATCH_SIZE)
    if len(texts) >= BAR_FROM and sys.stderr.isatty() and not sys.stdout.isatty():
        from rich.console import Console
        from rich.progress import track

        starts = track(starts, "Predicting", console=Console(stderr=True), transient=True)
    for start in starts:
        yield texts[start : start + BATCH_SIZE]


def _writer(form: str) -> Callable[[Verdict], None]:
    if form == "json":
        return lambda verdict: print(json.dumps(verdict._asdict(), ensure_ascii=False))
    if form == "csv":
        rows = csv.writer(sys.stdout, lineterminator="\n")
        rows.writerow(Verdict._fields)
        return rows.writerow
    return lambda verdict: print(
        f"{verdict.probability:.4f}  {verdict.sentiment:<8}  {' '.join(verdict.text.split())}"
    )
