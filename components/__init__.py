"""What each step of the pipeline does. Importing this package imports no library."""
