"""The command line: one file a command, each parses, calls one function and prints.

Results go to standard output, progress and notices to standard error. Heavy libraries are
imported inside the commands that use them, so that help is quick.
"""

from penultimate.cli.app import main

__all__ = ["main"]
