"""What `sentiment inspect` proposes for a data set: classes, splits, time, and the run to type."""
