"""Measurements: one file per question; the command that answers it is in its docstring."""
