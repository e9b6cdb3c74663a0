"""The paper's figures of numbers from elsewhere, as files for print."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from penultimate.errors import SpecError
from penultimate.figures.average_correlation import average_correlation_figure
from penultimate.figures.correlation import correlation_figure
from penultimate.figures.from_scratch import from_scratch_figure
from penultimate.figures.paper import save_figure
from penultimate.figures.settings_bars import settings_figure
from penultimate.figures.store_tables import accuracy_table
from penultimate.figures.tables import format_table
from penultimate.io import naming_full_disk, write_atomic
from penultimate.stats.correlation import FEWEST

TABLES = {"csv": "csv", "md": "markdown", "tex": "latex"}
SCRATCH = {"from-scratch", "fine-tune"}


def write_figures(
    frame: pd.DataFrame, folder: Path, *, seed: int = 0
) -> tuple[list[Path], list[str]]:
    """Figures 1, 2, 6 and 7 of the paper as PDF, as far as the numbers go, and their table.

    Figures 1 and 2 need the ImageNet accuracy of three models under a setting, figure 6 two
    settings, figure 7 the settings ``fine-tune`` and ``from-scratch``.

    Parameters
    ----------
    frame : of ``tidy``.
    folder : is made where it is not there.

    Returns
    -------
    written, left_out : the files, and sentences on figures that cannot be drawn and why.

    Raises
    ------
    StoreError, SpecError : the folder or a file cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder} is a file: figures go to a folder, choose another name")
    with naming_full_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    drawn, left_out = [], []
    known = frame.dropna(subset="imagenet_top1")
    enough = known.groupby("method")["backbone"].nunique() >= FEWEST
    known = known[known["method"].isin(enough.index[enough])]
    if known.empty:
        left_out.append(
            f"figures 1 and 2, which need the ImageNet accuracy of {FEWEST} models: --imagenet"
        )
    else:
        drawn.append(("average-correlation", average_correlation_figure(known, seed=seed)))
        drawn.append(("correlation", correlation_figure(known, seed=seed)))
    methods = set(frame["method"])
    if len(methods) < 2:
        left_out.append("figure 6, which compares settings: give a table with a column setting")
    else:
        drawn.append(("settings", settings_figure(frame)))
    if methods >= SCRATCH:
        two = frame[frame["method"].isin(SCRATCH)]
        drawn.append(("from-scratch", from_scratch_figure(two)))
    else:
        left_out.append("figure 7, which needs the settings fine-tune and from-scratch")
    written = []
    for name, figure in drawn:
        save_figure(figure, folder / f"{name}.pdf")
        written.append(folder / f"{name}.pdf")
    table = accuracy_table(frame)
    for ending, form in TABLES.items():
        path = folder / f"accuracies.{ending}"
        write_atomic(path, format_table(table, form))
        written.append(path)
    return written, left_out
