"""``penultimate analyse``: the statistics of numbers from elsewhere. Never imports torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penultimate.cli.accuracy import IMAGENET, imagenet_table

if TYPE_CHECKING:
    from penultimate.report.given.analysis import Analysis


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--imagenet", metavar="TABLE", help=IMAGENET)
@click.option(
    "--names",
    type=click.Path(path_type=Path),
    metavar="MAP",
    help="A CSV, model,checkpoint: what your models are called in TABLE. CHECKPOINT@SIZE where it "
    "has several image sizes.",
)
@click.option("--percent", is_flag=True, help="The accuracies in FILE are percentages.")
@click.option("--accuracy", metavar="COLUMN", help="The column of a long table to analyse.")
@click.option(
    "--missing",
    type=click.Choice(["refuse", "drop-models", "drop-data-sets"]),
    default="refuse",
    show_default=True,
    help="What becomes of models and data sets of which an accuracy is missing.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME=SET,SET...",
    help="Correlate within these data sets too. Give it again for another group.",
)
@click.option("--holm", is_flag=True, help="Correct p-values against the best for their number.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def analyse(
    file: Path,
    imagenet: str | None,
    names: Path | None,
    percent: bool,
    accuracy: str | None,
    missing: Any,
    groups: tuple[str, ...],
    holm: bool,
    seed: int,
    as_json: bool,
) -> None:
    """The paper's statistics of the accuracies in FILE, wherever they come from.

    FILE is a CSV: either a row an accuracy, with columns model, dataset and accuracy (and, if any,
    setting, n_test and imagenet), or a row a model and a column a data set (and, if any, one called
    imagenet).
    """
    from penultimate.cli.output import print_json
    from penultimate.report.given.accuracies import read_accuracies
    from penultimate.report.given.analysis import analyse as analysed
    from penultimate.report.given.imagenet import look_up, read_names

    if names is not None and imagenet is None:
        raise click.UsageError("--names needs --imagenet: it says what models are called there")
    parsed = dict(map(_group, groups))
    given = read_accuracies(file, percent=percent, column=accuracy)
    known, said = given.imagenet, []
    table = imagenet_table(imagenet)
    if table is not None:
        models = list(dict.fromkeys(m for grid in given.grids.values() for m in grid.index))
        found = look_up(
            [m for m in models if m not in known], table, read_names(names) if names else {}
        )
        known = found.accuracy if known.empty else known.combine_first(found.accuracy)
        said = [f"ImageNet accuracy: {found.source}", *found.notes]
    result = analysed(
        given.grids,
        known,
        n_test=None if given.n_test.empty else given.n_test,
        groups=parsed,
        missing=missing,
        correction="holm" if holm else "none",
        seed=seed,
    )
    if as_json:
        print_json(result.rows())
    else:
        _print(result)
    if known.empty:
        said.append("no ImageNet accuracy is known, so that there is no correlation: --imagenet")
    for note in said:
        click.echo(note, err=True)


def _group(text: str) -> tuple[str, list[str]]:
    name, equals, sets = text.partition("=")
    listed = [part.strip() for part in sets.split(",") if part.strip()]
    if not equals or not name.strip() or not listed:
        raise click.UsageError(f"--group {text!r} is not of the form NAME=SET,SET")
    return name.strip(), listed


def _print(result: Analysis) -> None:
    from rich.console import Console

    from penultimate.cli.output import READABLE
    from penultimate.report.given.tables import (
        comparison_table,
        correlation_table,
        models_table,
    )

    console = Console(width=None if sys.stdout.isatty() else READABLE, highlight=False)
    for found in result.settings:
        console.print(models_table(found))
        if found.correlation is not None:
            console.print(correlation_table(found))
        for note in found.notes:
            console.print(note, markup=False)
    for compared in result.comparisons:
        console.print(comparison_table(compared))
        console.print(f"{compared.first} is {compared.pairs}", markup=False)
