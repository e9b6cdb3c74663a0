"""Which column of a Hugging Face data set is the image, and which the label."""

from __future__ import annotations

from typing import Any

from penultimate.data.notices import listed
from penultimate.errors import DataError, UnknownNameError

LABEL_NAMES = ("label", "labels", "class", "category", "target")


def image_column(features: Any, asked: str | None, source: str) -> str:
    """The column of images.

    Raises
    ------
    DataError : there is none, or there are several and none was asked for.
    UnknownNameError : the one that was asked for is none of them.
    """
    import datasets

    found = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    if not found:
        raise DataError(
            f"{source} has no column of images, only {_described(features)}: make one with "
            "cast_column(NAME, datasets.Image())"
        )
    return _chosen(found, asked, "image", source)


def label_column(features: Any, asked: str | None, source: str) -> str:
    """The column of labels: the only one of ``ClassLabel``, or else of text or whole numbers.

    Raises
    ------
    DataError, UnknownNameError : as for images.
    """
    import datasets

    classes = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    plain = [name for name, kind in features.items() if _is_plain(kind)]
    if asked is not None:
        return _chosen([*classes, *plain], asked, "label", source)
    text = [name for name in plain if "string" in features[name].dtype]
    likely = [name for name in plain if name.lower() in LABEL_NAMES]
    found = classes or likely or text
    if not found:
        raise DataError(
            f"{source} has no column of labels, only {_described(features)}: a label is a "
            "ClassLabel, or a text or whole number in a column called 'label'; with "
            f"{source}?label=COLUMN another column is taken"
        )
    return _chosen(found, None, "label", source)


def _is_plain(kind: Any) -> bool:
    import datasets

    return isinstance(kind, datasets.Value) and (
        "string" in kind.dtype or "int" in kind.dtype or kind.dtype == "bool"
    )


def _chosen(found: list[str], asked: str | None, what: str, source: str) -> str:
    if asked is not None:
        if asked not in found:
            raise UnknownNameError(
                f"column of {what}s", asked, found, f"{source} has {listed(found, 9)}"
            )
        return asked
    if len(found) > 1:
        raise DataError(
            f"{source} has more than one column that could be the {what}, {listed(found, 9)}: say "
            f"which with {source}?{what}={found[0]}"
        )
    return found[0]


def _described(features: Any) -> str:
    """Columns with their types, a few."""
    import datasets

    shown = [
        f"{name!r} ({kind.dtype if isinstance(kind, datasets.Value) else type(kind).__name__})"
        for name, kind in list(features.items())[:8]
    ]
    more = len(features) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
