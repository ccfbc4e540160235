"""Where a pipeline runs: on this machine, on Kubeflow or Vertex; and Beam's jobs, on any engine."""
