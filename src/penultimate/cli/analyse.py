"""``penultimate analyse``: the statistics of numbers from elsewhere. Never imports torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penultimate.cli.accuracy import IMAGENET, imagenet_table

if TYPE_CHECKING:
    import pandas as pd

    from penultimate.report.given.analysis import Analysis
    from penultimate.report.given.page import Source


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
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PAGE",
    help="Write a self-contained HTML page too.",
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the paper's figures there too, as PDF, and a table of all accuracies.",
)
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
    output: Path | None,
    figures: Path | None,
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
    from penultimate.report.given.frames import tidy
    from penultimate.report.given.imagenet import look_up, read_names

    if output is not None:  # matplotlib takes a moment, and only the page needs it
        from penultimate.report.given.page import write_analysis
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
    if output is not None or figures is not None:
        frame = tidy(result, known, given.n_test)
        if figures is not None:
            _draw(frame, figures, seed)
        if output is not None:
            source = _source(file, said, seed=seed, holm=holm)
            write_analysis(result, frame, output, source, groups=list(parsed), seed=seed)
            click.echo(f"wrote {output}", err=True)


def _group(text: str) -> tuple[str, list[str]]:
    name, equals, sets = text.partition("=")
    listed = [part.strip() for part in sets.split(",") if part.strip()]
    if not equals or not name.strip() or not listed:
        raise click.UsageError(f"--group {text!r} is not of the form NAME=SET,SET")
    return name.strip(), listed


def _draw(frame: pd.DataFrame, folder: Path, seed: int) -> None:
    """Write the figures that these numbers allow, and say what was left out."""
    from penultimate.report.given.figures import write_figures

    written, left_out = write_figures(frame, folder, seed=seed)
    for path in written:
        click.echo(f"wrote {path}", err=True)
    for reason in left_out:
        click.echo(f"left out: {reason}", err=True)


def _source(file: Path, said: list[str], *, seed: int, holm: bool) -> Source:
    """What repeats the page: the table by its content, the command, the versions."""
    import importlib.metadata
    import platform
    import shlex

    from penultimate.io import digest_file
    from penultimate.report.given.page import Source

    packages = ("penultimate", "numpy", "pandas", "scipy", "matplotlib")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    return Source(
        file=str(file),
        command=shlex.join(["penultimate", *sys.argv[1:]]),
        facts=[
            ("its SHA-256", digest_file(file)),
            ("seed", str(seed)),
            ("versions", ", ".join([*versions, f"Python {platform.python_version()}"])),
        ],
        notes=said,
        holm=holm,
    )


def _print(result: Analysis) -> None:
    from rich.console import Console

    from penultimate.cli.output import READABLE
    from penultimate.report.given.tables import (
        comparison_table,
        correlation_table,
        models_table,
    )
    from penultimate.report.given.words import answers

    console = Console(width=None if sys.stdout.isatty() else READABLE, highlight=False)
    for sentence in answers(result):
        console.print(sentence, markup=False, width=min(console.width, READABLE))
    console.print()
    for found in result.settings:
        console.print(models_table(found))
        if found.correlation is not None:
            console.print(correlation_table(found))
        for note in found.notes:
            console.print(note, markup=False)
    for compared in result.comparisons:
        console.print(comparison_table(compared))
        console.print(f"{compared.first} is {compared.pairs}", markup=False)
