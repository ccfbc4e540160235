"""Scores files in one Beam pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PCollection

from components import progress
from components.dataset.records import Problem
from components.errors import ScoringError
from components.storage import files
from components.storage.place import Place
from pipeline.scoring.model import PushedModelHandler, ScoredChunk
from pipeline.scoring.output_folder import errors_of_stores
from pipeline.scoring.parts import Part, join_parts, write_part
from pipeline.scoring.plan import AddedColumns, ScoringFile, ScoringPlan
from pipeline.scoring.rows import Chunk, Findings, read_chunks
from serving.versions import number_of

# No input has such a name, and so no output: it tells no format.
_WRITTEN = "written"


def score_files(
    plan: ScoringPlan,
    findings: Findings,
    model: Place,
    folder: Place,
    beam_arguments: Sequence[str],
) -> None:
    """Writes each file's output, whole, into `folder`.

    Args:
      plan: What is scored.
      findings: What `check_rows` found.
      model: The version's folder.
      folder: Where parts and outputs go; all of Beam's workers must reach it.
      beam_arguments: How Beam runs.

    Raises:
      ScoringError: A file changed since it was checked, or could not be scored.
    """
    with beam.Pipeline(options=PipelineOptions(list(beam_arguments))) as pipeline:
        _ = (
            pipeline
            | "Score" >> ScoreFiles(plan, findings.total, model, folder)
            | "CountsOfAll" >> beam.combiners.ToDict()
            | "WriteCounts" >> beam.Map(_write_counts, str(folder / _WRITTEN))
        )
    with errors_of_stores():
        written = json.loads(files.read_text(str(folder / _WRITTEN)))
    for file in plan.files:
        if written.get(file.output) != findings.rows[file.output]:
            raise ScoringError(
                f"{file.path} changed while it was scored: it had {findings.rows[file.output]:,} "
                f"rows at first, and {written.get(file.output, 0):,} then. Run again."
            )


class ScoreFiles(beam.PTransform):
    """Reads, asks the model and writes, chunk by chunk; then joins each file's chunks.

    From reading to the part on the disk a chunk passes through steps that runners fuse, so that
    a file of any size takes the memory of a few chunks. Only the parts' names are grouped. The
    price: one file is read, and asked about, by one worker.
    """

    def __init__(self, plan: ScoringPlan, total: int, model: Place, folder: Place):
        """Takes what `score_files` takes; `total` is the number of rows."""
        super().__init__()
        self._plan, self._total, self._model, self._folder = plan, total, model, folder

    def expand(self, pipeline: beam.Pipeline) -> PCollection:
        """Returns (output's name, number of rows) for each file."""
        files = self._plan.files
        return (
            pipeline
            | "Files" >> beam.Create(list(files), reshuffle=len(files) > 1)
            | "Chunks" >> beam.FlatMap(_chunks, self._plan)
            | "Ask" >> RunInference(PushedModelHandler(str(self._model), self._plan.added))
            | "WriteParts"
            >> beam.ParDo(
                _WriteParts(self._plan, self._total, version_of(self._model), self._folder)
            )
            | "ByFile" >> beam.GroupByKey()
            | "Join"
            >> beam.Map(
                _join, {file.output: file for file in files}, self._plan.added, self._folder
            )
        )


def version_of(model: Place) -> int | None:
    """Returns the version that a folder's name tells, if it is one."""
    return number_of(model.name)


class _WriteParts(beam.DoFn):
    """ScoredChunk -> (output's name, Part)."""

    def __init__(self, plan: ScoringPlan, total: int, version: int | None, folder: Place):
        self._plan, self._total, self._version, self._folder = plan, total, version, folder
        self._done = 0

    def process(self, scored: ScoredChunk) -> Iterable[tuple[str, Part]]:
        chunk, answers = scored
        part = write_part(chunk, answers, self._version, self._plan.added, self._folder)
        self._done += part.rows
        progress.report(
            progress.Progress(
                self._done, self._total, "reviews", f"{self._done:,} of {self._total:,} reviews"
            )
        )
        yield chunk.file.output, part


def _chunks(file: ScoringFile, plan: ScoringPlan) -> Iterable[Chunk]:
    """Yields what was not found to be a problem when the rows were checked."""
    return (found for found in read_chunks(file, plan) if not isinstance(found, Problem))


@errors_of_stores()
def _write_counts(counts: Mapping[str, int], path: str) -> None:
    files.write_text(path, json.dumps(counts))


def _join(
    output_and_parts: tuple[str, Iterable[Part]],
    files: Mapping[str, ScoringFile],
    added: AddedColumns,
    folder: Place,
) -> tuple[str, int]:
    output, parts = output_and_parts
    return join_parts(files[output], parts, added, folder)
