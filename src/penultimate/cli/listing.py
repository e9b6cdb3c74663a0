"""``penultimate list``: which backbones and tasks there are."""

from __future__ import annotations

from typing import Any

import click

from penultimate.errors import UnknownNameError


@click.group("list")
def listing() -> None:
    """Which backbones and tasks there are."""


@listing.command()
@click.argument("pattern", default="*")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def backbones(pattern: str, as_json: bool) -> None:
    """Names of networks that match PATTERN: 'resnet*', '*@package', 'torchvision:*'."""
    from penultimate.backbones import list_backbones
    from penultimate.cli.output import print_json

    rows = list_backbones(pattern)
    if as_json:
        print_json(rows)
        return
    if not rows:
        known = [row["name"] for row in list_backbones()]
        raise UnknownNameError("backbone", pattern, known, "wildcards find more, as in 'resnet*'")
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        size = _size(row) if "parameters" in row else ""
        click.echo(f"{row['name']:{width}}  {size}{_weights(row['weights'], row['source'])}")
    click.echo(
        f"{len(rows)} names. Also: NAME@random, NAME@CHECKPOINT, hf-hub:..., local-dir:DIR, "
        "features:DIR.",
        err=True,
    )


@listing.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def tasks(as_json: bool) -> None:
    """Built-in tasks, published data sets, and the kinds of source for any images."""
    from penultimate.cli.output import print_json
    from penultimate.cli.tasks import all_tasks, paragraph

    rows = all_tasks()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        if row["kind"] != "source":
            sizes = f"{row['classes']:>5,} classes  {row['images']:>9,} images"
            click.echo(f"{row['name']:10}  {sizes}  {row['measure']}")
            text = f"{row['description']}; split: {row['split']}"
            click.echo("\n".join(paragraph(" " * 11, text)))
    click.echo("\nAny images, as --data or as a task's source:")
    for row in rows:
        if row["kind"] == "source":
            click.echo(f"  {row['name']:22}  {row['description']}")
    click.echo(
        "'penultimate tasks show NAME' tells more; 'penultimate tasks download NAME' fetches.",
        err=True,
    )


def _size(row: dict[str, Any]) -> str:
    millions = row["parameters"] / 1e6
    return f"{millions:4.1f}M, {row['features']} features, {row['image_size']} px; "


def _weights(weights: str, source: str) -> str:
    return {
        "package": f"weights in the package {source}",
        "download": "weights are downloaded once",
        "none": "no weights: @random or @CHECKPOINT",
    }[weights]
