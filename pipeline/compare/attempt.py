"""One training of a comparison, in a process of its own.

The first line of standard input holds the config; its end means that the parent is gone.
Standard output is a JSON object a line: which step began, how far it is, and at the end the
figures or the error. Everything else goes to a log file.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from components import progress
from components.errors import SentimentError, causes, summary_of
from components.storage import files
from pipeline.config import PipelineConfig
from pipeline.console.log_capture import captured_output
from pipeline.loading import read_environment
from pipeline.resolution import ResolvedRun, resolve

# What a line is about.
STEP = "step"
PROGRESS = "progress"
FIGURES = "figures"
ERROR = "error"


class JsonLineWriter:
    """Writes what happens as JSON lines."""

    def __init__(self, stream: TextIO):
        """Writes to `stream`, which the parent reads."""
        self._stream = stream

    def tell(self, kind: str, value: Any) -> None:
        """Writes a line."""
        print(json.dumps({kind: value}), file=self._stream, flush=True)

    def progress(self, report: progress.Progress) -> None:
        """Tells how far a step is."""
        self.tell(PROGRESS, asdict(report))

    def step_started(self, step: str) -> None:
        """Tells which step began."""
        self.tell(STEP, step)

    def step_cached(self, step: str, execution_id: int) -> None:
        """Tells nothing: the parent shows no cache hits."""

    def step_finished(self, step: str) -> None:
        """Writes nothing: the next line, of another step or of the figures, implies it."""


def main() -> None:
    """Trains as standard input says, writes the outcome, and exits at once.

    A usual exit would wait for the threads of Beam's workers.
    """
    # Ctrl-C reaches this process too; the parent tells the user, and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with captured_output(Path(request["log"]), debug=False) as stream:
        writer = JsonLineWriter(stream)
        try:
            writer.tell(FIGURES, train_and_measure(PipelineConfig(**request["config"]), writer))
        except Exception as error:  # the parent tells the user
            logging.exception("The training ended early.")
            ours = [cause for cause in causes(error) if isinstance(cause, SentimentError)]
            kind = type(ours[0] if ours else error).__name__
            with contextlib.suppress(BrokenPipeError):
                writer.tell(ERROR, {"kind": kind, "message": summary_of(error)})
    os._exit(0)


def _leave_with_parent() -> None:
    """Ends the process when its parent has ended, so that the next run finds the root free."""
    sys.stdin.read()
    os._exit(1)


def train_and_measure(config: PipelineConfig, writer: JsonLineWriter) -> dict[str, Any]:
    """Runs the pipeline and returns the figures of `leaderboard.Run`, and `is_cached`."""
    run = resolve(config, read_environment(os.environ), logging.warning, is_comparison=True)
    from pipeline.runners.announcements import announced_to
    from pipeline.runners.in_root import run_in_root
    from pipeline.runners.recording import recording

    with (
        progress.listening(writer.progress),
        recording(run) as recorder,
        announced_to(recorder),
        announced_to(writer),
    ):
        run_in_root(run, recorder.run_id)
    return read_figures(run)


def read_figures(run: ResolvedRun) -> dict[str, Any]:
    """Reads the latest run back, and times its export."""
    from tfx.utils import path_utils

    from components import features
    from components.evaluator import results
    from components.models.training_record import TrainingRecord
    from pipeline.compare.latency import measure_in_a_fresh_process
    from pipeline.results.run_record import RunRecord

    record = RunRecord(run.metadata, run.pipeline_name)
    (evaluation,) = record.outputs("Evaluator", "evaluation")
    (model,) = record.outputs("Trainer", "model")
    (examples,) = record.outputs("ReviewExampleGen", "examples")
    saved_model = path_utils.serving_model_path(model.uri)
    metrics = results.load(evaluation.uri).overall
    trained = TrainingRecord.read(saved_model)
    return {
        "accuracy": metrics["accuracy"],
        "auc": metrics.get("auc"),
        "macro_f1": metrics["macro_f1"],
        "log_loss": metrics["log_loss"],
        "training_seconds": trained.seconds,
        "parameters": trained.parameters,
        "bytes": files.size_of(saved_model),
        "latency_ms": measure_in_a_fresh_process(
            saved_model, os.path.join(examples.uri, f"Split-{features.TEST_SPLIT}")
        ),
        "examples": int(metrics["examples"]),
        "hyperparameters": trained.hyperparameters.to_config(),
        "is_cached": next(step.is_cached for step in record.steps if step.name == "Trainer"),
    }


if __name__ == "__main__":
    main()
