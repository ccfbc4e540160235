"""Compares variants: trains each with several seeds, and says which differences are significant."""
