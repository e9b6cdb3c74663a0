"""Tables of ``penultimate figure``: from a store to text, CSV, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penultimate.cli.accuracy import add_table
from penultimate.cli.titles import titled
from penultimate.errors import SpecError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = {".txt": "text", ".csv": "csv", ".md": "markdown", ".tex": "latex"}


def table_named(name: str) -> str:
    """The table of this name.

    Raises
    ------
    UnknownNameError : there is none, and no figure either.
    """
    from penultimate.figures.catalogue import FIGURES, TABLES

    table = "data-sets" if name == "table-1" else name
    if table not in TABLES:
        names = [*FIGURES, *TABLES, *(f"figure-{i}" for i in range(1, 10)), "table-1"]
        raise UnknownNameError("figure", name, names, "'penultimate figure' lists all")
    return table


def make_table(
    name: str,
    store: str,
    chosen: tuple[Sequence[str], Sequence[str], Sequence[str]],
    *,
    imagenet: str | None,
    missing: Any,
    seed: int,
) -> pd.DataFrame:
    """A table of texts; ``chosen`` are methods, backbones and tasks, all where empty."""
    from penultimate.figures import store_tables
    from penultimate.figures.correlation_numbers import correlations
    from penultimate.figures.tables import data_sets_table
    from penultimate.report.figure_frames import figure_frame
    from penultimate.store import ResultStore

    if name == "data-sets":
        return data_sets_table(_cards())
    opened = ResultStore(store, create=False)
    add_table(opened, imagenet)
    frame = titled(figure_frame(opened, name, *chosen, whole=name == "correlations"))
    if name == "ranking":
        return store_tables.ranking_table(frame)
    if name == "significance":
        return store_tables.significance_table(frame, missing=missing)
    if name == "correlations":
        found = correlations(frame, missing=missing, seed=seed)
        return store_tables.correlations_table(found)
    return store_tables.accuracy_table(frame)


def write_table(table: pd.DataFrame, output: Path | None, form: str | None) -> None:
    """Print a table, or write it in the form that is asked for or that its file's ending says.

    Raises
    ------
    SpecError : neither says what form it is to have.
    """
    from penultimate.figures.tables import format_table
    from penultimate.io import write_atomic

    if output is None:
        click.echo(format_table(table, form or "text"), nl=False)
        return
    form = form or ENDINGS.get(output.suffix.lower())
    if form is None:
        raise SpecError(
            f"{output} says not what kind of table it is to be: end it in .txt, .csv, .md or .tex"
        )
    write_atomic(output, format_table(table, form))
    click.echo(f"wrote {output}", err=True)


def _cards() -> pd.DataFrame:
    """The paper's data sets: all that are known by name but ImageNet itself."""
    import pandas as pd

    from penultimate.data import OFFICIAL

    fields = ["title", "classes", "train", "val", "test", "measure"]
    cards = [card for name, card in OFFICIAL.items() if name != "imagenet"]
    return pd.DataFrame([{field: getattr(card, field) for field in fields} for card in cards])
