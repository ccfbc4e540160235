"""Layers of our own; each computes what a layer of Keras does."""
