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
    "--validation-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Of train, where the source has a test part and no validation part (0.2 by default).",
)
@click.option("--strict", is_flag=True, help="Stop at the first image that cannot be read.")
@click.option("--allow-missing", is_flag=True, help="Go on without images that are not there.")
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
def splits(
    task: str,
    output: Path | None,
    seed: int,
    validation_fraction: float | None,
    strict: bool,
    allow_missing: bool,
    quiet: bool,
) -> None:
    """Write which images of TASK are in train, validation and test.

    TASK is what 'penultimate run' takes as --data. The table has a line an image, of
    path,label,split,group,sha256; 'penultimate run --splits FILE' divides by it again.
    """
    from penultimate.cli.bars import Bars
    from penultimate.cli.run import source_of
    from penultimate.data import load_dataset
    from penultimate.data.dataset import PARTS
    from penultimate.io import write_atomic
    from penultimate.spec import Task

    record: dict[str, object] = {"source": source_of(task), "allow_missing": allow_missing}
    if validation_fraction is not None:
        record["validation_fraction"] = validation_fraction
    with Bars(quiet=quiet) as bars:
        dataset = load_dataset(Task.model_validate(record), seed=seed, strict=strict, progress=bars)
        for notice in dataset.notices:
            bars.note(notice)
        if dataset.skipped:
            bars.note(
                f"{len(dataset.skipped):,} left out that cannot be read, for example "
                f"{dataset.skipped[0].id} ({dataset.skipped[0].reason})"
            )
    if validation_fraction is not None and " % of train" not in dataset.split_source:
        raise SpecError(
            f"--validation-fraction does not apply to {task}, whose validation part is not held "
            f"out of train (its split: {dataset.split_source}): leave the option out"
        )
    if output is None:
        click.echo(dataset.split_csv(), nl=False)
    else:
        write_atomic(output, dataset.split_csv())
    if not quiet:
        sizes = ", ".join(f"{len(dataset.indices(part)):,} {part}" for part in PARTS)
        wrote = f"wrote {output}: " if output else ""
        click.echo(f"{wrote}{sizes}; {dataset.split_source}", err=True)
