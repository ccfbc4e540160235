"""What each step of the pipeline does: parts for a TFX pipeline of your own as well.

    from components import ReviewExampleGen, DataGate, eval_config, resolve_source

    source = resolve_source("reviews.csv")
    example_gen = ReviewExampleGen(source, validation_fraction=0.1)
    trainer = tfx.components.Trainer(run_fn="components.run_fn", ...)

`examples/own_pipeline.py` is such a pipeline, with TFX's own steps between ours. TFX asks for
functions by their dotted names: "components.preprocessing_fn", "components.tuner_fn",
"components.run_fn"; and for the Evaluator's extractors by the name of their module,
"components.evaluator.extractors".

Neither this package nor `serving` imports anything of our package `pipeline`: TFX's project
template makes a package of that name in your folder, and it may take the place of ours.

Importing this package imports no library, and importing a name from it only what the name needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.cross_validator.artifact import CrossValidationArtifact
    from components.cross_validator.component import CrossValidator
    from components.cross_validator.figures import CrossValidation
    from components.data_gate.component import DataBlessing, DataGate
    from components.dataset.resolve import resolve_source
    from components.dataset.source import ReviewSource
    from components.dataset.table_options import TableOptions
    from components.errors import SentimentError
    from components.evaluator.baseline import LatestBlessedPredecessor
    from components.evaluator.component import ReviewEvaluator
    from components.evaluator.extractors import custom_extractors
    from components.evaluator.gate import eval_config
    from components.evaluator.predictions import Predictions, read_predictions
    from components.example_gen.component import ReviewExampleGen
    from components.example_gen.reading_report import ReadingReport, ReadingReportArtifact
    from components.features import schema_file
    from components.hyperparameters import Hyperparameters
    from components.infra_validator.component import ReviewModelInfraValidator
    from components.models.registry import get_variant, variant_names
    from components.pusher.component import ReviewModelPusher
    from components.schema_gen.component import ReviewSchemaGen
    from components.trainer.training import run_fn
    from components.transform.preprocessing import preprocessing_fn
    from components.tuner.tuning import tuner_fn

__all__ = [
    "CrossValidation",
    "CrossValidationArtifact",
    "CrossValidator",
    "DataBlessing",
    "DataGate",
    "Hyperparameters",
    "LatestBlessedPredecessor",
    "Predictions",
    "ReadingReport",
    "ReadingReportArtifact",
    "ReviewEvaluator",
    "ReviewExampleGen",
    "ReviewModelInfraValidator",
    "ReviewModelPusher",
    "ReviewSchemaGen",
    "ReviewSource",
    "SentimentError",
    "TableOptions",
    "custom_extractors",
    "eval_config",
    "get_variant",
    "preprocessing_fn",
    "read_predictions",
    "resolve_source",
    "run_fn",
    "schema_file",
    "tuner_fn",
    "variant_names",
]

# As text: what imports this package depends on none of these modules.
_MODULE_OF = {
    "CrossValidation": "components.cross_validator.figures",
    "CrossValidationArtifact": "components.cross_validator.artifact",
    "CrossValidator": "components.cross_validator.component",
    "DataBlessing": "components.data_gate.component",
    "DataGate": "components.data_gate.component",
    "Hyperparameters": "components.hyperparameters",
    "LatestBlessedPredecessor": "components.evaluator.baseline",
    "Predictions": "components.evaluator.predictions",
    "ReadingReport": "components.example_gen.reading_report",
    "ReadingReportArtifact": "components.example_gen.reading_report",
    "ReviewEvaluator": "components.evaluator.component",
    "ReviewExampleGen": "components.example_gen.component",
    "ReviewModelInfraValidator": "components.infra_validator.component",
    "ReviewModelPusher": "components.pusher.component",
    "ReviewSchemaGen": "components.schema_gen.component",
    "ReviewSource": "components.dataset.source",
    "SentimentError": "components.errors",
    "TableOptions": "components.dataset.table_options",
    "custom_extractors": "components.evaluator.extractors",
    "eval_config": "components.evaluator.gate",
    "get_variant": "components.models.registry",
    "preprocessing_fn": "components.transform.preprocessing",
    "read_predictions": "components.evaluator.predictions",
    "resolve_source": "components.dataset.resolve",
    "run_fn": "components.trainer.training",
    "schema_file": "components.features",
    "tuner_fn": "components.tuner.tuning",
    "variant_names": "components.models.registry",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is asked for, https://peps.python.org/pep-0562/."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_MODULE_OF[name]), name)
    return found


def __dir__() -> list[str]:
    """Lists the public names, whether they were asked for or not."""
    return sorted({*globals(), *__all__})
