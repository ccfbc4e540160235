"""Commands of the command line that ask, serve or apply a pushed model, a module each."""
