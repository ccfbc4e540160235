"""What an inspected data set means for a run: classes, splits, minutes, and the command to type."""
