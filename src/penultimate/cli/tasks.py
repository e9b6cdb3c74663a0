"""``penultimate tasks``: what is known of a task, and getting a published one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from penultimate.errors import DataError, UnknownNameError

READABLE = 100  # columns


@click.group("tasks")
def tasks() -> None:
    """What is known of a task; getting a published data set."""


@tasks.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def show(name: str, as_json: bool) -> None:
    """Classes, sizes, splits, licence and pitfalls of NAME, and what is missing on this disk.

    NAME is one of 'penultimate list tasks'; NAME:DIR looks for a published data set in DIR.
    """
    from penultimate.cli.output import print_json
    from penultimate.data import OFFICIAL
    from penultimate.data.official.describe import describe, on_disk

    short, _, place = name.partition(":")
    if short in OFFICIAL:
        row = {**describe(OFFICIAL[short]), "on_disk": on_disk(OFFICIAL[short], place)}
    else:
        row = next((row for row in all_tasks() if row["name"] == name), {})
    if not row:
        raise _unknown(name)
    if as_json:
        print_json([row])
    else:
        for line in _lines(row):
            click.echo(line)


@tasks.command()
@click.argument("name")
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that will hold it; by default NAME in $PENULTIMATE_DATA, or in "
    "~/.cache/penultimate/data.",
)
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
def download(name: str, to: Path | None, quiet: bool) -> None:
    """Fetch and unpack the published data set NAME, or only what is missing of it.

    An interrupted download goes on where it stopped, and every archive is compared with its
    published checksum. Archives that already lie in the folder are unpacked and not fetched.

    NAME can also be torchvision:NAME, which torchvision fetches, or hf:NAME, which is then in the
    cache of the Hugging Face hub.
    """
    from penultimate.cli.bars import Bars
    from penultimate.data import OFFICIAL
    from penultimate.data.official.get import get

    kind, colon, rest = name.partition(":")
    with Bars(quiet=quiet) as bars:
        if colon and rest and kind == "torchvision":
            from penultimate.data.official import data_folder
            from penultimate.data.torchvision_sets import open_sets

            place = (to or data_folder()).expanduser()
            open_sets(rest, place, download=True)
        elif colon and rest and kind == "hf":
            from penultimate.data.hub import fetch

            if to is not None:
                raise DataError(
                    "what comes from the Hugging Face hub is kept in the hub's own cache: leave "
                    "--to out, or set HF_HOME"
                )
            fetch(rest, bars)
            place = Path("the hub's cache")
        elif name in OFFICIAL:
            place = get(OFFICIAL[name], to, bars)
        elif name in {row["name"] for row in all_tasks()}:
            raise DataError(f"the task {name!r} is built in: there is nothing to fetch")
        else:
            raise _unknown(name)
    if not quiet:
        click.echo(f"{name} is in {place}", err=True)


def all_tasks() -> list[dict[str, Any]]:
    """Everything that a task can be, in plain values: built in, published, kinds of source."""
    from penultimate.data import OFFICIAL, TASKS
    from penultimate.data.catalogue import KINDS
    from penultimate.data.official.describe import describe

    built_in = [
        {
            "name": name,
            "kind": "built-in",
            "description": task.description,
            "classes": task.classes,
            "images": task.images,
            "measure": "top-1",
            "split": task.split,
            "needs": task.needs or None,
        }
        for name, task in TASKS.items()
    ]
    sources = [
        {"name": name, "kind": "source", "description": text, "classes": None, "images": None}
        for name, text in KINDS.items()
    ]
    return [*built_in, *(describe(card) for card in OFFICIAL.values()), *sources]


def _unknown(name: str) -> UnknownNameError:
    known = [row["name"] for row in all_tasks() if row["kind"] != "source"]
    return UnknownNameError("task", name, known, "'penultimate list tasks' shows all")


def _lines(row: dict[str, Any]) -> list[str]:
    """A task for people to read."""
    sizes = ", ".join(f"{row[part]:,} {part}" for part in ("train", "val", "test") if row.get(part))
    lines = [row["description"], ""]
    facts = {
        "classes": f"{row['classes']:,}",
        "images": f"{row['images']:,}" + (f" ({sizes})" if sizes else ""),
        "measure": row["measure"],
        "split": row["split"],
        "needs": row.get("needs"),
        "licence": row.get("licence"),
        "homepage": row.get("homepage"),
        "get it": row.get("how_to_get"),
    }
    for name, text in facts.items():
        if text:
            lines += paragraph(f"{name:10}", text)
    if row.get("pitfalls"):
        lines += ["", "mind"]
        for pitfall in row["pitfalls"]:
            lines += paragraph("  -", pitfall)
    if row.get("layout"):
        lines += ["", "on disk", *(f"  {line}" for line in row["layout"].rstrip().splitlines())]
    if "on_disk" in row:
        lines += ["", *_here(row)]
    return lines


def paragraph(head: str, text: str) -> list[str]:
    """Text with a head, wrapped to be readable."""
    import textwrap

    return textwrap.wrap(
        text, READABLE, initial_indent=f"{head} ", subsequent_indent=" " * (len(head) + 1)
    )


def _here(row: dict[str, Any]) -> list[str]:
    """What of it is on this disk."""
    disk = row["on_disk"]
    if disk["found"] is None:
        fetched = f"'penultimate tasks download {row['name']}' fetches it"
        remedy = fetched if row["can_be_fetched"] else "see 'get it' above"
        return [
            "here       not on this disk; looked for",
            *(f"  {p}" for p in disk["looked_for"]),
            remedy,
        ]
    if disk["problem"]:
        return paragraph("here      ", disk["problem"])
    notices = [line for notice in disk["notices"] for line in paragraph(" " * 10, notice)]
    if not disk["missing"]:
        return [f"here       {disk['found']}, no image is missing", *notices]
    shown = ", ".join(disk["missing_examples"])
    return (
        paragraph(
            "here      ",
            f"{disk['found']}, with {disk['missing']:,} of {row['images']:,} images missing"
            + (f", for example {shown}" if shown else ""),
        )
        + notices
    )
