"""SchemaGen: writes the curated schema, with the classes of the data set."""
