"""The curated schema, with the classes of the data set."""
