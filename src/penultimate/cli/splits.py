"""``penultimate splits``: how a task is divided, as a file. Trains nothing."""

from __future__ import annotations

from pathlib import Path

import click

from penultimate.errors import SpecError


@click.command()
@click.argument("task")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where the table goes; else printed."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the split.")
@click.option(
    "--repeat",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Which of the splits of that seed: those of 'penultimate run --repeats' from 0.",
)
@click.option(
    "--validation-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Of train, where the source has a test part and no validation part, or of what "
    "--per-class keeps (0.2 by default).",
)
@click.option(
    "--per-class",
    type=click.IntRange(1),
    metavar="N",
    help="Keep N images of each class for train and validation, drawn at random; the others are "
    "unused, and test stays as it is.",
)
@click.option(
    "--draw",
    type=click.IntRange(0),
    help="Which of them: the seed of --per-class, 0 by default. Other draws have one test part.",
)
@click.option("--strict", is_flag=True, help="Stop at the first image that cannot be read.")
@click.option("--allow-missing", is_flag=True, help="Go on without images that are not there.")
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
def splits(
    task: str,
    output: Path | None,
    seed: int,
    repeat: int,
    validation_fraction: float | None,
    per_class: int | None,
    draw: int | None,
    strict: bool,
    allow_missing: bool,
    quiet: bool,
) -> None:
    """Write which images of TASK are in train, validation and test.

    TASK is what 'penultimate run' takes as --data. The table has a line an image, of
    path,label,split,group,sha256; 'penultimate run --splits FILE' divides by it again.

    \b
    penultimate splits photos --per-class 10 --draw 1 -o photos-10-1.csv
    penultimate run --data photos --splits photos-10-1.csv --backbone NAME
    """
    from penultimate.cli.bars import Bars
    from penultimate.cli.run import source_of
    from penultimate.data import load_dataset
    from penultimate.data.dataset import PARTS
    from penultimate.data.listing import UNUSED
    from penultimate.data.subset import subset
    from penultimate.io import write_atomic
    from penultimate.spec import Task

    if draw is not None and per_class is None:
        raise click.UsageError("--draw is of --per-class: give both, or neither")
    record: dict[str, object] = {"source": source_of(task), "allow_missing": allow_missing}
    if validation_fraction is not None:
        record["validation_fraction"] = validation_fraction
    with Bars(quiet=quiet) as bars:
        wanted = Task.model_validate(record)
        dataset = load_dataset(wanted, seed=seed, repeat=repeat, strict=strict, progress=bars)
        held_out = " % of train" in dataset.split_source
        if per_class is not None:
            fraction = wanted.validation_fraction
            dataset = subset(dataset, per_class, draw=draw or 0, validation_fraction=fraction)
        for notice in dataset.notices:
            bars.note(notice)
        if dataset.skipped:
            bars.note(
                f"{len(dataset.skipped):,} left out that cannot be read, for example "
                f"{dataset.skipped[0].id} ({dataset.skipped[0].reason})"
            )
    if validation_fraction is not None and per_class is None and not held_out:
        raise SpecError(
            f"--validation-fraction does not apply to {task}, whose validation part is not held "
            f"out of train (its split: {dataset.split_source}): leave the option out"
        )
    if repeat and not dataset.drawn:
        raise SpecError(
            f"--repeat does not apply to {task}, which comes with a test part of its own (its "
            f"split: {dataset.split_source}): leave the option out"
        )
    if output is None:
        click.echo(dataset.split_csv(), nl=False)
    else:
        write_atomic(output, dataset.split_csv())
    if not quiet:
        parts = (*PARTS, *((UNUSED,) if per_class is not None else ()))
        sizes = ", ".join(f"{len(dataset.indices(part)):,} {part}" for part in parts)
        wrote = f"wrote {output}: " if output else ""
        click.echo(f"{wrote}{sizes}; {dataset.split_source}", err=True)
