"""Where the accuracies on ImageNet, and on other source tasks, that are shown come from."""

from __future__ import annotations

import pandas as pd

from penultimate.report.words import UNDEFINED, listing, percent

OF_A_TABLE = r"(\(sha256 \w+\)), .*"


def accuracy_sources(frame: pd.DataFrame) -> list[str]:
    """Sentences on the sources of accuracies in a frame; none where it has none.

    One on ImageNet accuracies, and one on networks that were trained on another task.
    """
    return [*_imagenet(frame), *_other_sources(frame)]


def _imagenet(frame: pd.DataFrame) -> list[str]:
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


def _other_sources(frame: pd.DataFrame) -> list[str]:
    """How good networks are at another task that they were trained on."""
    if "source_task" not in frame:
        return []
    known = frame.dropna(subset=["source_task"]).drop_duplicates("backbone")
    parts = [
        f"{backbone}, {percent(score)} % on {task} ({measured})"
        for backbone, task, score, measured in sorted(
            known[["backbone", "source_task", "source_score", "source_measured"]].itertuples(
                index=False, name=None
            )
        )
    ]
    return [f"Accuracy on the source task: {'; '.join(parts)}."] if parts else []


def accuracy_of(frame: pd.DataFrame, weights: str) -> str:
    """``74.8 % (source)`` of the network with these weights, a dash where it is not known.

    ``81.0 % on glyphs (source)`` of one that was trained on another task.
    """
    of_it = frame[frame["weights"] == weights]
    rows = of_it.dropna(subset=["imagenet_top1"])
    if rows.empty:
        if "source_task" not in of_it or (known := of_it.dropna(subset=["source_task"])).empty:
            return UNDEFINED
        row = known.iloc[0]
        return (
            f"{percent(row['source_score'])} % on {row['source_task']} ({row['source_measured']})"
        )
    row = rows.iloc[0]
    return f"{percent(row['imagenet_top1'])} % ({row['imagenet_top1_source']})"
