"""A server that answers as TF-Serving does, where TF-Serving is not at hand."""
