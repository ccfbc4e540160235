"""What explains a model and its data: curves, attributions, near duplicates, label errors."""
