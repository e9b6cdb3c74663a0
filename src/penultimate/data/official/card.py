"""What is known of a published data set: its sizes, splits, measure, licence and layout on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penultimate.data.examples import Examples
from penultimate.data.listing import Listing


@dataclass(frozen=True)
class Archive:
    """A file that the data set is published as.

    ``url`` is empty where it is handed out by hand only, and ``md5`` where none is published.
    ``into`` is the folder that it is unpacked into, where that is neither the data set's own nor
    told by the archive's members.
    """

    file: str
    url: str = ""
    md5: str = ""
    into: str = ""


@dataclass(frozen=True)
class Official:
    """A published data set with its official layout on disk.

    Parameters
    ----------
    name : how users call it, for example ``food101``.
    title : how papers call it.
    classes : how many.
    train, val, test : how many images; ``val`` is 0 where validation is held out of train.
    measure : ``top-1``, ``mean-per-class`` or ``mean-average-precision``.
    split : where each part comes from, in words.
    licence : a note, not legal advice.
    homepage : where it is described.
    how_to_get : a sentence for those who do not have it.
    folder : the folder that its archives unpack to; users may name that one or the one it is in.
    marker : a file or folder, relative to it, without which it is not there.
    layout : the tree that ``load`` reads, as text, for the documentation.
    pitfalls : what is easily got wrong and how it is handled, a sentence each.
    load : what the annotation files say, from the data set's own folder; whether the images are
        there is looked at elsewhere.
    archives : what it is published as.
    drawn : whether our own seed, and nothing official, divides train from test (Caltech-101).
    also : further pairs of folder and marker, where it is published in more than one form.
    listed : whether its own lists name each image. Where they do not, the images are those in the
        class folders, and only the published sizes tell that one is missing.
    """

    name: str
    title: str
    classes: int
    train: int
    val: int
    test: int
    measure: str
    split: str
    licence: str
    homepage: str
    how_to_get: str
    folder: str
    marker: str
    layout: str
    pitfalls: tuple[str, ...]
    load: Callable[[Path], Listing | Examples]
    archives: tuple[Archive, ...] = ()
    drawn: bool = False
    also: tuple[tuple[str, str], ...] = ()
    listed: bool = True
