"""The texts of some reviews, found in the Examples by their ids; without TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from components import features
from components.storage.place import Place, matching
from pipeline.paths import shown
from pipeline.results.run_info import RunInfo
from pipeline.results.stored_artifacts import output_folder
from pipeline.results.stored_examples import READ_ERRORS, example_class, records


def texts_of(root: Place, run: RunInfo, review_ids: Sequence[str]) -> tuple[dict[str, str], str]:
    """Returns the texts of test reviews by id, and why some are missing.

    Args:
      root: Where the run is.
      run: The run that read them.
      review_ids: Which ones.

    Returns:
      What was found, and a sentence on why not all; "" if all were.
    """
    if not review_ids:
        return {}, ""
    folder = output_folder(run.metadata_in(root), run, "ReviewExampleGen", "examples")
    if folder is None:
        return {}, f"{run.run_id} did not record its reviews."
    split = folder / f"Split-{features.TEST_SPLIT}"
    if not split.is_dir():
        return {}, f"somebody removed {shown(split)}, the texts of the reviews."
    wanted = set(review_ids)
    found: dict[str, str] = {}
    pattern = re.compile(b"|".join(re.escape(each.encode()) for each in wanted))
    example = example_class()
    why = f"some of them are not in {shown(split)}."
    try:
        for file in matching(split, "*.gz"):
            # Most records are none of those: a search is much cheaper than to parse each.
            for record in filter(pattern.search, records(file)):
                feature = example.FromString(record).features.feature
                review_id = _text_in(feature[features.REVIEW_ID])
                if review_id in wanted:
                    found[review_id] = _text_in(feature[features.TEXT])
                if len(found) == len(wanted):
                    return found, ""
    except DecodeError as error:
        why = f"{shown(split)} holds something else than reviews ({error})."
    except READ_ERRORS as error:
        why = f"{shown(split)} cannot be read whole ({error})."
    return found, why


def _text_in(feature: Any) -> str:
    values = feature.bytes_list.value
    return values[0].decode("utf-8", "replace") if values else ""
