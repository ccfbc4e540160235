"""LastPushedModel: finds the model pushed last, for engines whose steps see no metadata."""
