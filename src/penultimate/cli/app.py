"""The group of commands, and how errors reach a person."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import click

from penultimate import __version__
from penultimate.cli.analyse import analyse
from penultimate.cli.compare import compare
from penultimate.cli.demo import demo
from penultimate.cli.figure import figure
from penultimate.cli.imagenet_accuracy import imagenet_accuracy
from penultimate.cli.init import init
from penultimate.cli.listing import listing
from penultimate.cli.predict import predict
from penultimate.cli.pretrain import pretrain
from penultimate.cli.report import report
from penultimate.cli.results import results
from penultimate.cli.run import run
from penultimate.cli.splits import splits
from penultimate.cli.tasks import tasks
from penultimate.errors import Interrupted, PenultimateError, nearest

DEBUG = "PENULTIMATE_DEBUG"
AGAIN = "interrupted: run the same command again to go on"


class Terminated(BaseException):
    """SIGTERM came: as with Ctrl-C, no handler of errors must take it for one."""


class Commands(click.Group):
    """Answers a mistyped command with the nearest right ones."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            near = nearest(name, known) or known
            ctx.fail(f"there is no command {name!r}; did you mean {' or '.join(map(repr, near))}?")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="penultimate")
def cli() -> None:
    """Which pretrained network should I start from, and how sure am I?

    \b
    penultimate demo                                     see it work, without data of your own
    penultimate run --data photos --backbone resnet50    rank networks on your images
    penultimate report penultimate-store -o report.html  the page to share
    """


for command in (
    demo,
    run,
    init,
    listing,
    results,
    compare,
    analyse,
    report,
    figure,
    predict,
    splits,
    tasks,
    imagenet_accuracy,
    pretrain,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; an error a user can mend is one sentence and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is no fault
            stream.reconfigure(errors="backslashreplace")
    try:
        with _told_of_sigterm():
            cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"error: {_sentence(error)}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(AGAIN, err=True)
        sys.exit(130)
    except Terminated:
        click.echo(AGAIN, err=True)
        sys.exit(128 + signal.SIGTERM)
    except Interrupted as error:
        click.echo(f"interrupted: {error}", err=True)
        sys.exit(128 + error.signal)
    except PenultimateError as error:
        _raise_if_debugging()
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or error.filename:
            _inner_fault(error)
        # Files of ours are written through penultimate.io, so it is the output that was printed.
        # That its reader has gone, as in `| head`, click has seen to.
        _raise_if_debugging()
        _discard_output()
        click.echo(
            f"error: the output could not be written ({error.strerror}): send it elsewhere and run "
            "the same command again; what is finished is kept",
            err=True,
        )
        sys.exit(1)
    except Exception as error:
        _inner_fault(error)


@contextmanager
def _told_of_sigterm() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, so that it gives back what it holds.

    A training listens for itself, to keep its state first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _discard_output() -> None:
    """Let what is left to print vanish, so that Python does not try again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _inner_fault(error: Exception) -> NoReturn:
    """Say that an error is not the user's, and end."""
    _raise_if_debugging()
    click.echo(
        f"error: {type(error).__name__} inside penultimate: {error}\nThis is a fault of ours. "
        f"Finished results are kept. Set {DEBUG}=1 for the full account, and please report it.",
        err=True,
    )
    sys.exit(70)


def _sentence(error: click.ClickException) -> str:
    """What click has to say of a wrong argument, in the form of our own errors."""
    message = error.format_message().rstrip(".").replace(". Did you mean", "; did you mean")
    message = message.replace("a valid integer range", "a whole number")
    message = message[:1].lower() + message[1:]
    if isinstance(error, click.UsageError) and error.ctx is not None:
        asks = "?" if message.endswith("?") else ""
        help_ = f" ('{error.ctx.command_path} --help' shows all)"
        message = message.removesuffix(asks) + help_ + asks
    return message


def _raise_if_debugging() -> None:
    if os.environ.get(DEBUG):
        raise  # noqa: PLE0704 - called from the handler
