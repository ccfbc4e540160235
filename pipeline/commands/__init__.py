"""The commands of `sentiment`, a module each: its flags, and what it does."""
