"""The sentence that says where ImageNet accuracies come from."""

from __future__ import annotations

import pandas as pd

from penultimate.report import accuracy_sources

TABLE = "results table t.csv (sha256 0123456789ab)"


def frame(**known: tuple[float, str | None]) -> pd.DataFrame:
    rows = [(name, top1, source) for name, (top1, source) in known.items()]
    columns = ["backbone", "imagenet_top1", "imagenet_top1_source"]
    return pd.DataFrame(rows, columns=columns).astype({"imagenet_top1_source": "str"})


def test_names_a_table_once_and_every_other_source_with_its_networks() -> None:
    rows = frame(
        one=(0.7, f"{TABLE}, one.in1k, 224 px"),
        two=(0.8, f"{TABLE}, two.in1k, 288 px"),
        three=(0.6, "study file"),
        four=(0.5, "measured on 12 of 50,000 images"),
        five=(float("nan"), None),
    )
    assert accuracy_sources(pd.concat([rows, rows])) == [
        "ImageNet accuracy: measured on 12 of 50,000 images (four); "
        f"{TABLE} (one and two); study file (three)."
    ]


def test_says_nothing_where_nothing_is_known() -> None:
    assert accuracy_sources(frame(one=(float("nan"), None))) == []
