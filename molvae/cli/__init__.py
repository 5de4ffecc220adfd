"""The command line: parse arguments, call the library, write the output."""
