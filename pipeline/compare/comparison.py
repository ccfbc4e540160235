"""Trains every contender with every seed, and keeps the outcome."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.dataset.source import SourceKind
from components.errors import ConfigurationError, summary_of
from components.storage import files
from components.storage.place import Place, place_of
from pipeline.compare import isolated
from pipeline.compare.contenders import Contender
from pipeline.config import NAME, PipelineConfig, hyperparameters_for
from pipeline.console.terminal import Console
from pipeline.fingerprint import LIBRARIES
from pipeline.loading import read_environment
from pipeline.paths import shown
from pipeline.resolution import ResolvedRun, metadata_of, resolve
from pipeline.results.leaderboard import JSON_FILE, MARKDOWN_FILE, Failure, Leaderboard, Run
from pipeline.results.markdown import report
from pipeline.runners.local import alone_in, prepare_metadata
from pipeline.runners.stores_tried import try_stores

FOLDER = "comparisons"
Plan = tuple[Contender, PipelineConfig]
Train = Callable[[PipelineConfig, Path, isolated.AttemptListener], dict[str, Any]]


def compare(
    config: PipelineConfig,
    contenders: Sequence[Contender],
    seeds: Sequence[int],
    name: str,
    command: str,
    console: Console,
    train: Train = isolated.train,
) -> Leaderboard:
    """Trains and measures; what was trained before comes from TFX's cache.

    The seeds are the outer loop: when a comparison is interrupted, all contenders have been trained
    about equally often, and when the machine is slow for a while, it is slow for all of them.

    Args:
      config: What all contenders share.
      contenders: What is compared.
      seeds: With which seeds.
      name: Of the comparison; "" names it after the data.
      command: The command line, for the record.
      console: Is told what happens.
      train: Trains once; raises `isolated.AttemptError` when that failed.

    Returns:
      The outcome, which is saved as well.

    Raises:
      SentimentError: Nothing can be compared; a contender that fails is no such error.
    """
    root = place_of(config.root).absolute()
    plans = [(each, _config_of(config, each, seed)) for seed in seeds for each in contenders]
    metadata = metadata_of(config, root, read_environment(os.environ))
    with alone_in(root, metadata=metadata):
        prepare_metadata(metadata)
        try_stores(config, ["root"])
        run = _resolved(plans[: len(contenders)], console)
        name = name or run.pipeline_name
        folder = root / FOLDER / name
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        console.comparison_started(name, run.source.name, len(plans), shown(folder))

        outcomes = [
            _outcome(contender, planned, folder / "logs", console, train)
            for contender, planned in plans
        ]
        board = Leaderboard(
            name=name,
            command=command,
            data={"name": run.source.name, "digest": run.source.digest},
            stack=stack(),
            machine={"cpus": os.cpu_count(), "architecture": platform.machine()},
            runs=tuple(outcome for outcome in outcomes if isinstance(outcome, Run)),
            failures=tuple(outcome for outcome in outcomes if isinstance(outcome, Failure)),
        )
        save(board, folder)
        if config.report:
            _write_page(board, folder, console)
        return board


def _write_page(board: Leaderboard, folder: Place, console: Console) -> None:
    """Writes the page for a browser; without it the comparison is as good."""
    from pipeline.report.comparison_page import write_comparison

    try:
        console.note(f"page: {shown(write_comparison(board, folder))}")
    except Exception as error:
        logging.warning("The page of the comparison could not be written.", exc_info=True)
        console.notice(
            f"The page of this comparison could not be written below {shown(folder)}, all else is "
            f"there ({summary_of(error)})."
        )


def _resolved(plans: Sequence[Plan], console: Console) -> ResolvedRun:
    """Resolves what is the same for all contenders, and checks what each one asks for.

    The first contender is resolved for all: `config` may name a model that is none of them.
    """
    run = resolve(
        plans[0][1],
        read_environment(os.environ),
        console.notice,
        is_comparison=True,
        note=console.note,
    )
    for _, planned in plans:
        hyperparameters_for(planned, run.source.kind is SourceKind.SAMPLE, run.source.has_eval)
    return run


def _outcome(
    contender: Contender, planned: PipelineConfig, logs: Place, console: Console, train: Train
) -> Run | Failure:
    """Trains once, tells how it went, and returns the figures or what failed."""
    label, seed = contender.label, planned.seed
    log = logs / f"{label.replace(':', '-')}-seed-{seed}.log"
    console.attempt_started(f"{label}, seed {seed}")
    try:
        with _written_locally(log) as local:
            figures = train(planned, local, console)
    except isolated.AttemptError as error:
        console.attempt_ended("FAILED", str(error))
        return Failure(label, seed, str(error), shown(log))
    is_cached = figures.pop("is_cached")
    run = Run(label=label, model=contender.model, seed=seed, **figures)
    console.attempt_ended("cached" if is_cached else "done", f"accuracy {run.accuracy:.2%}")
    return run


@contextlib.contextmanager
def _written_locally(log: Place) -> Iterator[Path]:
    """Yields where a log is written: to an object of a store nothing can be added."""
    if isinstance(log, Path):
        yield log
        return
    with tempfile.TemporaryDirectory(prefix="sentiment-log-") as folder:
        local = Path(folder) / log.name
        local.touch()
        try:
            yield local
        finally:
            files.copy_file(str(local), str(log))


def save(board: Leaderboard, folder: Place) -> None:
    """Writes the outcome for programs and for people."""
    (folder / JSON_FILE).write_text(f"{board.to_json()}\n", encoding="utf-8")
    (folder / MARKDOWN_FILE).write_text(report(board), encoding="utf-8")


def stack() -> dict[str, str]:
    """Returns the versions that figures may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def _config_of(config: PipelineConfig, contender: Contender, seed: int) -> PipelineConfig:
    preset = contender.preset or config.preset
    changes: dict[str, Any] = {"model": contender.model, "preset": preset, "seed": seed}
    return replace(config, **changes)


def check_name(name: str) -> str:
    """Returns `name`.

    Raises:
      ConfigurationError: It cannot be a folder's name on every system.
    """
    if name and not NAME.fullmatch(name):
        raise ConfigurationError(
            f"--name is '{name}'; expected at most 100 letters, digits, _ and -, the first a "
            "letter or digit."
        )
    return name
