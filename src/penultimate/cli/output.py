"""What commands print on standard output: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from penultimate.store import ResultStore

READABLE = 100  # columns: longer lines of prose are hard to read


def print_json(rows: list[dict[str, Any]]) -> None:
    """A JSON array; undefined must have become None before."""
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False))


def print_frame_json(frame: pd.DataFrame) -> None:
    """A frame as a JSON array of its rows; undefined is null."""
    print_json(json.loads(frame.to_json(orient="records", double_precision=15)))


def rankings(store: ResultStore, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ranking of a frame of runs, and that of the settings of each backbone."""
    from penultimate.report.findings import compared
    from penultimate.report.predictions import reader

    return compared(store, frame, reader(store))


def print_ranking(store: ResultStore, frame: pd.DataFrame) -> None:
    """The ranked table of a frame of runs, and what it means."""
    from rich.console import Console

    from penultimate.report import accuracy_sources, ranked_table, sentences
    from penultimate.report.settings import setting_sentences

    ranking, compared_settings = rankings(store, frame)
    width = None if sys.stdout.isatty() else READABLE
    console = Console(width=width, highlight=False)
    console.print(ranked_table(ranking))
    console.print()
    settings = setting_sentences(compared_settings)
    for sentence in [*settings, *sentences(ranking), *accuracy_sources(ranking)]:
        console.print(sentence, markup=False, width=min(console.width, READABLE))
