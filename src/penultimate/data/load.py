"""From a task as a user wrote it to a divided data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from penultimate.data.assemble import assemble
from penultimate.data.catalogue import TASKS
from penultimate.data.dataset import Dataset, FileImages, Skipped
from penultimate.data.examples import Examples
from penultimate.data.feature_folder import load_feature_folder
from penultimate.data.folder import list_folder
from penultimate.data.given_split import divided_by_file
from penultimate.data.hf import load_hf
from penultimate.data.listing import Entry, Listing
from penultimate.data.notices import listed
from penultimate.data.official import OFFICIAL, load_official
from penultimate.data.packed import Reading
from penultimate.data.scan import refuse, scan
from penultimate.data.scan_cache import Scanned
from penultimate.data.table import list_table
from penultimate.data.torchvision_sets import load_torchvision
from penultimate.data.walk import count
from penultimate.data.wds import load_wds
from penultimate.errors import DataError, UnknownNameError
from penultimate.progress import SILENT, Progress
from penultimate.spec import Task

PACKED: dict[str, Callable[[str, Reading], Examples]] = {
    "hf": load_hf,
    "torchvision": load_torchvision,
    "wds": load_wds,
}
"""Kinds of source whose images do not lie in files of their own."""

SOURCES = ("folder:", "csv:", "features:", *(f"{kind}:" for kind in PACKED))


def load_dataset(
    task: Task,
    *,
    seed: int = 0,
    repeat: int = 0,
    cache: Path | None = None,
    strict: bool = False,
    progress: Progress = SILENT,
) -> Dataset:
    """The examples of a task, divided into train, val and test.

    Parameters
    ----------
    task : what to load.
    seed : of the split, where the task does not come with one.
    repeat : which of the splits of that seed; a given test part is the same in each.
    cache : folder where it may be kept what was found in image files, so that a second run need
        not decode them again.
    strict : stop at the first image that cannot be used, instead of skipping and counting it.

    Raises
    ------
    UnknownNameError : there is no such built-in task or kind of source.
    DataError : the data cannot be used as they are; the message says what to do.
    """
    kind, colon, place = task.source.partition(":")
    if kind in OFFICIAL and (place or not colon):
        examples = _official(task, cache=cache, strict=strict, progress=progress)
    elif not colon:
        if kind not in TASKS:
            raise _unknown(task.source)
        examples = TASKS[kind].load()
    elif f"{kind}:" not in SOURCES and kind not in OFFICIAL:
        raise _unknown(task.source)
    elif not place:
        raise DataError(f"{task.source!r} names no place: write {task.source}PATH")
    elif kind == "features":
        examples = load_feature_folder(Path(place).expanduser())
    elif kind in PACKED:
        reading = Reading(task.keep_together, cache, strict, progress)
        examples = PACKED[kind](place, reading)
    else:
        path = Path(place).expanduser()
        listing = list_folder(path) if kind == "folder" else list_table(path)
        examples = _read(
            listing,
            path,
            hashes=task.keep_together,
            cache=cache,
            strict=strict,
            progress=progress,
        )
    if task.splits is not None:
        examples = divided_by_file(examples, Path(task.splits).expanduser(), task)
    return assemble(task, examples, seed, repeat)


def _unknown(source: str) -> UnknownNameError:
    kind, colon, _ = source.partition(":")
    known = [*TASKS, *OFFICIAL, *SOURCES]
    remedy = "'penultimate list tasks' shows the built-in ones, and your own images are "
    remedy += "folder:DIR or csv:FILE"
    if not colon and Path(source).expanduser().exists():
        remedy = f"for the file or folder of that name write folder:{source} or csv:{source}"
    return UnknownNameError("task", kind + colon, known, remedy)


def _official(task: Task, *, cache: Path | None, strict: bool, progress: Progress) -> Examples:
    """A published data set.

    Its parts are not ours to change, and what is held out of train is to be the same on every
    machine: near-duplicates, whose finding is not, are not looked for.
    """
    kind, _, place = task.source.partition(":")
    loaded = load_official(OFFICIAL[kind], place, allow_missing=task.allow_missing)
    if isinstance(loaded.found, Examples):
        examples = loaded.found
    else:
        examples = _read(
            loaded.found, loaded.root, hashes=False, cache=cache, strict=strict, progress=progress
        )
    skipped = sorted((*loaded.missing, *examples.skipped), key=lambda s: s.id)
    return replace(examples, skipped=tuple(skipped), measure=OFFICIAL[kind].measure)


def _read(
    listing: Listing,
    place: Path,
    *,
    hashes: bool,
    cache: Path | None,
    strict: bool,
    progress: Progress,
) -> Examples:
    """Read the listed files; those that cannot be decoded are skipped."""
    if strict and listing.skipped:
        first = listing.skipped[0]
        refuse(str(place / first.id), first.reason)
    scanned = scan(
        listing.entries,
        str(place.absolute()),
        hashes=hashes,
        cache=cache,
        strict=strict,
        progress=progress,
    )
    both = list(zip(listing.entries, scanned, strict=True))
    good = [(entry, answer) for entry, answer in both if not answer.error]
    bad = tuple(Skipped(entry.id, answer.error) for entry, answer in both if answer.error)
    skipped = tuple(sorted((*listing.skipped, *bad), key=lambda s: s.id))
    notices = [*listing.notices, *_changed(good)]
    lost = _named(both) - _named(good)
    if lost:
        notices.append(f"no image of these classes can be read: {listed(sorted(lost))}")
    if not good:
        example = f"{skipped[0].id}: {skipped[0].reason}" if skipped else "it lists none"
        raise DataError(
            f"none of the images of {place} can be read (for example {example}): check that they "
            "are whole, and that the path is right"
        )
    several = any(entry.labels is not None for entry, _ in good)
    return Examples(
        ids=tuple(entry.id for entry, _ in good),
        labels=() if several else tuple(entry.label for entry, _ in good),
        digests=tuple(answer.sha256 for _, answer in good),
        images=FileImages(tuple(str(entry.path) for entry, _ in good)),
        parts=tuple(entry.part for entry, _ in good) if listing.split_source else None,
        split_source=listing.split_source,
        groups=tuple(entry.group for entry, _ in good),
        hashes=tuple(answer.perceptual_hash or "" for _, answer in good) if hashes else None,
        skipped=skipped,
        notices=tuple(notices),
        label_sets=tuple(entry.named for entry, _ in good) if several else None,
        uncertain=tuple(entry.uncertain for entry, _ in good) if several else None,
        classes=listing.classes,
    )


def _named(read: list[tuple[Entry, Scanned]]) -> set[str]:
    return {name for entry, _ in read for name in entry.named}


def _changed(good: list[tuple[Entry, Scanned]]) -> list[str]:
    """Whether a table with digests (one of ours, read again) is of other content."""
    other = [entry.id for entry, got in good if entry.sha256 not in ("", got.sha256)]
    if not other:
        return []
    return [
        f"{count(len(other), 'image')} with another content than the table's sha256 says: "
        f"{listed(other)}"
    ]
