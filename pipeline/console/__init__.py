"""What a person sees in the terminal. Importing this package imports no library."""
