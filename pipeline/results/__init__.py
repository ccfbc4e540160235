"""What a run did, read back from ML Metadata."""
