"""Figures 3 and 5 from a store: with which of the paper's four settings a network was trained."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import pandas as pd

from penultimate.errors import StoreError
from penultimate.figures.training_settings import SWITCHES
from penultimate.store import Result, ResultStore

PAPER = "paper:"
OFF = {"off", "false", "no", "0", "0.0"}


def with_switches(
    store: ResultStore, frame: pd.DataFrame, note: Callable[[str], None]
) -> pd.DataFrame:
    """The rows of networks whose settings are known, with a column a setting and ``network``.

    Parameters
    ----------
    frame : a row a network and data set, of one method.
    note : told how many networks are left out.

    Raises
    ------
    StoreError : there are no two settings to compare, or two networks with the same.
    """
    known = {run: _switches(store.get(run)) for run in frame["run"]}
    own = frame[[known[run] is not None for run in frame["run"]]]
    left = [name for name in dict.fromkeys(frame["backbone"]) if name not in set(own["backbone"])]
    pairs = [pair for run in own["run"] if (pair := known[run]) is not None]
    own = own.assign(
        network=[network for network, _ in pairs],
        **{switch: [flags[switch] for _, flags in pairs] for switch in SWITCHES},
    )
    if own[list(SWITCHES)].drop_duplicates().shape[0] < 2:
        place = shlex.quote(str(store.root))
        raise StoreError(
            f"{store.root} has no two ways of training on ImageNet to compare: train with other "
            "switches, as in penultimate pretrain paper:inception_v4 and penultimate pretrain "
            "paper:inception_v4,dropout=0.2, and run what they give, penultimate run --data TASK "
            "--backbone paper:inception_v4@ONE.safetensors --backbone "
            f"paper:inception_v4@OTHER.safetensors --store {place}"
        )
    _refuse_alike(own)
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        note(f"left out, because how they were trained is not known: {', '.join(left[:3])}{more}")
    return own


def _refuse_alike(rows: pd.DataFrame) -> None:
    """Two networks of one place in the figure: it cannot say which it shows."""
    key = ["network", *SWITCHES]
    names = rows.drop_duplicates([*key, "backbone"])
    twice = names[names.duplicated(key, keep=False)]
    if twice.empty:
        return
    _, alike = next(iter(twice.groupby(key, sort=False)))
    one, other = alike["backbone"].iloc[:2]
    raise StoreError(
        f"{one} and {other} are the same network trained with the same settings, and the figure "
        "has one place for both: choose networks, --backbone NAME"
    )


def _switches(result: Result | None) -> tuple[str, dict[str, bool]] | None:
    """The network and which settings were on; None of a network that is none of the paper's.

    What the run wrote down, which for networks of ``penultimate pretrain`` comes from their file;
    of runs from before that was written, what the network's name says.
    """
    if result is None:  # deleted since the frame was read
        return None
    recorded = result.network.switches
    if recorded is not None:
        network = result.network.architecture.removeprefix(PAPER)
        return network, {switch: bool(recorded.get(switch)) for switch in SWITCHES}
    name = result.spec.backbone.name
    return _read(name) if name.startswith(PAPER) else None


def _read(name: str) -> tuple[str, dict[str, bool]]:
    """``paper:NETWORK,SWITCH=VALUE,...@WEIGHTS`` taken apart."""
    network, *settings = name.removeprefix(PAPER).partition("@")[0].split(",")
    given = dict(re.split("=", setting, maxsplit=1) for setting in settings if "=" in setting)
    given |= {setting: "on" for setting in settings if "=" not in setting}
    default = {"batch_norm_scale": "on"}
    return network, {
        switch: given.get(switch, default.get(switch, "off")).lower() not in OFF
        for switch in SWITCHES
    }
