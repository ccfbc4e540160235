"""What a person sees of a run. Importing this package imports no library."""
