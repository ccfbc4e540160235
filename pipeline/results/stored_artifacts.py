"""Where a run's artifacts are, read from ML Metadata's tables."""

from __future__ import annotations

from components.storage.place import Place
from pipeline.metadata.address import MetadataStoreAddress
from pipeline.results.metadata_file import reading
from pipeline.results.run_info import RunInfo

_URI = """
SELECT a.uri FROM Event v JOIN EventPath p ON p.event_id = v.id JOIN Artifact a
ON a.id = v.artifact_id WHERE v.execution_id = ? AND v.type IN (1, 4) AND p.step_key = ?
ORDER BY a.id LIMIT 1
"""


def output_folder(
    metadata: MetadataStoreAddress, run: RunInfo, step: str, key: str
) -> Place | None:
    """Returns the folder of what a step wrote, or took from the cache; it may be gone.

    Args:
      metadata: Where ML Metadata is.
      run: The run.
      step: The step's id.
      key: Which of its outputs.

    Returns:
      The folder; None if the step did not come that far.
    """
    executions = [each.execution_id for each in run.steps if each.name == step]
    with reading(metadata) as connection:
        if connection is None:
            return None
        for execution in executions:
            for (uri,) in connection.execute(_URI, (execution, key)):
                return metadata.place(str(uri))
    return None
