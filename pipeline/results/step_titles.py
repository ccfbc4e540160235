"""What each step does, in a few words."""

TITLES = {
    "ReviewExampleGen": "Read the reviews",
    "StatisticsGen": "Compute statistics",
    "SchemaGen": "Import the schema",
    "ExampleValidator": "Check for anomalies",
    "DataGate": "Gate the data",
    "Transform": "Turn text into ids",
    "Tuner": "Tune the model",
    "WarmStartModel": "Find a warm start",
    "Trainer": "Train the model",
    "LatestBlessedModel": "Find the last model",
    "Evaluator": "Evaluate and gate",
    "CrossValidator": "Judge by folds",
    "InfraValidator": "Try it in a server",
    "Pusher": "Push the model",
}
