"""`sentiment predict`: asks a server, or the newest pushed version without one."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError
from pipeline.config import DEFAULT_MODEL_NAME, PipelineConfig
from pipeline.loading import load_config
from pipeline.predict import Verdict
from pipeline.settings import add_flag

FORMATS = ("table", "json", "csv")
STANDARD_INPUT = "-"
BATCH_SIZE = 128
# Fewer are answered before a bar would be read.
BAR_FROM = 1_000

_TABLE_SETTINGS = (
    "text_column",
    "delimiter",
    "encoding",
    "quoting",
    "header",
    "max_bad_records",
)


def add(commands: Any) -> None:
    """Adds the command."""
    predict = commands.add_parser(
        "predict",
        help="ask a pushed model",
        description="Answers with the newest pushed version, without a server or through one.",
        allow_abbrev=False,
    )
    predict.add_argument("texts", nargs="*", metavar="TEXT", help="a review")
    predict.add_argument(
        "--file",
        help="reviews to read instead: any table that run reads, .txt (one a line), - for stdin",
    )
    for field in dataclasses.fields(PipelineConfig):
        if field.name in _TABLE_SETTINGS:
            add_flag(predict, field)
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
      DatasetError: The file cannot be read, or has bad records.
      ServingError: The server does not answer.
    """
    texts, file = options["texts"], options["file"]
    if bool(texts) == (file is not None):
        raise ConfigurationError("predict: give either texts or --file.")
    if file is not None:
        settings = load_config({name: options[name] for name in _TABLE_SETTINGS if name in options})
        texts = _read(file, settings)
    write = _writer(options["format"])
    name = options["model_name"]
    if options["server"]:
        from serving.client import Client

        with Client(options["server"], model=name) as client:
            _answer(texts, lambda batch: _asked(client, batch), write)
    else:
        from pipeline.predict import load

        _answer(texts, load(Path(options["root"]), name), write)
    return 0


def _read(file: str, settings: PipelineConfig) -> list[str]:
    """Returns the texts of a file, or of standard input; says on standard error how they are read.

    Raises:
      DatasetError: They cannot be read.
    """
    from components.dataset.texts import read_texts

    with tempfile.NamedTemporaryFile(prefix="sentiment-") as copy:
        path, name = Path(file), ""
        # A pipe can be read once, and a file is first looked at, Parquet from its end.
        if file == STANDARD_INPUT:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            name = "standard input"
        elif path.exists() and not path.is_file() and not path.is_dir():
            with path.open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
            name = file
        if name:
            copy.flush()
            path = Path(copy.name)
        found = read_texts(
            path,
            settings.text_column,
            settings.table_options,
            max_bad_records=settings.max_bad_records,
            name=name,
        )
    for notice in found.notices:
        print(f"sentiment: {notice}", file=sys.stderr)
    return found.texts


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
