"""Talking to the served model. Importing this package imports no library."""
