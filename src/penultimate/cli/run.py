"""``penultimate run``: rank networks on images, from arguments or from a study file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penultimate.cli.accuracy import IMAGENET, imagenet_table
from penultimate.cli.methods import methods_of
from penultimate.cli.size import bytes_of
from penultimate.errors import SpecError, UnknownNameError

if TYPE_CHECKING:
    from penultimate.spec import Study

STORE = "penultimate-store"
FLAGS = {"settings": "set"}  # where an option is not called as its argument
PLACES = ("folder", "csv", "features", "hf", "torchvision", "wds")  # kinds of source


@click.command()
@click.argument("study_file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--data",
    multiple=True,
    help="Class or split folders, a CSV or Parquet table, a built-in task, or a published data "
    "set as NAME or NAME:DIR. Repeatable.",
)
@click.option(
    "--backbone",
    multiple=True,
    help="timm's NAME, paper:NAME, torchvision:NAME, open_clip:NAME, NAME@random, NAME@package, "
    "NAME@CHECKPOINT or features:DIR. Repeatable.",
)
@click.option(
    "--method",
    multiple=True,
    help="linear-probe on fixed features (default), fine-tune, or from-scratch. Repeatable.",
)
@click.option(
    "--preset",
    type=click.Choice(["quick", "paper"]),
    help="Settings of fine-tune and from-scratch: quick (default), or the paper's in full: days on "
    "a GPU.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A method's setting, for all methods that have it: steps=500, learning_rates=0.01,0.1; "
    "METHOD.NAME=VALUE for one. Repeatable.",
)
@click.option("--store", default=STORE, show_default=True, help="Where results are kept.")
@click.option(
    "--seed",
    multiple=True,
    type=click.IntRange(0),
    help="Of the split and of @random. Repeatable.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    metavar="R",
    help="Score probes over R random splits, where the test part is drawn: 20 tells how much is "
    "luck. [default: 1]",
)
@click.option(
    "--geometry",
    type=click.Choice(["whole", "shorter-side-crop"]),
    help="The whole image rescaled to the square (default), or the shorter side and a crop.",
)
@click.option(
    "--image-size", type=click.IntRange(1), help="Pixels; each network's own where not given."
)
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]))
@click.option(
    "--measure",
    type=click.Choice(["top-1", "mean-per-class", "mean-average-precision"]),
    help="The task's own by default.",
)
@click.option("--splits", help="Divide by this file, as 'penultimate splits' writes it.")
@click.option("--strict", is_flag=True, help="Stop at the first image that cannot be read.")
@click.option(
    "--allow-missing",
    is_flag=True,
    default=None,
    help="Go on without images that published lists or --splits name and the disk lacks; they are "
    "counted.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda", "mps"]), help="Fastest by default.")
@click.option("--workers", type=click.IntRange(1), help="Threads that decode images.")
@click.option(
    "--pixel-cache-limit",
    metavar="SIZE",
    help="Disk for decoded images in training, as 20GB; what is beyond is decoded each time.",
)
@click.option(
    "--tensorboard",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Also log trainings here, for TensorBoard (penultimate[tensorboard]).",
)
@click.option("--report", type=click.Path(path_type=Path), help="Also write the report page here.")
@click.option(
    "--thumbnails",
    metavar="N",
    type=click.IntRange(1),
    help="Keep small copies of the N test images a task that most runs got wrong, for the report "
    "(its list has 24). None by default: whoever gets the report sees them.",
)
@click.option("--imagenet", metavar="TABLE", help=IMAGENET)
@click.option("--json", "as_json", is_flag=True, help="Print the runs as a JSON array.")
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
def run(
    study_file: Path | None,
    store: str,
    strict: bool,
    device: str | None,
    workers: int | None,
    pixel_cache_limit: str | None,
    tensorboard: Path | None,
    report: Path | None,
    imagenet: str | None,
    thumbnails: int | None,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Rank networks on your images, or run a study file.

    What is finished is never computed twice: run the same command again after an interruption,
    or with one more backbone, and only what is missing is computed.

    \b
    penultimate run --data photos --backbone resnet50 --backbone resnet50@random
    penultimate run --data photos --backbone resnet50 --method linear-probe --method fine-tune
    penultimate run study.toml
    """
    from penultimate.spec import load_study, locate

    given = [FLAGS.get(name, name) for name, value in asked.items() if value not in (None, ())]
    if study_file is None:
        study = study_of(**asked)
    elif given:
        raise SpecError(
            f"a study file and --{given[0].replace('_', '-')} cannot go together: write it into "
            f"{study_file}"
        )
    elif study_file.is_dir():
        raise SpecError(
            f"{study_file} is a folder and not a study file: to rank networks on its images, "
            f"write --data {study_file} --backbone NAME"
        )
    else:
        study = load_study(study_file)
    limit = None
    if pixel_cache_limit is not None:
        limit = bytes_of(pixel_cache_limit, "--pixel-cache-limit")
    table = imagenet_table(imagenet)
    from penultimate.cli.study import finish_study  # torch, only now that the study is right

    try:
        finish_study(
            study,
            Path(store),
            strict=strict,
            device=device,
            workers=workers,
            pixel_cache_limit=limit,
            tensorboard=tensorboard,
            report=report,
            imagenet=table,
            thumbnails=thumbnails,
            as_json=as_json,
            quiet=quiet,
        )
    except UnknownNameError as error:
        if study_file is None:
            raise
        raise SpecError(f"{locate(error.name, study_file)}: {error}") from error


def study_of(
    *,
    data: tuple[str, ...],
    backbone: tuple[str, ...],
    method: tuple[str, ...] = (),
    preset: str | None = None,
    settings: tuple[str, ...] = (),
    seed: tuple[int, ...] = (),
    repeats: int | None = None,
    measure: str | None = None,
    splits: str | None = None,
    allow_missing: bool | None = None,
    **of_backbones: Any,
) -> Study:
    """A study from command-line arguments.

    Raises
    ------
    SpecError : something is missing, does not exist, or is not valid.
    """
    from pydantic import ValidationError

    from penultimate.spec import Study

    if not backbone:
        raise SpecError(
            "no backbone is given: add --backbone NAME ('penultimate list backbones' shows all)"
        )
    if not data:
        # Features that already exist come with their labels.
        data = tuple(dict.fromkeys(name for name in backbone if name.startswith("features:")))[:1]
    if not data:
        raise SpecError("no images are given: add --data DIR, or --data digits to try it out")
    if splits is not None and len(data) > 1:
        raise SpecError(
            "--splits divides one set of images and --data is given more than once: write a study "
            "file, in which each task has its own splits"
        )
    chosen = {name: value for name, value in of_backbones.items() if value is not None}
    record: dict[str, Any] = {
        "backbones": [
            {"name": name, **({} if name.startswith("features:") else chosen)} for name in backbone
        ],
        "tasks": [
            {
                "source": source_of(place),
                **({"measure": measure} if measure else {}),
                **({"splits": splits} if splits is not None else {}),
                **({"allow_missing": True} if allow_missing else {}),
            }
            for place in data
        ],
    }
    methods = methods_of(method, preset, settings)
    if methods is not None:
        record["methods"] = methods
    if seed:
        record["seeds"] = list(seed)
    if repeats is not None:
        record["repeats"] = repeats
    try:
        return Study.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{first['input']!r}: " if first["loc"] else ""
        raise SpecError(what + first["msg"].removeprefix("Value error, ")) from None


def source_of(data: str) -> str:
    """What ``--data`` names: a task's source.

    Raises
    ------
    SpecError : it is neither a place on disk nor a built-in task.
    """
    from penultimate.data import OFFICIAL, TASKS
    from penultimate.data.official import find

    kind, colon, _ = data.partition(":")
    named = data in TASKS or data in OFFICIAL
    if (colon and (kind in PLACES or kind in OFFICIAL)) or (named and not Path(data).exists()):
        return data
    path = Path(data).expanduser()
    if data in OFFICIAL and find(OFFICIAL[data], data) is not None:
        return f"{data}:{data}"  # a folder of that name, and it holds that data set
    if path.is_dir():
        return f"folder:{data}"
    if path.is_file():
        return f"csv:{data}"
    raise UnknownNameError(
        "folder, table or task",
        data,
        [*TASKS, *OFFICIAL],
        "--data takes a folder of class folders, a CSV or Parquet table, or one of "
        + ", ".join([*TASKS, *OFFICIAL]),
    )
