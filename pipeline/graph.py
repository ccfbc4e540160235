"""`create_pipeline`: which steps there are, and which outputs are inputs of which steps."""

from __future__ import annotations

from typing import Any, NamedTuple

from tensorflow_data_validation import StatsOptions
from tensorflow_model_analysis.proto.config_pb2 import EvalConfig

# Not from tfx.v1: it imports Google Cloud's clients as well, which takes some 2.5 s of CPU time.
from tfx import components as tfx
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.proto.transform_pb2 import SplitsConfig
from tfx.types import Channel, standard_artifacts

from components import features
from components.cross_validator.component import CrossValidator
from components.data_gate.component import DataGate
from components.evaluator.baseline import CANDIDATE, MODEL, MODEL_BLESSING, LatestBlessedPredecessor
from components.evaluator.bounds import GateBounds
from components.evaluator.component import ReviewEvaluator
from components.evaluator.gate import eval_config
from components.example_gen.component import ReviewExampleGen
from components.infra_validator.component import ReviewModelInfraValidator
from components.models.automatic import AUTO
from components.pusher.component import ReviewModelPusher
from components.schema_gen.component import ReviewSchemaGen
from components.trainer import custom_config
from components.trainer.warm_start import LatestBlessedOfVariant
from components.transform.token_settings import TOKENS
from components.tuner.tuning import SET_BY_USER, TRIALS
from pipeline.resolution import ResolvedRun

SOURCE_FINGERPRINT = "source_fingerprint"


class DataSteps(NamedTuple):
    """The steps that read the reviews and check them, in the order in which they run."""

    example_gen: ReviewExampleGen
    statistics_gen: tfx.StatisticsGen
    schema_gen: ReviewSchemaGen
    example_validator: tfx.ExampleValidator
    data_gate: DataGate


class TrainingSteps(NamedTuple):
    """The steps that make a model of the reviews; one that is not asked for is None."""

    transform: tfx.Transform
    tuner: tfx.Tuner | None
    warm_start: Resolver | None
    trainer: tfx.Trainer


class JudgingSteps(NamedTuple):
    """The steps that judge the model and push it if it is good; one not asked for is None."""

    baseline: Resolver | None
    evaluator: ReviewEvaluator
    cross_validator: CrossValidator | None
    infra_validator: ReviewModelInfraValidator | None
    pusher: ReviewModelPusher | None


def create_pipeline(run: ResolvedRun) -> Pipeline:
    """Wires the steps. Pure: reads no file, no environment and no clock.

    Args:
      run: A run with nothing left to look up.

    Returns:
      The pipeline, for any of TFX's runners.
    """
    data = read_and_check(run)
    trained = train(run, data)
    judged = judge_and_push(run, data, trained)

    steps = [step for step in (*data, *trained, *judged) if step is not None]
    for step in steps:
        if step.id in run.fingerprints:
            _add_to_cache_key(step, run.fingerprints[step.id])
    return Pipeline(
        pipeline_name=run.pipeline_name,
        pipeline_root=str(run.pipeline_root),
        components=steps,
        enable_cache=run.config.cache,
        metadata_connection_config=run.metadata.connection_config(),
        beam_pipeline_args=list(run.beam_arguments),
    )


def read_and_check(run: ResolvedRun) -> DataSteps:
    """Wires the steps from the source to the data gate."""
    config = run.config
    example_gen = ReviewExampleGen(run.source, config.validation_fraction, config.drop_leaks)
    statistics_gen = tfx.StatisticsGen(
        examples=example_gen.outputs["examples"],
        # Sketches: the exact count of distinct texts holds every text in the runner's memory.
        stats_options=StatsOptions(use_sketch_based_topk_uniques=True),
    )
    schema_gen = ReviewSchemaGen(run.source.classes, run.source.slice_columns).with_id("SchemaGen")
    example_validator = tfx.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    data_gate = DataGate(
        report=example_gen.outputs["report"],
        anomalies=example_validator.outputs["anomalies"],
        max_bad_records=config.max_bad_records,
        min_class_size=config.min_class_size,
    )
    return DataSteps(example_gen, statistics_gen, schema_gen, example_validator, data_gate)


def train(run: ResolvedRun, data: DataSteps) -> TrainingSteps:
    """Wires the steps from the checked reviews to a trained model."""
    transform = _transform(run, data)
    tuner = _tuner(run, transform) if run.config.tune else None
    warm_start = _warm_start(run) if run.config.warm_start else None
    trainer = _trainer(run, transform, tuner, warm_start)
    return TrainingSteps(transform, tuner, warm_start, trainer)


def judge_and_push(run: ResolvedRun, data: DataSteps, trained: TrainingSteps) -> JudgingSteps:
    """Wires the steps from the trained model to the pushed one; a comparison only measures it."""
    model = trained.trainer.outputs["model"]
    baseline = None if run.is_comparison else _baseline(run, model)
    evaluator = _evaluator(run, data, model, baseline)
    cross_validator = _cross_validator(run, data, model, evaluator) if run.config.folds else None
    blessing = (cross_validator or evaluator).outputs["blessing"]
    infra_validator = None
    if run.infra_engine:
        infra_validator = ReviewModelInfraValidator(
            model=model,
            model_blessing=blessing,
            examples=data.example_gen.outputs["examples"],
            engine=run.infra_engine,
        ).with_id("InfraValidator")
    judged = JudgingSteps(baseline, evaluator, cross_validator, infra_validator, None)
    if run.is_comparison:
        return judged
    return judged._replace(pusher=_pusher(run, data, model, blessing, judged))


def _training_splits(run: ResolvedRun) -> tuple[list[str], list[str]]:
    """Returns the splits to fit on and those to validate on; the latter may be none."""
    return [features.TRAIN_SPLIT], [features.EVAL_SPLIT] if run.has_eval else []


def _tokens(run: ResolvedRun) -> dict[str, Any]:
    """Returns how texts become token ids, as a `custom_config` has it."""
    return {TOKENS: run.config.token_settings.to_config()}


def _transform(run: ResolvedRun, data: DataSteps) -> tfx.Transform:
    fit_on, validate_on = _training_splits(run)
    transform = tfx.Transform(
        examples=data.example_gen.outputs["examples"],
        schema=data.schema_gen.outputs["schema"],
        preprocessing_fn="components.transform.preprocessing.preprocessing_fn",
        custom_config=_tokens(run),
        # Test is for finished exports alone: the Evaluator and the InfraValidator ask them for its
        # reviews as they were read.
        splits_config=SplitsConfig(analyze=fit_on, transform=fit_on + validate_on),
        disable_statistics=True,
    )
    transform.add_upstream_node(data.data_gate)
    return transform


def _tuner(run: ResolvedRun, transform: tfx.Transform) -> tfx.Tuner:
    hyperparameters = run.hyperparameters.to_config()
    return tfx.Tuner(
        tuner_fn="components.tuner.tuning.tuner_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=TrainArgs(splits=[features.TRAIN_SPLIT]),
        eval_args=EvalArgs(splits=[features.EVAL_SPLIT]),
        custom_config={
            **_tokens(run),
            custom_config.MODEL: run.config.model,
            custom_config.HYPERPARAMETERS: hyperparameters,
            custom_config.CLASSES: list(run.source.classes),
            custom_config.MEMORY_BUDGET: run.config.memory_budget,
            TRIALS: run.config.tune,
            SET_BY_USER: sorted(
                name for name in hyperparameters if getattr(run.config, name) is not None
            ),
        },
    )


def _hyperparameters(run: ResolvedRun) -> dict[str, Any]:
    """Returns the hyperparameters of the variant, or of each that the Trainer may choose."""
    if run.config.model == AUTO:
        by_variant = {name: values.to_config() for name, values in run.candidates.items()}
        return {custom_config.CANDIDATES: by_variant}
    return {custom_config.HYPERPARAMETERS: run.hyperparameters.to_config()}


def _warm_start(run: ResolvedRun) -> Resolver:
    return Resolver(
        strategy_class=LatestBlessedOfVariant,
        config={"variant": run.config.model},
        **_models_and_blessings(),
    ).with_id("WarmStartModel")


def _trainer(
    run: ResolvedRun,
    transform: tfx.Transform,
    tuner: tfx.Tuner | None,
    warm_start: Resolver | None,
) -> tfx.Trainer:
    fit_on, validate_on = _training_splits(run)
    return tfx.Trainer(
        run_fn="components.trainer.training.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        base_model=warm_start.outputs[MODEL] if warm_start else None,
        train_args=TrainArgs(splits=fit_on),
        # TFX asks for some split that exists; run_fn reads it only if there is validation.
        eval_args=EvalArgs(splits=validate_on or fit_on),
        custom_config={
            **_tokens(run),
            custom_config.MODEL: run.config.model,
            **_hyperparameters(run),
            custom_config.HAS_VALIDATION: bool(validate_on),
            custom_config.WARM_START: run.config.warm_start,
            custom_config.IS_TUNED: tuner is not None,
            custom_config.CLASSES: list(run.source.classes),
            custom_config.MEMORY_BUDGET: run.config.memory_budget,
            custom_config.CHECKPOINT_MINUTES: run.config.checkpoint_minutes,
            custom_config.SOURCE_FINGERPRINT: run.fingerprints.get("Trainer", ""),
            **({custom_config.DECIDE: run.config.decide} if run.config.decide else {}),
        },
    )


def _baseline(run: ResolvedRun, model: Channel) -> Resolver:
    return Resolver(
        strategy_class=LatestBlessedPredecessor,
        config={"classes": list(run.source.classes)},
        **{CANDIDATE: model},
        **_models_and_blessings(),
    ).with_id("LatestBlessedModel")


def _models_and_blessings() -> dict[str, Channel]:
    """Returns the inputs of a resolver that chooses among earlier models."""
    return {
        MODEL: Channel(type=standard_artifacts.Model),
        MODEL_BLESSING: Channel(type=standard_artifacts.ModelBlessing),
    }


def _evaluator(
    run: ResolvedRun, data: DataSteps, model: Channel, baseline: Resolver | None
) -> ReviewEvaluator:
    return ReviewEvaluator(
        examples=data.example_gen.outputs["examples"],
        example_splits=[features.TEST_SPLIT],
        model=model,
        baseline_model=baseline.outputs[MODEL] if baseline else None,
        schema=data.schema_gen.outputs["schema"],
        eval_config=_gate_on_test(run),
        module_path="components.evaluator.extractors",
    ).with_id("Evaluator")


def _gate_on_test(run: ResolvedRun) -> EvalConfig:
    """Returns the Evaluator's metrics and gate.

    With folds, CrossValidator checks the minimums, on all reviews. The Evaluator then only checks
    that the model is no worse than the last blessed one, on the test reviews that both are asked.
    """
    config = run.config
    if not config.folds:
        return eval_config(
            min_accuracy=config.min_accuracy,
            max_regression=config.max_regression,
            min_lift=config.min_lift,
            classes=run.source.classes,
            min_macro_f1=config.min_macro_f1,
            by_significance=run.gate_bounds.by_significance,
            slice_by=run.source.slice_by,
            min_slice_accuracy=config.min_slice_accuracy,
            min_slice_size=config.min_slice_size,
        )
    # A minimum of 0 is always reached, and has the metric compared with the last blessed model's.
    return eval_config(
        min_accuracy=0.0 if run.gate_bounds.compares_accuracy else None,
        max_regression=config.max_regression,
        classes=run.source.classes,
        min_macro_f1=None if config.min_macro_f1 is None else 0.0,
        by_significance=run.gate_bounds.by_significance,
        slice_by=run.source.slice_by,
    )


def _cross_validator(
    run: ResolvedRun, data: DataSteps, model: Channel, evaluator: ReviewEvaluator
) -> CrossValidator:
    assert run.config.folds
    return CrossValidator(
        examples=data.example_gen.outputs["examples"],
        model=model,
        evaluator_blessing=evaluator.outputs["blessing"],
        folds=run.config.folds,
        bounds=run.gate_bounds,
        slice_by=run.source.slice_by,
    )


def _pusher(
    run: ResolvedRun,
    data: DataSteps,
    model: Channel,
    blessing: Channel,
    judged: JudgingSteps,
) -> ReviewModelPusher:
    infra_validator, cross_validator = judged.infra_validator, judged.cross_validator
    return ReviewModelPusher(
        model=model,
        model_blessing=blessing,
        infra_blessing=infra_validator.outputs["blessing"] if infra_validator else None,
        evaluation=judged.evaluator.outputs["evaluation"],
        cross_validation=cross_validator.outputs["cross_validation"] if cross_validator else None,
        report=data.example_gen.outputs["report"],
        base_directory=str(run.serving_directory),
        facts=_facts(run),
    ).with_id("Pusher")


def _facts(run: ResolvedRun) -> dict[str, Any]:
    """Returns what the model card says of data, gate and code.

    If one of these changes, so does the model or its blessing: they cause no push of their own.
    """
    bounds = run.gate_bounds
    return {
        "data": run.source.name,
        "origin": {"path": run.source.origin, "digest": run.source.digest},
        "classes": list(run.source.classes),
        "gate": {
            "min_accuracy": bounds.min_accuracy,
            "min_macro_f1": bounds.min_macro_f1,
            "max_regression": bounds.max_regression,
            "min_lift": bounds.min_lift,
            **_slice_gate(bounds),
            **({"by_significance": True} if bounds.by_significance else {}),
            **({"folds": run.config.folds} if run.config.folds else {}),
        },
        SOURCE_FINGERPRINT: {
            step: run.fingerprints[step]
            for step in ("ReviewExampleGen", "Transform", "Trainer", "Evaluator")
        },
    }


def _slice_gate(bounds: GateBounds) -> dict[str, Any]:
    """Returns the gate's bounds on slices, if there are any."""
    if bounds.min_slice_accuracy is None:
        return {}
    return {
        "min_slice_accuracy": bounds.min_slice_accuracy,
        "min_slice_size": bounds.min_slice_size,
    }


def _add_to_cache_key(step: BaseComponent, fingerprint: str) -> None:
    """Makes a step run again when its code was edited.

    TFX's cache compares parameters and inputs; of the code it sees the import path alone.
    Executors ignore parameters that they do not know.
    """
    step.exec_properties[SOURCE_FINGERPRINT] = fingerprint
