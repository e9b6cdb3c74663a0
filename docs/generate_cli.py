"""Write docs/cli.md from the commands themselves: ``make docs``."""

from __future__ import annotations

import sys
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
    sections = [HEAD]
    for path, command in _commands(cli, "penultimate"):
        context = click.Context(
            command, info_name=path, terminal_width=96, max_content_width=96, color=False
        )
        sections.append(f"## {path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(sections)


def _commands(group: click.Group, path: str) -> list[tuple[str, click.Command]]:
    found = []
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            found += _commands(command, f"{path} {name}")
        else:
            found.append((f"{path} {name}", command))
    return found


if __name__ == "__main__":
    target = Path(__file__).with_name("cli.md")
    target.write_text(reference(), encoding="utf-8")
    sys.stderr.write(f"wrote {target}\n")
