"""Write docs/cli.md from the commands themselves: ``make docs``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from penultimate.cli.app import cli

HEAD = """\
# The command line

Generated from the commands by `make docs`; do not edit.

Results go to standard output, progress and notices to standard error. A mistake is answered in one
sentence, with exit code 1 (2 for the form of the command itself). `--json` prints a JSON array.
Set `PENULTIMATE_DEBUG=1` to see where an error came from.
"""


def reference() -> str:
    """The help of every command, one after another."""
    # The contexts are nested as on the command line, so that each inherits the group's settings.
    top = cli.make_context("penultimate", [], resilient_parsing=True, terminal_width=96)
    sections = [
        f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n"
        for context in _commands(cli, top)
    ]
    return "\n".join([HEAD, *sections])


def _commands(group: click.Group, parent: click.Context) -> Iterator[click.Context]:
    for name, command in sorted(group.commands.items()):
        context = click.Context(command, parent=parent, info_name=name)
        if isinstance(command, click.Group):
            yield from _commands(command, context)
        else:
            yield context


if __name__ == "__main__":
    target = Path(__file__).with_name("cli.md")
    target.write_text(reference(), encoding="utf-8")
    sys.stderr.write(f"wrote {target}\n")
