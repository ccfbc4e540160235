"""A TFX pipeline of one's own: ReviewExampleGen and DataGate, and between them TFX's own steps.

    python examples/own_pipeline.py FOLDER

reads the generated sample, trains the linear model, and pushes a version to FOLDER/serving_model.
"""

import sys
from pathlib import Path

from tfx.v1 import components as tfx
from tfx.v1 import dsl, orchestration, proto

from components import DataGate, ReviewExampleGen, ReviewSchemaGen, eval_config, resolve_source

# Without a runner's name, Beam hands over to a binary that it downloads.
BEAM = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--sdk_container_image=none"]


def create_pipeline(data: str, root: Path) -> dsl.Pipeline:
    """Wires the steps: `data` is "sample", "imdb" or a path; `root` takes all that they write."""
    source = resolve_source(data)
    example_gen = ReviewExampleGen(source, validation_fraction=0.1)
    examples = example_gen.outputs["examples"]
    statistics = tfx.StatisticsGen(examples=examples)
    schema = ReviewSchemaGen(source.classes)
    validator = tfx.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    gate = DataGate(example_gen.outputs["report"], validator.outputs["anomalies"])
    transform = tfx.Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        preprocessing_fn="components.preprocessing_fn",
    )
    transform.add_upstream_node(gate)
    trainer = tfx.Trainer(
        run_fn="components.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        custom_config={"model": "linear"},
    )
    evaluator = tfx.Evaluator(
        examples=examples,
        example_splits=["test"],
        model=trainer.outputs["model"],
        schema=schema.outputs["schema"],
        eval_config=eval_config(min_accuracy=0.8),
        module_path="components.evaluator.extractors",
    )
    destination = proto.PushDestination.Filesystem(base_directory=str(root / "serving_model"))
    pusher = tfx.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=proto.PushDestination(filesystem=destination),
    )
    return dsl.Pipeline(
        pipeline_name="own_pipeline",
        pipeline_root=str(root / "pipelines"),
        metadata_connection_config=orchestration.metadata.sqlite_metadata_connection_config(
            str(root / "metadata.db")
        ),
        components=[
            *(example_gen, statistics, schema, validator, gate),
            *(transform, trainer, evaluator, pusher),
        ],
        beam_pipeline_args=BEAM,
    )


if __name__ == "__main__":
    orchestration.LocalDagRunner().run(create_pipeline("sample", Path(sys.argv[1])))
