"""Trainer: fits the selected variant and exports it."""
