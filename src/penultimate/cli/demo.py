"""``penultimate demo``: the whole of it, on networks and images that need no download."""

from __future__ import annotations

from pathlib import Path

import click

BACKBONES = (
    "tf_efficientnet_lite0@package",
    "tf_efficientnet_lite1@package",
    "tf_efficientnet_lite2@package",
    "tf_efficientnet_lite0@random",
)
TASKS = ("digits", "glyphs")


@click.command()
@click.option("--store", default="demo-store", show_default=True, help="Where results are kept.")
@click.option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the report goes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the runs as a JSON array.")
def demo(store: str, output: Path, as_json: bool) -> None:
    """Rank three ImageNet networks, and a random one as the floor, on two small tasks.

    Needs no data and no network: pip install 'penultimate[demo]'. Takes some minutes on two
    cores, and a few seconds when run again.
    """
    from penultimate.cli.study import finish_study
    from penultimate.spec import Study

    study = Study.model_validate({"name": "demo", "backbones": BACKBONES, "tasks": TASKS})
    finish_study(study, Path(store), report=output, thumbnails=24, as_json=as_json)
