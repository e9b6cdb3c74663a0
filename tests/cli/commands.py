"""How the tests run a command, and what it left."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NAMES = ("[red]crow[/red]", "<b>jay</b>", "'tit' \"grün\"")  # markup to a terminal or to a page


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence on standard error of a command that failed."""
        assert self.code != 0
        assert self.out == ""
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.startswith("error: ")
        assert not re.search(r"[.?!] [A-Z]", self.err), "one sentence"
        assert "Traceback" not in self.err
        return self.err.strip()


Command = Callable[..., Outcome]


def in_shell(*arguments: object, stdout: object = subprocess.PIPE, **settings) -> Outcome:
    """Run the installed command in a process of its own."""
    done = subprocess.run(
        [entry_point(), *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **settings,
    )
    return Outcome(done.returncode, done.stdout or "", done.stderr)


def entry_point() -> str:
    return str(Path(sys.executable).parent / "penultimate")
