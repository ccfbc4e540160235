"""InfraValidator: whether a model server serves the candidate, and answers as it does itself."""
