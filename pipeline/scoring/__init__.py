"""Batch scoring: files of reviews in, the same files with the model's predictions out."""
