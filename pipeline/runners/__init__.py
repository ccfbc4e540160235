"""Where a pipeline runs: one module an orchestrator."""
