"""Trains several variants with several seeds and says which differences are significant."""
