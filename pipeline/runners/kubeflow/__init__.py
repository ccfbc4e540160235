"""Compiles the pipeline for Kubeflow Pipelines v2 and for Vertex."""
