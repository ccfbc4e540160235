"""Evaluator: metrics, slices, the gate, and what it compares with."""
