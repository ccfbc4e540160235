"""The metrics of a run beside its accuracy, by the names that people know them by."""

METRIC_NAMES = {
    "macro_f1": "macro F1",
    "auc": "AUC",
    "precision": "precision",
    "recall": "recall",
    "log_loss": "log loss",
    "calibration": "calibration",
}
