"""The command line: one file per verb, thin over the functions of the same name."""
