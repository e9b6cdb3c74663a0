"""``penultimate pretrain``: one of the paper's networks, on ImageNet or another source task."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import click

from penultimate.errors import PenultimateError, SpecError, nearest

if TYPE_CHECKING:
    from penultimate.execution.pretrain import PretrainingDone
    from penultimate.spec import Pretrain, Task


@click.command()
@click.argument("name", metavar="NETWORK")
@click.option(
    "--data",
    required=True,
    help="The source task: imagenet:DIR, or whatever 'penultimate run' takes as --data.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder for what comes of it, of this training alone.",
)
@click.option(
    "--preset",
    type=click.Choice(["paper", "quick"]),
    default="paper",
    show_default=True,
    help="The paper's recipe, or one for thousands of small pictures.",
)
@click.option(
    "--epochs", type=click.FloatRange(0, min_open=True), help="Passes over the training images."
)
@click.option("--steps", type=click.IntRange(1), help="Updates, in place of --epochs.")
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    help="Images an update, over all devices. The learning rate goes with it.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="At its peak; by default in proportion to the batch.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other setting of docs/pretraining.md. Repeatable.",
)
@click.option(
    "--checkpoint-every",
    type=click.IntRange(1),
    metavar="STEPS",
    help="Also keep a backbone each so many steps.",
)
@click.option(
    "--image-size", type=click.IntRange(1), help="Pixels; the network's own where not given."
)
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]))
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the first weights, the order of images, crops, and a split that is ours.",
)
@click.option("--splits", help="Divide by this file, as 'penultimate splits' writes it.")
@click.option("--strict", is_flag=True, help="Stop at the first image that cannot be read.")
@click.option("--allow-missing", is_flag=True, help="Go on without images that are not there.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Where decoded pictures are kept, for several trainings to share; in --output by default.",
)
@click.option(
    "--pixel-cache-limit",
    default="64GB",
    show_default=True,
    help="Disk that decoded pictures may take there; what does not fit is decoded each time.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda", "mps"]), help="Fastest by default.")
@click.option("--workers", type=click.IntRange(1), help="Threads that decode and crop images.")
@click.option("--json", "as_json", is_flag=True, help="Print the backbones as a JSON array.")
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
def pretrain(
    name: str,
    data: str,
    output: Path,
    preset: str,
    settings: tuple[str, ...],
    checkpoint_every: int | None,
    image_size: int | None,
    seed: int,
    splits: str | None,
    strict: bool,
    allow_missing: bool,
    cache: Path | None,
    pixel_cache_limit: str,
    device: str | None,
    workers: int | None,
    as_json: bool,
    quiet: bool,
    **named: Any,
) -> None:
    """Train NETWORK, one of the paper's sixteen with its switches, from random weights.

    What comes of it is a backbone, paper:NAME@FOLDER/final.safetensors, that knows its switches and
    its accuracy on the source task. Interrupted, run the same command again and it goes on. On
    several GPUs or machines: torchrun ... --no-python penultimate pretrain ...

    \b
    penultimate pretrain paper:resnet50 --data imagenet:DIR --epochs 100 -o resnet50
    penultimate pretrain paper:inception_v4,dropout=0.2,label_smoothing=0.1,auxiliary_head=on ...
    penultimate pretrain paper:mobilenet_v1 --data photos --preset quick --image-size 64 -o mine
    """
    first = os.environ.get("RANK", "0") == "0"
    try:
        chosen = settings_of(preset, settings, named)
        task = _task(data, splits, allow_missing)
        from penultimate.cli.bars import Bars
        from penultimate.cli.size import bytes_of
        from penultimate.execution.pretrain import pretrain as train

        with Bars(quiet=quiet or not first) as bars:
            done = train(
                name,
                task,
                chosen,
                output,
                image_size=image_size,
                seed=seed,
                checkpoint_every=checkpoint_every,
                cache=cache,
                pixel_limit=bytes_of(pixel_cache_limit, "--pixel-cache-limit"),
                strict=strict,
                device=device,
                workers=workers,
                command=_command(),
                progress=bars,
            )
            for notice in _notices(done, checkpoint_every):
                bars.note(notice)
    except PenultimateError:
        if not first:  # every process of torchrun meets it, and one says it
            raise SystemExit(1) from None
        raise
    if first:
        _print(done, as_json, quiet)


def settings_of(preset: str, settings: tuple[str, ...], named: dict[str, Any]) -> Pretrain:
    """The recipe that the command line asks for.

    Raises
    ------
    SpecError : there is no such setting, it is given twice, or its value is not right.
    """
    from pydantic import ValidationError

    from penultimate.spec import Pretrain

    given: dict[str, Any] = {key: value for key, value in named.items() if value is not None}
    written = {key: f"--{key.replace('_', '-')} {value}" for key, value in given.items()}
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or not key:
            raise SpecError(f"--set {setting} is not NAME=VALUE, as in --set weight_decay=1e-4")
        if key not in Pretrain.model_fields:
            near = nearest(key, Pretrain.model_fields)
            asks = (
                f"; did you mean {' or '.join(map(repr, near))}?"
                if near
                else (": the settings are " + ", ".join(Pretrain.model_fields))
            )
            raise SpecError(f"--set {setting}: there is no setting {key!r}{asks}")
        if key in written:
            raise SpecError(f"{written[key]} and --set {setting} say it twice: leave one out")
        given[key], written[key] = _value(key, text), f"--set {setting}"
    try:
        return Pretrain.model_validate({"preset": preset, **given})
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        key = str(first["loc"][0]) if first["loc"] else ""
        raise SpecError(f"{written[key]}: {message}" if key in written else message) from None


def _value(key: str, text: str) -> Any:
    """The text as pydantic takes it for a setting: a list where it holds several values."""
    from penultimate.spec import Pretrain

    annotation = Pretrain.model_fields[key].annotation
    kinds = get_args(annotation) if type(None) in get_args(annotation) else (annotation,)
    if type(None) in kinds and text.lower() == "none":
        return None
    if any(get_origin(kind) is tuple for kind in kinds):
        return [part.strip() for part in text.strip("[]()").split(",") if part.strip()]
    return text


def _task(data: str, splits: str | None, allow_missing: bool) -> Task:
    from penultimate.cli.run import source_of
    from penultimate.spec import Task

    return Task(source=source_of(data), splits=splits, allow_missing=allow_missing)


def _command() -> str:
    """What was written; the record keeps it."""
    import sys

    return shlex.join(["penultimate", *sys.argv[1:]])


def _notices(done: PretrainingDone, every: int | None) -> list[str]:
    record = done.record
    notices = [f"{record.task}: {notice}" for notice in record.notices]
    if record.skipped:
        first = record.skipped[0]
        notices.append(
            f"{record.task}: {len(record.skipped):,} left out that cannot be read, for example "
            f"{first.id} ({first.reason})"
        )
    if not done.computed:
        notices.append(f"{done.folder.root} holds this training already: nothing was computed")
        if every and not any(saved.step % every == 0 for saved in record.saved[:-1]):
            notices.append(
                "checkpoints along the way are kept while it trains: choose a new folder to have "
                "them"
            )
    return notices


def _print(done: PretrainingDone, as_json: bool, quiet: bool) -> None:
    from penultimate.cli.output import print_json

    if as_json:
        print_json(_rows(done))
        return
    record = done.record
    for saved in record.saved:
        shown = ", ".join(
            f"{score.measure} {_percent(score.score)} on {score.images:,} {score.part} images"
            for score in saved.scores
        )
        click.echo(f"step {saved.step:>{len(f'{record.steps:,}')},}  {shown}  {saved.file}")
    if not quiet:
        click.echo(
            f"to take features from it: penultimate run --data DIR --backbone {done.backbone}",
            err=True,
        )


def _percent(fraction: float | None) -> str:
    return "undefined" if fraction is None else f"{100 * fraction:.1f} %"


def _rows(done: PretrainingDone) -> list[dict[str, Any]]:
    """A row a backbone, the final one last."""
    record = done.record
    network = record.backbone.partition(",")[0]
    return [
        {
            "backbone": f"{network}@{done.folder.root / saved.file}",
            "step": saved.step,
            "steps": record.steps,
            "task": record.task,
            "switches": record.backbone.partition(",")[2],
            "scores": [score.model_dump(mode="json") for score in saved.scores],
            "final": saved.step == record.steps,
            "final_loss": record.final_loss,
            "seconds": record.seconds,
            "images_per_second": record.images_per_second,
            "computed": done.computed,
        }
        for saved in record.saved
    ]
