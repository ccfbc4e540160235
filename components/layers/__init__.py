"""Layers of our own that the variants are built of, beside those of Keras."""
