"""The model variants. Importing this package imports no library."""
