"""`sentiment predict`: asks a server, or the newest pushed version without one."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from components.errors import ConfigurationError
from components.storage.place import Place
from pipeline import extras
from pipeline.chosen_settings import TABLE_SETTINGS
from pipeline.commands.command import (
    Command,
    add_debug,
    add_serving_dir,
    add_settings,
    config_of,
    newest_pushed,
)
from pipeline.config import DEFAULT_MODEL_NAME, PipelineConfig
from pipeline.console.messages import tell, terminal_width
from pipeline.console.wrapping import cells, wrapped
from pipeline.scoring.columns import SCORE_PREFIX, names_of_columns, values_of_columns
from serving.predictions import Classification, Prediction, likeliest
from serving.printable import UNSAFE, PrintableStream, printable
from serving.signature_names import CLASSIFY, PREDICT_TEXT

if TYPE_CHECKING:
    from pipeline.scoring.pushed_model import PushedModel

# Writes a text with its prediction; None for a blank text.
Writer: TypeAlias = Callable[[str, Prediction | None], None]

FORMATS = ("table", "json", "csv")
STANDARD_INPUT = "-"
BATCH_SIZE = 128
# Fewer are answered before a bar would be read.
BAR_FROM = 1_000
# Classes that a terminal shows, with more than two.
LIKELIEST = 3
# Columns of a class's name in the table: the fewest, and the most.
NAME_CELLS, MOST_NAME_CELLS = 8, 32
_TAKE_LINE_AWAY = "\r\x1b[K"


COMMAND = Command(
    "predict",
    help="ask a pushed model",
    description="Answers with the newest pushed version, without a server or through one. One "
    "answer a text, in their order: with two classes the probability of the second one, such as "
    "positive, and the name of the likelier one; with more, the likeliest and its probability. "
    "Where a text is blank, the answer is `no text` (in JSON null, in CSV empty).",
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
    parser.add_argument(
        "--scores",
        action="store_true",
        help=f"the probability of every class too (in CSV a column {SCORE_PREFIX}CLASS for each)",
    )
    add_serving_dir(parser)
    parser.add_argument(
        "--model-name",
        help=f"default: the only one below --root; with --server, {DEFAULT_MODEL_NAME}",
    )
    add_debug(parser)


def run(options: dict[str, Any]) -> int:
    """Prints an answer for each text, in their order; that of a blank one is "no text".

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
    every, form, name = options["scores"], options["format"], options["model_name"]
    if not any(map(_says_something, texts)):
        _answer(texts, lambda _: [], form, every)
        return 0
    ranks = form == "table" and sys.stdout.isatty()
    if options["server"]:
        from serving.client import Client

        with Client(options["server"], model=name or DEFAULT_MODEL_NAME) as client:
            with_scores = every or (ranks and _can_rank(_outputs_of(client)))
            _answer(texts, _asker(client, with_scores), form, every)
    else:
        model = _loaded(newest_pushed(options["root"], options["serving_dir"], name))
        with_scores = every or (ranks and _can_rank(model.outputs))
        _answer(texts, _asker(model, with_scores), form, every)
    return 0


class _Model(Protocol):
    """What can be asked: a client, or a pushed version in this process."""

    def predict(self, texts: Sequence[str], /) -> list[Prediction]: ...

    def classify(self, texts: Sequence[str], /) -> list[Classification]: ...


def _asker(model: _Model, with_scores: bool) -> Callable[[Sequence[str]], list[Prediction]]:
    if not with_scores:
        return model.predict
    return lambda texts: _with_scores(model, texts)


def _with_scores(model: _Model, texts: Sequence[str]) -> list[Prediction]:
    classified = model.classify(texts)
    predictions = [each.prediction for each in classified]
    if not predictions or predictions[0].sentiment is None:
        return predictions
    # The scores of two classes do not tell from where on the model decides on the second.
    return [
        replace(decided, text=each.text, scores=each.scores)
        for decided, each in zip(model.predict(texts), classified, strict=True)
    ]


def _outputs_of(client: Any) -> Mapping[str, Collection[str]]:
    signatures = client.metadata().signatures
    return {name: signature.outputs for name, signature in signatures.items()}


def _can_rank(outputs: Mapping[str, Collection[str]]) -> bool:
    """Returns whether a model of these outputs has more than two classes, and can rank them."""
    return "label" in outputs.get(PREDICT_TEXT, ()) and CLASSIFY in outputs


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


def _loaded(version: Place) -> PushedModel:
    """Loads a version; on a terminal it says so meanwhile."""
    words = printable(f"Loading {version.parent.name}, version {version.name} ...")
    shows = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if shows:
        print(words[: terminal_width(sys.stderr) - 1], end="", file=sys.stderr, flush=True)
    try:
        from pipeline.scoring.pushed_model import PushedModel

        return PushedModel(version)
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
    from components.storage.place import place_of

    with tempfile.NamedTemporaryFile(prefix="sentiment-") as target:
        path: Place = place_of(file)
        name = ""
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
    form: str,
    every: bool,
) -> None:
    """Writes each text with its prediction; a text that says nothing is not asked about.

    Args:
      texts: In their order.
      ask: Returns a prediction for each text that it is given.
      form: One of FORMATS.
      every: Whether to write the probability of every class.
    """
    write: Writer | None = None
    # Which columns there are, the first answer tells.
    held: list[str] = []
    for batch in _batches(texts):
        asked = [text for text in batch if _says_something(text)]
        predictions = iter(ask(asked) if asked else ())
        for text in batch:
            prediction = next(predictions) if _says_something(text) else None
            if write is None and prediction is None:
                held.append(text)
                continue
            if write is None:
                write = _writer(form, prediction, every, held)
            write(text, prediction)
    if write is None:
        _writer(form, None, every, held)


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


def _writer(form: str, first: Prediction | None, every: bool, held: Sequence[str]) -> Writer:
    """Returns what writes a text with its prediction, after it has written the blank ones before.

    Args:
      form: One of FORMATS.
      first: The first prediction, which tells the columns; None if all texts are blank.
      every: Whether to write the probability of every class.
      held: The blank texts before the first prediction.
    """
    write = _writer_of_table(every) if form == "table" else _writer_of_data(form, first, every)
    for text in held:
        write(text, None)
    return write


def _writer_of_data(form: str, first: Prediction | None, every: bool) -> Writer:
    """Returns what writes JSON or CSV, which give the text as it arrived."""
    has_two_classes = first is None or first.sentiment is not None
    scored = tuple(first.scores or ()) if first and every and form == "csv" else ()
    names = ("text", *names_of_columns(has_two_classes=has_two_classes, scored=scored))

    def values_of(text: str, prediction: Prediction | None) -> tuple[Any, ...]:
        if prediction is None:
            return (text, *[None] * (len(names) - 1))
        return (text, *values_of_columns(prediction, prediction.model_version, scored))

    if form == "csv":
        stream = PrintableStream(sys.stdout) if sys.stdout.isatty() else sys.stdout
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(names)
        return lambda text, prediction: rows.writerow(values_of(text, prediction))

    def write(text: str, prediction: Prediction | None) -> None:
        fields = dict(zip(names, values_of(text, prediction), strict=True))
        if every:
            fields["scores"] = prediction and prediction.scores
        print(_json(fields))

    return write


def _json(fields: dict[str, Any]) -> str:
    """Returns an object on one line; JSON's own escapes keep its control characters harmless."""
    line = json.dumps(fields, ensure_ascii=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line)


def _writer_of_table(every: bool) -> Writer:
    """Returns what writes lines for people: probability, name of the class, text.

    On a terminal lines are wrapped, with the text below itself. Other classes are on a line below.
    """
    stream = sys.stdout
    # The names that are to come are not known yet.
    width = NAME_CELLS

    def show(line: str, indent: int) -> None:
        if stream.isatty():
            line = "\n".join(wrapped(line, terminal_width(stream), " " * indent))
        print(line, file=stream)

    def write(text: str, prediction: Prediction | None) -> None:
        nonlocal width
        probability, name = "-", "no text"
        if prediction:
            probability, name = f"{prediction.probability:.4f}", _shown_name(prediction.label)
        width = max(width, cells(name))
        start = f"{probability:<6}  {name}{' ' * (width - cells(name))}  "
        show(f"{start}{printable(' '.join(text.split()))}".rstrip(), cells(start))
        if prediction and prediction.scores:
            scores = prediction.scores
            others = likeliest(scores, len(scores)) if every else likeliest(scores, LIKELIEST)[1:]
            listed = ", ".join(f"{_shown_name(name)} {score:.4f}" for name, score in others)
            show(f"{'':<8}{listed}", 8)

    return write


def _shown_name(name: str) -> str:
    """Returns a class's name on one line, the beginning of a long one."""
    shown = printable(name[: MOST_NAME_CELLS + 1])
    if cells(shown) <= MOST_NAME_CELLS:
        return shown
    end = 0
    while cells(shown[: end + 1]) < MOST_NAME_CELLS:
        end += 1
    return f"{shown[:end]}…"
