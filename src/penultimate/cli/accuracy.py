"""The option ``--imagenet`` of the commands that show ImageNet accuracy. Never imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from penultimate.store import ImageNetTable, ResultStore

IMAGENET = (
    "A CSV of ImageNet accuracies (model,img_size,top1), or 'timm': the one that timm publishes, "
    "fetched once."
)


def imagenet_table(place: str | None) -> ImageNetTable | None:
    """The table that ``--imagenet`` names.

    Raises
    ------
    SpecError : it cannot be read or fetched.
    """
    from penultimate.store import ImageNetTable

    return None if place is None else ImageNetTable.read(place)


def add_table(store: ResultStore, place: str | None) -> None:
    """Look the store's networks up in the table that ``--imagenet`` names."""
    table = imagenet_table(place)
    if table is None:
        return
    found = store.imagenet.add_table(table)
    networks = "1 network" if found == 1 else f"{found:,} networks"
    click.echo(f"{table.name} has the ImageNet accuracy of {networks} in the store", err=True)
