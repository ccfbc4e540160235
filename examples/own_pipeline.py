"""A TFX pipeline of one's own; `python examples/own_pipeline.py FOLDER` pushes a model there."""

import sys

from tfx.v1 import components as tfx
from tfx.v1 import dsl, orchestration, proto

from components import DataGate, ReviewExampleGen, ReviewSchemaGen, eval_config, resolve_source

folder = sys.argv[1]
source = resolve_source("sample")
example_gen = ReviewExampleGen(source, validation_fraction=0.1)
examples = example_gen.outputs["examples"]
stats_gen = tfx.StatisticsGen(examples)
schema_gen = ReviewSchemaGen(source.classes)
schema = schema_gen.outputs["schema"]
validator = tfx.ExampleValidator(stats_gen.outputs["statistics"], schema)
gate = DataGate(example_gen.outputs["report"], validator.outputs["anomalies"])
transform = tfx.Transform(examples, schema, preprocessing_fn="components.preprocessing_fn")
transform.add_upstream_node(gate)
tokens, graph = transform.outputs["transformed_examples"], transform.outputs["transform_graph"]
trainer = tfx.Trainer(
    tokens, transform_graph=graph, run_fn="components.run_fn", custom_config={"model": "linear"}
)
model = trainer.outputs["model"]
evaluator = tfx.Evaluator(
    examples,
    model,
    schema=schema,
    example_splits=["test"],
    eval_config=eval_config(min_accuracy=0.8),
    module_path="components.evaluator.extractors",
)
destination = proto.PushDestination(filesystem={"base_directory": f"{folder}/serving_model"})
pusher = tfx.Pusher(model, evaluator.outputs["blessing"], push_destination=destination)
steps = [example_gen, stats_gen, schema_gen, validator, gate, transform, trainer, evaluator, pusher]
database = orchestration.metadata.sqlite_metadata_connection_config(f"{folder}/metadata.db")
# Without a runner's name, Beam hands over to a program that it downloads.
beam = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--sdk_container_image=none"]
pipeline = dsl.Pipeline("own", f"{folder}/pipelines", database, steps, beam_pipeline_args=beam)
orchestration.LocalDagRunner().run(pipeline)
