"""The command line: one command group a file, over the same public functions that a program calls."""
