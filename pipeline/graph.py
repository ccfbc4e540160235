"""The pipeline's shape: which steps there are, and what flows between them."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.v1 import components as tfx
from tfx.v1 import dsl, proto
from tfx.v1.orchestration import metadata
from tfx.v1.types import standard_artifacts

from components import features
from components.data_gate.component import DataGate
from components.evaluator.baseline import CANDIDATE, MODEL, MODEL_BLESSING, LatestBlessedPredecessor
from components.evaluator.gate import eval_config
from components.example_gen.component import ReviewExampleGen
from components.infra_validator.component import ReviewModelInfraValidator
from components.pusher.component import ReviewModelPusher
from components.trainer import custom_config
from components.trainer.warm_start import LatestBlessedOfVariant
from components.tuner.tuning import SET_BY_USER, TRIALS
from pipeline.resolution import ResolvedConfig

SOURCE_FINGERPRINT = "source_fingerprint"


def create_pipeline(config: ResolvedConfig) -> dsl.Pipeline:
    """Wires the steps. Pure: reads no file, no environment and no clock.

    Args:
      config: A run with nothing left to look up.

    Returns:
      The pipeline, for any of TFX's runners.
    """
    settings = config.settings
    example_gen = ReviewExampleGen(config.source, settings.validation_fraction, settings.drop_leaks)
    examples = example_gen.outputs["examples"]
    statistics_gen = tfx.StatisticsGen(examples=examples)
    schema_gen = tfx.ImportSchemaGen(schema_file=features.schema_file())
    schema = schema_gen.outputs["schema"]
    example_validator = tfx.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema
    )
    data_gate = DataGate(
        report=example_gen.outputs["report"],
        anomalies=example_validator.outputs["anomalies"],
        max_bad_records=settings.max_bad_records,
        positive_label=config.source.positive_label,
        negative_label=config.source.negative_label,
    )

    training_splits = [features.TRAIN_SPLIT]
    validation_splits = [features.EVAL_SPLIT] if config.has_eval else []
    transform = tfx.Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        # Test is for finished exports alone: the Evaluator and the InfraValidator ask them for its
        # reviews as they were read.
        splits_config=proto.SplitsConfig(
            analyze=training_splits, transform=training_splits + validation_splits
        ),
        disable_statistics=True,
    )
    transform.add_upstream_node(data_gate)
    warm_start = dsl.Resolver(
        strategy_class=LatestBlessedOfVariant,
        config={"variant": settings.model},
        **{
            MODEL: dsl.Channel(type=standard_artifacts.Model),
            MODEL_BLESSING: dsl.Channel(type=standard_artifacts.ModelBlessing),
        },
    ).with_id("WarmStartModel")
    tuner = tfx.Tuner(
        tuner_fn="components.tuner.tuning.tuner_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=proto.TrainArgs(splits=training_splits),
        eval_args=proto.EvalArgs(splits=[features.EVAL_SPLIT]),
        custom_config={
            custom_config.MODEL: settings.model,
            custom_config.HYPERPARAMETERS: config.hyperparameters.to_config(),
            TRIALS: settings.tune,
            SET_BY_USER: sorted(
                name
                for name in config.hyperparameters.to_config()
                if getattr(settings, name) is not None
            ),
        },
    )
    trainer = tfx.Trainer(
        run_fn="components.trainer.training.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        hyperparameters=tuner.outputs["best_hyperparameters"] if settings.tune else None,
        base_model=warm_start.outputs[MODEL] if settings.warm_start else None,
        train_args=proto.TrainArgs(splits=training_splits),
        # TFX asks for some split that exists; run_fn reads it only if there is validation.
        eval_args=proto.EvalArgs(splits=validation_splits or training_splits),
        custom_config={
            custom_config.MODEL: settings.model,
            custom_config.HYPERPARAMETERS: config.hyperparameters.to_config(),
            custom_config.HAS_VALIDATION: bool(validation_splits),
            custom_config.WARM_START: settings.warm_start,
            custom_config.IS_TUNED: bool(settings.tune),
        },
    )

    baseline = dsl.Resolver(
        strategy_class=LatestBlessedPredecessor,
        **{
            CANDIDATE: trainer.outputs["model"],
            MODEL: dsl.Channel(type=standard_artifacts.Model),
            MODEL_BLESSING: dsl.Channel(type=standard_artifacts.ModelBlessing),
        },
    ).with_id("LatestBlessedModel")
    evaluator = tfx.Evaluator(
        examples=examples,
        example_splits=[features.TEST_SPLIT],
        model=trainer.outputs["model"],
        baseline_model=None if config.is_comparison else baseline.outputs[MODEL],
        schema=schema,
        eval_config=eval_config(settings.min_accuracy, settings.max_regression, settings.min_lift),
        module_path="components.evaluator.extractors",
    )
    infra_validator = None
    if config.infra_engine:
        infra_validator = ReviewModelInfraValidator(
            model=trainer.outputs["model"],
            model_blessing=evaluator.outputs["blessing"],
            examples=examples,
            engine=config.infra_engine,
        ).with_id("InfraValidator")
    pusher = ReviewModelPusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=infra_validator.outputs["blessing"] if infra_validator else None,
        evaluation=evaluator.outputs["evaluation"],
        report=example_gen.outputs["report"],
        base_directory=config.serving_directory,
        # Each of these changes the candidate or its blessing as well: none makes a push of its own.
        facts={
            "data": config.source.name,
            "origin": {"path": config.source.origin, "digest": config.source.digest},
            "gate": {
                "min_accuracy": settings.min_accuracy,
                "max_regression": settings.max_regression,
                "min_lift": settings.min_lift,
            },
            SOURCE_FINGERPRINT: {
                step: config.fingerprints[step]
                for step in ("ReviewExampleGen", "Transform", "Trainer", "Evaluator")
            },
        },
    ).with_id("Pusher")

    steps = [
        example_gen,
        statistics_gen,
        schema_gen,
        example_validator,
        data_gate,
        transform,
        *([tuner] if settings.tune else []),
        *([warm_start] if settings.warm_start else []),
        trainer,
        *([] if config.is_comparison else [baseline]),
        evaluator,
        *([infra_validator] if infra_validator else []),
        *([] if config.is_comparison else [pusher]),
    ]
    for step in steps:
        if step.id in config.fingerprints:
            _add_to_cache_key(step, config.fingerprints[step.id])
    return dsl.Pipeline(
        pipeline_name=config.pipeline_name,
        pipeline_root=str(config.pipeline_root),
        components=steps,
        enable_cache=settings.cache,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(config.metadata_path)
        ),
        beam_pipeline_args=list(config.beam_arguments),
    )


def _add_to_cache_key(step: BaseComponent, fingerprint: str) -> None:
    """Makes a step run again when its code was edited.

    TFX's cache compares parameters and inputs; of the code it sees the import path alone.
    Executors take no notice of a parameter that they do not know.
    """
    step.exec_properties[SOURCE_FINGERPRINT] = fingerprint
