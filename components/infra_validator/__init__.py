"""Whether a model server serves the candidate, and answers as the model itself does."""
