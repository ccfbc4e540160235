"""DataGate: stops a run whose data is not fit to train on."""
