"""How each backbone stands over all tasks together."""

from __future__ import annotations

import pandas as pd

from penultimate.stats.log_odds import logit


def standing(ranking: pd.DataFrame) -> pd.DataFrame:
    """Each backbone over the tasks it was run on, the best standing first.

    Parameters
    ----------
    ranking : of one method, a row a backbone and task (``rank`` gives it).

    Returns
    -------
    frame : a row a backbone: ``backbone``; ``tasks``, how many have a score of it; ``complete``,
        whether that is every task; ``first``, on how many it has the best score; ``level``, on
        how many it is the best or cannot be told from it; ``mean_score``, a fraction; and
        ``mean_log_odds``, over which the order goes (section 3 of the paper: gains near 100 %
        count as much as the errors that they halve). Complete rows come first.
    """
    scored = ranking.dropna(subset="score")
    scored = scored.assign(
        odds=logit(scored["score"], scored["n_test"]),
        level=scored["tied_with_best"].fillna(False).astype(bool),
        first=scored["rank"] == 1,
    )
    table = scored.groupby("backbone", as_index=False).agg(
        tasks=("task", "size"),
        first=("first", "sum"),
        level=("level", "sum"),
        mean_score=("score", "mean"),
        mean_log_odds=("odds", "mean"),
    )
    table["complete"] = table["tasks"] == len(scored[["task", "measure"]].drop_duplicates())
    return table.astype({"first": "int64", "level": "int64"}).sort_values(
        ["complete", "mean_log_odds", "backbone"],
        ascending=[False, False, True],
        ignore_index=True,
    )
