"""Tuner: searches the variant's hyperparameters."""
