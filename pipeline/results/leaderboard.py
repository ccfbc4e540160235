"""The outcome of a comparison: every run's figures, and what follows from them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from pipeline.results.statistics import Estimate, difference, estimate

JSON_FILE = "leaderboard.json"
MARKDOWN_FILE = "leaderboard.md"
WHAT_INTERVALS_COVER = (
    "Std and interval measure how much the seeds differ, on this test split. How much other "
    "reviews would differ is not in them."
)
HOW_IT_IS_DECIDED = (
    "~ is not significantly different from the best: the 95 % interval of the difference of the "
    "two mean accuracies (Welch's t over the seeds) contains 0, or there are too few seeds for an "
    "interval."
)
_DEFAULTS = Hyperparameters().to_config()


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is measured of a trained model besides its accuracy.

    Attributes:
      auc: Area under the ROC curve; None of more than two classes.
      macro_f1: The mean of the classes' F1; None in what was recorded before it was measured.
      log_loss: Mean negative log likelihood.
      training_seconds: Wall time of the fit alone.
      parameters: How many weights the model has.
      bytes: Size of the export on disk.
      latency_ms: Median time that one review takes, one at a time.
    """

    auc: float | None = None
    macro_f1: float | None = None
    log_loss: float
    training_seconds: float
    parameters: int
    bytes: int
    latency_ms: float


@dataclass(frozen=True, kw_only=True)
class Run(Figures):
    """What one training gave.

    Attributes:
      label: The contender's.
      model: The variant.
      seed: Of weights, shuffling and dropout.
      accuracy: Share of the test reviews that are judged right.
      examples: Reviews in the test split.
      hyperparameters: What it was trained with.
    """

    label: str
    model: str
    seed: int
    accuracy: float
    examples: int
    hyperparameters: Mapping[str, Any]


@dataclass(frozen=True)
class Failure:
    """A training that gave nothing.

    Attributes:
      label: The contender's.
      seed: Its seed.
      reason: Why, in a line.
      log: Where all of it is.
    """

    label: str
    seed: int
    reason: str
    log: str


@dataclass(frozen=True, kw_only=True)
class Row(Figures):
    """A contender's place; figures without an interval are means over its seeds.

    Attributes:
      label: The contender's.
      seeds: How many seeds it was trained with.
      accuracy: On the test split.
      behind_best: The best one's accuracy minus this one's; None for the best.
      is_tied: Whether the difference to the best is not supported.
    """

    label: str
    seeds: int
    accuracy: Estimate
    behind_best: Estimate | None
    is_tied: bool


@dataclass(frozen=True)
class Leaderboard:
    """A comparison, with all that its rows were computed from.

    Attributes:
      name: The comparison's.
      command: The command line that made it.
      data: Name and digest of the reviews.
      stack: Versions of Python and the libraries.
      machine: What it ran on.
      runs: Every run.
      failures: Every training that failed.
    """

    name: str
    command: str
    data: Mapping[str, str]
    stack: Mapping[str, str]
    machine: Mapping[str, Any]
    runs: tuple[Run, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def rows(self) -> list[Row]:
        """The contenders, the most accurate first."""
        return rank(self.runs)

    def to_json(self) -> str:
        """Returns raw figures and rows."""
        return json.dumps(
            asdict(self) | {"rows": [asdict(row) for row in self.rows]},
            indent=1,
            ensure_ascii=False,
        )

    @classmethod
    def read(cls, path: Path) -> Leaderboard:
        """Reads what `to_json` wrote; the rows are computed again.

        Raises:
          ConfigurationError: The file is not there or not a leaderboard.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            del fields["rows"]
            fields["runs"] = tuple(Run(**run) for run in fields["runs"])
            fields["failures"] = tuple(Failure(**failure) for failure in fields["failures"])
            return cls(**fields)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path} is no leaderboard ({type(error).__name__}: {error}). Expected a "
                f"{JSON_FILE} as `sentiment compare` saves it."
            ) from error


def rank(runs: Sequence[Run]) -> list[Row]:
    """Returns a row for each contender, the most accurate first.

    Raises:
      ConfigurationError: A contender's runs differ in more than the seed.
    """
    by_label: dict[str, list[Run]] = {}
    for run in runs:
        by_label.setdefault(run.label, []).append(run)
    for label, members in by_label.items():
        # An older record lacks what there was no choice of then.
        used = [{**_DEFAULTS, **run.hyperparameters, "seed": 0} for run in members]
        differing = sorted(
            name
            for name, value in used[0].items()
            if any(others.get(name) != value for others in used)
        )
        if differing:
            raise ConfigurationError(
                f"The runs of '{label}' were trained with different {', '.join(differing)}: they "
                "have no mean. Compare them in tables of their own."
            )
    accuracies = {label: [run.accuracy for run in members] for label, members in by_label.items()}
    order = sorted(by_label, key=lambda label: -statistics.fmean(accuracies[label]))
    return [
        _row(
            by_label[label],
            None if label == order[0] else difference(accuracies[order[0]], accuracies[label]),
        )
        for label in order
    ]


def quality(rows: Sequence[Row], decimals: int) -> tuple[str, list[str]]:
    """Returns the name of a column beside the accuracy, and its cells: AUC, or of many classes F1.

    A cell is "-" where the figure is not known.
    """
    if any(row.auc is None for row in rows):
        name, values = "F1", [row.macro_f1 for row in rows]
    else:
        name, values = "AUC", [row.auc for row in rows]
    return name, ["-" if value is None else f"{value:.{decimals}f}" for value in values]


def explanations(rows: Sequence[Row]) -> list[str]:
    """Returns what a reader of these rows must know: of intervals and ties, if there are any."""
    has_interval = any(row.accuracy.low is not None for row in rows)
    has_tie = any(row.is_tied for row in rows)
    return [WHAT_INTERVALS_COVER] * has_interval + [HOW_IT_IS_DECIDED] * has_tie


def _row(runs: Sequence[Run], behind_best: Estimate | None) -> Row:
    def mean(figure: str) -> float:
        return statistics.fmean(getattr(run, figure) for run in runs)

    def mean_of_all(figure: str) -> float | None:
        is_known = all(getattr(run, figure) is not None for run in runs)
        return mean(figure) if is_known else None

    return Row(
        label=runs[0].label,
        seeds=len(runs),
        accuracy=estimate([run.accuracy for run in runs]),
        behind_best=behind_best,
        is_tied=behind_best is not None and (behind_best.low is None or behind_best.low <= 0),
        auc=mean_of_all("auc"),
        macro_f1=mean_of_all("macro_f1"),
        log_loss=mean("log_loss"),
        training_seconds=mean("training_seconds"),
        parameters=runs[0].parameters,
        bytes=round(mean("bytes")),
        latency_ms=mean("latency_ms"),
    )
