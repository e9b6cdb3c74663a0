"""``penultimate results``: what a store holds. Never imports torch."""

from __future__ import annotations

import click

from penultimate.cli.accuracy import IMAGENET, add_table


@click.command()
@click.argument("store", default="penultimate-store")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of the tidy frame.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the tidy frame as CSV.")
@click.option(
    "--ranked",
    is_flag=True,
    help="With --json or --csv: a row a backbone and task, as the table has it, with interval, "
    "p-value and P(best), in place of a row a run.",
)
@click.option("--imagenet", metavar="TABLE", help=IMAGENET)
def results(store: str, imagenet: str | None, as_json: bool, as_csv: bool, ranked: bool) -> None:
    """The finished runs of STORE, ranked.

    The tidy frame has a row a run; scores are fractions, undefined is null.
    """
    from penultimate.cli.output import print_frame_json, print_ranking, rankings
    from penultimate.store import ResultStore

    if as_json and as_csv:
        raise click.UsageError("--json and --csv cannot go together: choose one")
    if ranked and not (as_json or as_csv):
        raise click.UsageError("--ranked goes with --json or --csv: the table is ranked anyway")
    opened = ResultStore(store, create=False)
    add_table(opened, imagenet)
    frame = opened.frame()
    if ranked:
        frame, _ = rankings(opened, frame)
    if as_json:
        print_frame_json(frame)
    elif as_csv:
        click.echo(frame.to_csv(index=False), nl=False)
    elif frame.empty:
        click.echo(f"{store} holds no finished run yet", err=True)
    else:
        print_ranking(opened, frame)
