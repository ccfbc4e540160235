"""How the steps are configured, wired and run. Importing this package imports no library."""
