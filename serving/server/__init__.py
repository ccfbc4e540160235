"""A server that answers as TF-Serving does, for machines without TF-Serving."""
