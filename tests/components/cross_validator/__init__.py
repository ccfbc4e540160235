"""CrossValidator."""
