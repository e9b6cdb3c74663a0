"""Where the ImageNet accuracies that are shown come from."""

from __future__ import annotations

import pandas as pd

from penultimate.report.words import UNDEFINED, listing, percent

OF_A_TABLE = r"(\(sha256 \w+\)), .*"


def accuracy_sources(frame: pd.DataFrame) -> list[str]:
    """One sentence on the sources of the ImageNet accuracies in a frame; none where it has none."""
    known = frame.dropna(subset=["imagenet_top1"]).drop_duplicates(
        ["backbone", "imagenet_top1_source"]
    )
    if known.empty:
        return []
    # A table is named once, without the rows that were found in it.
    sources = known["imagenet_top1_source"].str.replace(OF_A_TABLE, r"\1", regex=True)
    parts = [
        f"{source} ({listing(sorted(rows['backbone']))})" for source, rows in known.groupby(sources)
    ]
    return [f"ImageNet accuracy: {'; '.join(parts)}."]


def accuracy_of(frame: pd.DataFrame, weights: str) -> str:
    """``74.8 % (source)`` of the network with these weights, a dash where it is not known."""
    rows = frame[frame["weights"] == weights].dropna(subset=["imagenet_top1"])
    if rows.empty:
        return UNDEFINED
    row = rows.iloc[0]
    return f"{percent(row['imagenet_top1'])} % ({row['imagenet_top1_source']})"
