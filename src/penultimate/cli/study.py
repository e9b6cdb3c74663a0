"""Run a study from the command line and say what came of it."""

from __future__ import annotations

from pathlib import Path

import click

from penultimate.cli.bars import Bars
from penultimate.cli.output import print_frame_json, print_ranking
from penultimate.execution import StudyFailedError, StudyResults
from penultimate.execution import run as run_study
from penultimate.report import write_report
from penultimate.report.words import count, is_random
from penultimate.spec import Study
from penultimate.store import ImageNetTable, ResultStore


def finish_study(
    study: Study,
    place: Path,
    *,
    strict: bool = False,
    device: str | None = None,
    workers: int | None = None,
    pixel_cache_limit: int | None = None,
    tensorboard: Path | None = None,
    report: Path | None = None,
    imagenet: ImageNetTable | None = None,
    thumbnails: int | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> None:
    """Compute what is missing, print the ranking, write the report if one is asked for.

    Raises
    ------
    PenultimateError : the study could not be begun, or some of its runs failed; the table of
        those that did not is printed all the same.
    """
    failed: StudyFailedError | None = None
    with Bars(quiet=quiet) as bars:
        store = ResultStore(place)
        try:
            done = run_study(
                study,
                store,
                strict=strict,
                device=device,
                workers=workers,
                pixel_cache_limit=pixel_cache_limit,
                tensorboard=tensorboard,
                imagenet=imagenet,
                thumbnails=thumbnails,
                progress=bars,
            )
        except StudyFailedError as error:
            failed, done = error, error.results
        for notice in _notices(done):
            bars.note(notice)
        if imagenet is not None and (without := _without_accuracy(done)):
            bars.note(f"no ImageNet accuracy is known of {', '.join(without)}")
    if done.results:
        if as_json:
            print_frame_json(done.frame())
        else:
            print_ranking(store, done.frame())
        _say_where(done, store, report, quiet)
    elif as_json:
        click.echo("[]")
    if failed is not None:
        raise failed


def _notices(done: StudyResults) -> list[str]:
    """What a person should know of the data, each once, task by task."""
    notices = []
    for result in done.results:
        name = result.spec.task.display
        if result.spec.repeat == 0:  # repeats have the same to say, but for classes' sizes
            notices += [f"{name}: {notice}" for notice in result.notices]
        if result.skipped:
            shown = ", ".join(f"{s.id} ({s.reason})" for s in result.skipped[:5])
            more = len(result.skipped) - 5
            what = "1 image" if len(result.skipped) == 1 else f"{len(result.skipped):,} images"
            notices.append(
                f"{name}: {what} left out that cannot be read: {shown}"
                + (f" and {more:,} more" if more > 0 else "")
            )
        fits = () if result.final.training else (*result.selection, result.final)
        if not all(candidate.converged for candidate in fits):
            ended = sum(not candidate.converged for candidate in result.selection)
            notices.append(
                f"{name}: {ended} of {len(result.selection)} fits of "
                f"{result.spec.backbone.display} did not converge: see the report"
            )
    return list(dict.fromkeys(notices))


def _without_accuracy(done: StudyResults) -> list[str]:
    """The networks that an accuracy was looked up for and none was found; random ones have none."""
    frame = done.frame()
    names = frame.loc[frame["imagenet_top1"].isna(), "backbone"].unique()
    return sorted(name for name in names if not is_random(name))


def _say_where(done: StudyResults, store: ResultStore, report: Path | None, quiet: bool) -> None:
    kept = len(done.results) - done.computed
    if not quiet:
        click.echo(
            f"{done.computed} computed, {kept} already in the store; everything is in {store.root}",
            err=True,
        )
        if done.thumbnails:
            click.echo(
                f"{count(done.thumbnails, 'new thumbnail')} of test images: a report from "
                f"{store.root} shows them to whoever gets it",
                err=True,
            )
    if report is not None:
        write_report(store, report)
        click.echo(f"the report is {report}", err=True)
    elif not quiet:
        click.echo(f"for a page to share: penultimate report {store.root} -o report.html", err=True)
