"""Trains every contender with every seed, and keeps the outcome."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.dataset.source import SourceKind
from components.errors import ConfigurationError
from pipeline.compare import isolated
from pipeline.compare.contenders import Contender
from pipeline.compare.leaderboard import JSON_FILE, MARKDOWN_FILE, Failure, Leaderboard, Run
from pipeline.compare.markdown import report
from pipeline.config import NAME, PipelineConfig, hyperparameters_for
from pipeline.console.terminal import Console
from pipeline.fingerprint import LIBRARIES
from pipeline.loading import environment
from pipeline.report.paths import shown
from pipeline.resolution import METADATA_FILE, resolve
from pipeline.runners.local import alone_in
from pipeline.runners.relative_metadata import make_relative

FOLDER = "comparisons"
Train = Callable[[PipelineConfig, Path, isolated.AttemptListener], dict[str, Any]]


def compare(
    settings: PipelineConfig,
    contenders: Sequence[Contender],
    seeds: Sequence[int],
    name: str,
    command: str,
    console: Console,
    train: Train = isolated.train,
) -> Leaderboard:
    """Trains and measures; what was trained before comes from TFX's cache.

    The seeds are the outer loop: a comparison that is broken off has seen every contender
    about as often, and a slow hour of the machine strikes all alike.

    Args:
      settings: What all contenders share.
      contenders: Who is compared.
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
    root = Path(settings.root).absolute()
    with alone_in(root):
        make_relative(root / METADATA_FILE)
        plans = [
            (contender, _settings_of(settings, contender, seed))
            for seed in seeds
            for contender in contenders
        ]
        # What is the same for all contenders; `settings` name a model that may be none of them.
        config = resolve(plans[0][1], environment(os.environ), console.notice, is_comparison=True)
        for _, planned in plans[: len(contenders)]:
            hyperparameters_for(
                planned, config.source.kind is SourceKind.SAMPLE, config.source.has_eval
            )
        name = name or config.pipeline_name
        folder = root / FOLDER / name
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        console.comparison_started(name, config.source.name, len(plans), shown(folder))

        runs, failures = [], []
        for contender, planned in plans:
            stem = f"{contender.label.replace(':', '-')}-seed-{planned.seed}"
            log = folder / "logs" / f"{stem}.log"
            console.attempt_started(f"{contender.label}, seed {planned.seed}")
            try:
                figures = train(planned, log, console)
            except isolated.AttemptError as error:
                console.attempt_ended("FAILED", str(error))
                failures.append(Failure(contender.label, planned.seed, str(error), shown(log)))
                continue
            is_cached = figures.pop("is_cached")
            runs.append(Run(contender.label, contender.model, planned.seed, **figures))
            console.attempt_ended(
                "cached" if is_cached else "done", f"accuracy {figures['accuracy']:.2%}"
            )
        board = Leaderboard(
            name=name,
            command=command,
            data={"name": config.source.name, "digest": config.source.digest},
            stack=stack(),
            machine={"cpus": os.cpu_count(), "architecture": platform.machine()},
            runs=tuple(runs),
            failures=tuple(failures),
        )
        save(board, folder)
        return board


def save(board: Leaderboard, folder: Path) -> None:
    """Writes the outcome for programs and for people."""
    (folder / JSON_FILE).write_text(f"{board.to_json()}\n", encoding="utf-8")
    (folder / MARKDOWN_FILE).write_text(report(board), encoding="utf-8")


def stack() -> dict[str, str]:
    """Returns the versions that figures may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def _settings_of(settings: PipelineConfig, contender: Contender, seed: int) -> PipelineConfig:
    preset = contender.preset or settings.preset
    changes: dict[str, Any] = {"model": contender.model, "preset": preset, "seed": seed}
    return replace(settings, **changes)


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
