"""``penultimate compare``: two networks of a store, or two settings of one. Never imports torch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from penultimate.report.compare import PairComparison


@click.command()
@click.argument("store")
@click.argument("a")
@click.argument("b", required=False)
@click.option(
    "--method",
    "methods",
    multiple=True,
    help="Compare under this method; given twice, A under the first and B under the second. All "
    "that both have by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def compare(store: str, a: str, b: str | None, methods: tuple[str, ...], as_json: bool) -> None:
    """Which of A and B to take, on each task of STORE and over all.

    A and B are backbones as 'penultimate results' shows them, or the beginnings of runs' digests.
    Without B, the methods of A are compared.
    """
    from penultimate.report.compare import compare_in_store
    from penultimate.report.compare.words import answer
    from penultimate.store import ResultStore

    found = compare_in_store(
        ResultStore(store, create=False), a, a if b is None else b, list(methods)
    )
    answers = [answer(pair, several=len(found) > 1) for pair in found]
    if as_json:
        from penultimate.cli.output import print_json

        rows = zip(answers, found, strict=True)
        print_json([{"answer": said, **pair.record()} for said, pair in rows])
    else:
        _print(answers, found)


def _print(answers: list[str], found: list[PairComparison]) -> None:
    from rich.console import Console

    from penultimate.cli.output import READABLE
    from penultimate.report.compare.tables import comparison_table, over_sentences
    from penultimate.report.summary import caveat

    console = Console(width=None if sys.stdout.isatty() else READABLE, highlight=False)

    def say(sentence: str) -> None:
        console.print(sentence, markup=False, width=min(console.width, READABLE))

    for sentence in answers:
        say(sentence)
    for pair in found:
        console.print()
        console.print(comparison_table(pair))
        for sentence in over_sentences(pair):
            say(sentence)
    console.print()
    import pandas as pd

    say(caveat(pd.concat([pair.tasks.assign(method=pair.a.method) for pair in found])))
