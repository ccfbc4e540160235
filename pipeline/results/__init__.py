"""What runs did and found, read back from ML Metadata and from the files of their steps."""
