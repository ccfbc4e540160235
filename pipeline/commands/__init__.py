"""Commands of the command line that ask or start a model server, a module each."""
