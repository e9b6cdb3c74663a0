"""``penultimate predict``: use a fitted probe or a trained network on images."""

from __future__ import annotations

from pathlib import Path

import click

from penultimate.errors import DataError, StoreError


@click.command()
@click.argument("run")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--store",
    default="penultimate-store",
    show_default=True,
    help="Where RUN is, unless RUN is a run's folder.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    help="Classes shown: 1, or those with p > 0.5 where an image can have several labels.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda", "mps"]), help="Fastest by default.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def predict(
    run: str,
    images: tuple[Path, ...],
    store: str,
    top: int | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Class and probability of IMAGES by the probe, or the trained network, of RUN.

    RUN is the name of a backbone, where the store holds one run of it, or the beginning of a
    run's digest, as 'penultimate results STORE --json' shows it, or a run's folder.
    """
    from penultimate.cli.output import print_json
    from penultimate.execution.predict import Prediction, predict_images
    from penultimate.store import ResultStore

    folder = Path(run)
    if _is_unfinished(folder):
        raise StoreError(f"{folder} is no finished run: it has no result.json")
    if (folder / "result.json").is_file():
        opened = ResultStore(folder.resolve().parent.parent, create=False)
        result = opened.match(folder.resolve().name)
    else:
        opened = ResultStore(store, create=False)
        result = opened.match(run)
    predictions, unreadable = predict_images(opened, result, list(images), device=device)

    def shown(prediction: Prediction) -> list[tuple[str, float]]:
        return prediction.likely() if top is None else prediction.top(top)

    def row(prediction: Prediction) -> dict[str, object]:
        return {
            "image": str(prediction.image),
            "predictions": [{"class": c, "probability": p} for c, p in shown(prediction)],
        }

    if as_json:
        print_json([row(prediction) for prediction in predictions])
    else:
        for prediction in predictions:
            named = "  ".join(f"{name} {p:.1%}" for name, p in shown(prediction))
            click.echo(f"{prediction.image}: {named or 'no class with p > 0.5'}")
    for skipped in unreadable:
        click.echo(f"{skipped.id}: {skipped.reason}", err=True)
    if unreadable:
        raise DataError(f"{len(unreadable)} of {len(images)} images could not be read")


def _is_unfinished(folder: Path) -> bool:
    """Whether this is the folder of a run that has no result yet."""
    lies_in_store = folder.is_dir() and folder.resolve().parent.name == "runs"
    return lies_in_store and not (folder / "result.json").is_file()
