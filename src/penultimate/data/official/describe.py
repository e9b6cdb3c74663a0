"""What there is to say of a published data set, and what of it is on this disk."""

from __future__ import annotations

from typing import Any

from penultimate.data.examples import Examples
from penultimate.data.official.card import Official
from penultimate.data.official.find import find, looked_for
from penultimate.data.official.load import Loaded, load_official
from penultimate.errors import DataError

EXAMPLES = 5  # of missing images that are named


def describe(card: Official) -> dict[str, Any]:
    """What its card says, in plain values; sizes are 0 where validation is held out of train."""
    return {
        "name": card.name,
        "kind": "published",
        "description": card.title,
        "classes": card.classes,
        "images": card.train + card.val + card.test,
        "train": card.train,
        "val": card.val,
        "test": card.test,
        "measure": card.measure,
        "split": card.split,
        "needs": None,
        "licence": card.licence,
        "homepage": card.homepage,
        "how_to_get": card.how_to_get,
        "can_be_fetched": can_be_fetched(card),
        "archives": [
            {"file": a.file, "url": a.url or None, "md5": a.md5 or None} for a in card.archives
        ],
        "layout": card.layout,
        "pitfalls": list(card.pitfalls),
    }


def can_be_fetched(card: Official) -> bool:
    """Whether 'penultimate tasks download' has an address for each of its files."""
    return bool(card.archives) and all(archive.url for archive in card.archives)


def on_disk(card: Official, place: str = "") -> dict[str, Any]:
    """Where it was looked for, where it is, and how many of its images are missing there.

    ``problem`` says why nothing can be counted, where its lists cannot be read; ``notices`` what
    is unlike the published data set.
    """
    root = find(card, place)
    record: dict[str, Any] = {
        "looked_for": [str(path) for path in looked_for(card, place)],
        "found": None if root is None else str(root),
        "missing": None,
        "missing_examples": [],
        "notices": [],
        "problem": None,
    }
    if root is None:
        return record
    try:
        loaded = load_official(card, place, allow_missing=True)
    except DataError as error:
        record["problem"] = str(error)
        return record
    record["missing"] = lacking(card, loaded)
    record["notices"] = list(loaded.found.notices)
    record["missing_examples"] = [skipped.id for skipped in loaded.missing[:EXAMPLES]]
    return record


def lacking(card: Official, loaded: Loaded) -> int:
    """How many images are not there: of those listed, or of the published number without lists."""
    if card.listed:
        return len(loaded.missing)
    found = loaded.found
    there = len(found.ids if isinstance(found, Examples) else found.entries)
    return max(0, card.train + card.val + card.test - there)
