"""`sentiment predict`: asks a server, or the newest pushed version without one."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from components.errors import ConfigurationError
from pipeline import extras
from pipeline.commands.command import (
    TABLE_SETTINGS,
    Command,
    add_debug,
    add_settings,
    config_of,
)
from pipeline.config import DEFAULT_MODEL_NAME, PipelineConfig
from pipeline.console.messages import tell, terminal_width
from pipeline.console.wrapping import wrapped
from pipeline.pushed_versions import newest_version
from serving.predictions import Prediction
from serving.printable import UNSAFE, PrintableStream, printable

FORMATS = ("table", "json", "csv")
# Of JSON and CSV, in their order.
FIELDS = ("text", "probability", "sentiment", "model_version")
STANDARD_INPUT = "-"
BATCH_SIZE = 128
# Fewer are answered before a bar would be read.
BAR_FROM = 1_000
_TAKE_LINE_AWAY = "\r\x1b[K"


COMMAND = Command(
    "predict",
    help="ask a pushed model",
    description="Answers with the newest pushed version, without a server or through one. One "
    "verdict a text, in their order; where a text is blank, it is `no text` (in JSON null, in "
    "CSV empty).",
    epilog='For example: sentiment predict "a great film" "a dull one"',
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds its flags."""
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a review")
    parser.add_argument(
        "--file",
        help="reviews to read instead: any table that run reads, .txt (one a line), - for stdin",
    )
    add_settings(parser, TABLE_SETTINGS)
    parser.add_argument("--server", help="localhost:8500 (gRPC) or http://localhost:8501 (REST)")
    parser.add_argument(
        "--format", choices=FORMATS, default="table", help="json: an object a line (default: table)"
    )
    parser.add_argument("--root", default=PipelineConfig.root, help="default: %(default)s")
    parser.add_argument(
        "--model-name",
        help=f"default: the only one below --root; with --server, {DEFAULT_MODEL_NAME}",
    )
    add_debug(parser)


def run(options: dict[str, Any]) -> int:
    """Prints a verdict for each text, in their order; that of a blank one is "no text".

    Raises:
      ConfigurationError: There are no texts, or no model.
      DatasetError: The file cannot be read, or has bad records.
      ServingError: The server does not answer.
    """
    texts, file = options["texts"], options["file"]
    if bool(texts) == (file is not None):
        raise ConfigurationError("predict: give either texts or --file.")
    if options["server"]:
        extras.require(extras.CLIENT, "predict --server")
    else:
        extras.require(extras.PIPELINE, "predict without --server")
    if file is not None:
        texts = _read(file, config_of(options, TABLE_SETTINGS))
    _check(texts)
    write = _writer(options["format"])
    if not any(map(_says_something, texts)):
        _answer(texts, lambda _: [], write)
        return 0
    name = options["model_name"]
    if options["server"]:
        from serving.client import Client

        with Client(options["server"], model=name or DEFAULT_MODEL_NAME) as client:
            _answer(texts, client.predict, write)
    else:
        _answer(texts, _loaded(Path(options["root"]), name), write)
    return 0


def _check(texts: Sequence[str]) -> None:
    """Refuses what no model can be given: bytes of a command line that are no UTF-8."""
    for number, text in enumerate(texts, start=1):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ConfigurationError(
                f"predict: text {number:,} is not valid Unicode at character {error.start + 1:,} "
                f"('{text[error.start]}'). Write it in UTF-8."
            ) from error


def _says_something(text: str) -> bool:
    return bool(text.strip())


def _loaded(root: Path, name: str | None) -> Callable[[Sequence[str]], list[Prediction]]:
    """Loads the newest version; on a terminal it says so meanwhile."""
    version = newest_version(root, name)
    words = printable(f"Loading {version.parent.name}, version {version.name} ...")
    shows = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if shows:
        print(words[: terminal_width(sys.stderr) - 1], end="", file=sys.stderr, flush=True)
    try:
        from pipeline.scoring.verdicts import load

        return load(root, version.parent.name)
    finally:
        if shows:
            print(_TAKE_LINE_AWAY, end="", file=sys.stderr, flush=True)


def _read(file: str, config: PipelineConfig) -> list[str]:
    """Returns the texts of a file, or of standard input; says on standard error how they are read.

    Raises:
      DatasetError: They cannot be read.
    """
    from components.dataset.piped import copy, copy_pipe, is_pipe
    from components.dataset.texts import read_texts

    with tempfile.NamedTemporaryFile(prefix="sentiment-") as target:
        path, name = Path(file), ""
        # A pipe can be read once, and a file is first looked at, Parquet from its end.
        if file == STANDARD_INPUT:
            name = "standard input"
            copy(sys.stdin.buffer, target, name)
        elif is_pipe(file):
            name = file
            copy_pipe(file, target)
        if name:
            path = Path(target.name)
        found = read_texts(
            path,
            config.text_column,
            config.table_options,
            max_bad_records=config.max_bad_records,
            name=name,
        )
    for notice in found.notices:
        tell(f"sentiment: {notice}")
    return found.texts


def _answer(
    texts: Sequence[str],
    ask: Callable[[Sequence[str]], list[Prediction]],
    write: Callable[[str, Prediction | None], None],
) -> None:
    """Writes each text with its prediction; a text that says nothing is not asked about."""
    for batch in _batches(texts):
        asked = [text for text in batch if _says_something(text)]
        predictions = iter(ask(asked) if asked else ())
        for text in batch:
            write(text, next(predictions) if _says_something(text) else None)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yields the texts in batches, with a bar on a terminal if there are many."""
    batches = (texts[start : start + BATCH_SIZE] for start in range(0, len(texts), BATCH_SIZE))
    if len(texts) < BAR_FROM or sys.stdout.isatty():
        yield from batches
        return
    from components.progress import Progress
    from pipeline.console.live_line import live_line

    with live_line(sys.stderr, "Predicting") as show:
        done = 0
        for batch in batches:
            show(Progress(done, len(texts), "texts", f"{done:,} of {len(texts):,} texts"))
            yield batch
            done += len(batch)


def _writer(form: str) -> Callable[[str, Prediction | None], None]:
    """Returns what writes a text with its prediction; JSON and CSV give the text as it arrived."""
    if form == "json":
        return lambda text, prediction: print(_json(text, prediction))
    if form == "csv":
        stream = PrintableStream(sys.stdout) if sys.stdout.isatty() else sys.stdout
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(FIELDS)
        return lambda text, prediction: rows.writerow(_values(text, prediction))
    return lambda text, prediction: print(_line(text, prediction, sys.stdout))


def _values(text: str, prediction: Prediction | None) -> tuple[Any, ...]:
    """Returns the values of `FIELDS`; None where the text is blank."""
    if prediction is None:
        return text, None, None, None
    return text, prediction.probability, prediction.sentiment, prediction.model_version


def _json(text: str, prediction: Prediction | None) -> str:
    """Returns an object on one line; JSON's own escapes keep its control characters harmless."""
    fields = dict(zip(FIELDS, _values(text, prediction), strict=True))
    line = json.dumps(fields, ensure_ascii=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def _line(text: str, prediction: Prediction | None, stream: TextIO) -> str:
    """Returns a line of the table; on a terminal it is wrapped, with the text below itself."""
    if prediction is None:
        start = f"{'-':<6}  {'no text':<8}  "
    else:
        start = f"{f'{prediction.probability:.4f}':<6}  {prediction.sentiment:<8}  "
    line = f"{start}{printable(' '.join(text.split()))}".rstrip()
    if not stream.isatty():
        return line
    return "\n".join(wrapped(line, terminal_width(stream), " " * len(start)))
