"""Says beforehand which steps of a run will be executed, and why."""
