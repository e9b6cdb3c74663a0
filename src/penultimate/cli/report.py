"""``penultimate report``: the page to share. Never imports torch."""

from __future__ import annotations

from pathlib import Path

import click

from penultimate.cli.accuracy import IMAGENET, add_table


@click.command()
@click.argument("store", default="penultimate-store")
@click.option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the page goes.",
)
@click.option("--title", help="The page's heading.")
@click.option("--imagenet", metavar="TABLE", help=IMAGENET)
def report(store: str, output: Path, title: str | None, imagenet: str | None) -> None:
    """Write what STORE holds as one self-contained HTML page."""
    from penultimate.report import write_report
    from penultimate.store import ResultStore

    opened = ResultStore(store, create=False)
    add_table(opened, imagenet)
    write_report(opened, output, title=title)
    click.echo(f"wrote {output}", err=True)
