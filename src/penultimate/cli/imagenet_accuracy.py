"""``penultimate imagenet-accuracy``: measure the paper's x-axis on ImageNet itself."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from penultimate.execution.measure_imagenet import Measured
    from penultimate.store import ResultStore


@click.command("imagenet-accuracy")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="ImageNet's folder, or the one that holds it: val/ with class folders, or flat beside the "
    "development kit. Where data sets are kept by default.",
)
@click.option(
    "--store",
    default="penultimate-store",
    show_default=True,
    help="Where the accuracy is kept, for the runs there to use.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda", "mps"]), help="Fastest by default.")
@click.option("--workers", type=click.IntRange(1), help="Threads that decode images.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
def imagenet_accuracy(
    names: tuple[str, ...],
    data: Path | None,
    store: str,
    device: str | None,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure the ImageNet accuracy of the networks NAME, as their makers prepare images.

    On the 50,000 validation images of ILSVRC 2012, or on those that are there. The results of a
    study in the same store then show it. Accuracies need not be measured where they are known:
    'penultimate run --imagenet' reads them from a table.
    """
    from penultimate.cli.bars import Bars
    from penultimate.cli.output import print_json
    from penultimate.data.official.find import data_folder
    from penultimate.execution.measure_imagenet import measure_imagenet
    from penultimate.store import ResultStore

    place = data_folder() if data is None else data.expanduser()
    place = (place / "imagenet" if (place / "imagenet").is_dir() else place).absolute()
    opened = ResultStore(store)
    rows = []
    with Bars(quiet=quiet) as bars:
        for name in names:
            measured = measure_imagenet(
                name,
                place,
                opened,
                device=device,
                workers=workers,
                command=_command(name, place, store),
                progress=bars,
            )
            for notice in _notices(measured, opened):
                bars.note(notice)
            rows.append(measured)
    if as_json:
        print_json([_row(measured) for measured in rows])
        return
    width = max(map(len, names))
    for measured in rows:
        top5 = f"top-5 {100 * (measured.accuracy.top5 or 0):.2f} %"
        top1 = f"top-1 {100 * measured.accuracy.top1:.2f} %"
        click.echo(f"{measured.name:{width}}  {top1}  {top5}  {measured.accuracy.source}")


def _notices(measured: Measured, store: ResultStore) -> list[str]:
    notices = []
    if not measured.computed:
        notices.append(f"{measured.name} was measured on these images before: not computed again")
    kept = store.imagenet.read(measured.weights).get("measured")
    if kept is not None and (kept.images or 0) > (measured.accuracy.images or 0):
        notices.append(
            f"{measured.name}: the accuracy on {kept.images:,} images that was measured before is "
            "kept, since more images tell more"
        )
    elif measured.accuracy.is_partial:
        notices.append(
            f"{measured.name}: {measured.accuracy.source}; results say so wherever they show it"
        )
    if measured.skipped:
        shown = ", ".join(measured.skipped[:5])
        more = len(measured.skipped) - 5
        notices.append(
            f"{measured.name}: {len(measured.skipped):,} images left out that cannot be read: "
            f"{shown}" + (f" and {more:,} more" if more > 0 else "")
        )
    return notices


def _row(measured: Measured) -> dict[str, Any]:
    accuracy = measured.accuracy
    return {
        "backbone": measured.name,
        "top1": accuracy.top1,
        "top5": accuracy.top5,
        "images": accuracy.images,
        "skipped": len(measured.skipped),
        "source": accuracy.source,
        "preprocessing": accuracy.record["preprocessing"],
        "weights": measured.weights,
        "computed": measured.computed,
    }


def _command(name: str, data: Path, store: str) -> str:
    return shlex.join(
        ["penultimate", "imagenet-accuracy", name, "--data", str(data), "--store", store]
    )
