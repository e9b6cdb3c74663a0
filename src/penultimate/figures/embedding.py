"""Figure 4 of the paper: t-SNE of features by class, side by side for several networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from penultimate.errors import SpecError
from penultimate.figures.paper import (
    COLUMN,
    FORMS,
    LABEL,
    body,
    entry,
    finish,
    grid_of,
    legend,
    legend_height,
    mark,
    need_columns,
    print_figure,
    small,
    title,
)
from penultimate.figures.style import PRINT, Palette, legend_label

CLASSES = 10
MOST_CLASSES = 2 * len(FORMS)  # as many as marks tell apart
PERPLEXITY = 30.0
FEWEST = 4  # points: t-SNE has nothing to arrange with fewer


def embedding_figure(
    frame: pd.DataFrame, *, width: float = COLUMN, palette: Palette = PRINT
) -> Figure:
    """A panel a network with a point an image, its class told by mark and colour.

    Parameters
    ----------
    frame : a row a network and image: ``backbone``, ``label``, ``x`` and ``y``, as ``embed`` gives
        it; its ``perplexity`` and ``seed`` are written below where it has them. Distances between
        far groups mean little in t-SNE, so there are no axes.

    Raises
    ------
    SpecError : a column is missing, or there are more classes than marks.
    """
    need_columns(frame, ["backbone", "label", "x", "y"], "the figure of embeddings")
    classes = sorted(map(str, frame["label"].unique()))
    if len(classes) > MOST_CLASSES:
        raise SpecError(
            f"{len(classes)} classes cannot be told apart in one figure: choose up to "
            f"{MOST_CLASSES}, as the paper did 10"
        )
    networks = list(dict.fromkeys(frame["backbone"]))
    rows, columns = grid_of(len(networks), max(1, round(width / 1.6)))
    side = width / columns
    handles = [
        entry(legend_label(name), **mark(index, palette, 3.4)) for index, name in enumerate(classes)
    ]
    below = 0.12 if "perplexity" in frame else 0.0
    figure = print_figure(width, rows * side + legend_height(handles, width) + below)
    part = body(figure)
    grid = part.subplots(rows, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(networks):
            axes.set_visible(False)
            continue
        mine = frame[frame["backbone"] == networks[place]]
        small(axes, palette)
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color=palette.rule)
        for index, name in enumerate(classes):
            points = mine[mine["label"].astype(str) == name]
            axes.plot(points["x"], points["y"], **mark(index, palette, 2.6))
        title(axes, str(networks[place]), palette, inches=side - 0.1)
    if "perplexity" in frame:
        part.supxlabel(_stated(frame), size=LABEL, color=palette.muted)
    legend(figure, handles, palette)
    return finish(figure)


def _stated(frame: pd.DataFrame) -> str:
    """How the points were placed."""
    seed = f", seed {frame['seed'].iloc[0]}" if "seed" in frame else ""
    return f"t-SNE, perplexity {frame['perplexity'].iloc[0]:.3g}{seed}"


def embed(
    features: Mapping[str, ArrayLike],
    labels: Sequence[str],
    *,
    classes: int | Sequence[str] = CLASSES,
    perplexity: float = PERPLEXITY,
    seed: int = 0,
) -> pd.DataFrame:
    """t-SNE of each network's features, scikit-learn's, begun at the first two components.

    Parameters
    ----------
    features : by network, (N, D) of the same N images.
    labels : (N,) class of each image.
    classes : which, or how many: then as many are drawn at random with ``seed``.
    perplexity : about how many neighbours count; less where there are not three times as many
        images.
    seed : of the draw and of t-SNE.

    Returns
    -------
    frame : ``backbone, label, x, y``, a row a network and image, and the ``perplexity`` and
        ``seed`` that t-SNE ran with.

    Raises
    ------
    SpecError : features and labels do not fit, are not finite, or there are too few; or the
        perplexity is not above 0.
    """
    if not perplexity > 0:
        raise SpecError(f"the perplexity counts neighbours, and {perplexity:g} is too few")
    names = np.asarray(labels, dtype=str)
    chosen = _chosen(names, classes, seed)
    keep = np.isin(names, chosen)
    if keep.sum() < FEWEST:
        raise SpecError(
            f"t-SNE needs {FEWEST} images at least, and {keep.sum()} are of the classes"
        )
    perplexity = min(perplexity, (int(keep.sum()) - 1) / 3)
    frames = []
    for backbone, given in features.items():
        matrix = np.asarray(given, dtype=np.float32)
        if matrix.ndim != 2 or len(matrix) != len(names):
            raise SpecError(
                f"the features of {backbone} have the shape {matrix.shape}, and there are "
                f"{len(names)} labels: give (images, features) of the same images"
            )
        if not np.isfinite(matrix[keep]).all():
            raise SpecError(f"the features of {backbone} are not finite: leave that network out")
        places = _tsne(matrix[keep], perplexity, seed)
        points = {"label": names[keep], "x": places[:, 0], "y": places[:, 1]}
        frames.append(pd.DataFrame({"backbone": backbone, **points}))
    return pd.concat(frames, ignore_index=True).assign(perplexity=perplexity, seed=seed)


def _chosen(names: NDArray[np.str_], classes: int | Sequence[str], seed: int) -> list[str]:
    there = sorted(set(names.tolist()))
    if isinstance(classes, int):
        rng = np.random.default_rng(seed)
        return sorted(rng.choice(there, min(classes, len(there)), replace=False).tolist())
    unknown = [name for name in classes if name not in there]
    if unknown:
        raise SpecError(f"there is no class {unknown[0]!r}: there are {', '.join(there[:10])}")
    return list(classes)


def _tsne(matrix: NDArray[np.float32], perplexity: float, seed: int) -> NDArray[np.float64]:
    from sklearn.manifold import TSNE

    if np.ptp(matrix, axis=0).max() == 0:
        return np.zeros((len(matrix), 2))  # all images alike: one point
    start = "pca" if min(matrix.shape) >= 2 else "random"
    found = TSNE(perplexity=perplexity, init=start, random_state=seed, n_jobs=1)
    places: NDArray[np.float64] = found.fit_transform(matrix).astype(np.float64)
    return places
